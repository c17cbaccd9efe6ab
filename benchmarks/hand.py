"""The same jobs as a team writes them by hand, for a worker with default settings."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from benchmarks.steps import increment

_PATIENCE = timedelta(seconds=30)


@workflow.defn
class RemoteJob:
    """Activities, one after the other."""

    @workflow.run
    async def run(self, steps: int) -> int:
        number = 0
        for _ in range(steps):
            number = await workflow.execute_activity(increment, number, start_to_close_timeout=_PATIENCE)
        return number


@workflow.defn
class LocalJob:
    """Local activities, one after the other."""

    @workflow.run
    async def run(self, steps: int) -> int:
        number = 0
        for _ in range(steps):
            number = await workflow.execute_local_activity(increment, number, start_to_close_timeout=_PATIENCE)
        return number


@workflow.defn
class ParallelJob:
    """Children, all at once."""

    @workflow.run
    async def run(self, children: int, steps: int) -> list[int]:
        prefix = workflow.info().workflow_id
        return await asyncio.gather(
            *(
                workflow.execute_child_workflow(RemoteJob.run, steps, id=f"{prefix}-{number}")
                for number in range(children)
            )
        )


@workflow.defn
class ReportingJob:
    """Computes a little, and tells its parent before it ends, since a parent may have begun another run."""

    @workflow.run
    async def run(self, parent: str, number: int) -> int:
        doubled = number * 2
        result = doubled + 1
        await workflow.get_external_workflow_handle(parent).signal("report", result)
        return result


@workflow.defn
class CoordinatingJob:
    """Children that report, all at once."""

    def __init__(self) -> None:
        self._told = 0

    @workflow.run
    async def run(self, children: int) -> int:
        own_id = workflow.info().workflow_id
        await asyncio.gather(
            *(
                workflow.start_child_workflow(
                    ReportingJob.run,
                    args=[own_id, number],
                    id=f"{own_id}-{number}",
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                )
                for number in range(children)
            )
        )
        await workflow.wait_condition(lambda: self._told == children)
        return self._told

    @workflow.signal
    def report(self, result: int) -> None:
        del result
        self._told += 1


@workflow.defn
class IdleJob:
    """Waits for a signal."""

    def __init__(self) -> None:
        self._message: str | None = None

    @workflow.run
    async def run(self) -> str | None:
        await workflow.wait_condition(lambda: self._message is not None)
        return self._message

    @workflow.signal
    def go(self, message: str) -> None:
        self._message = message


ALL = (RemoteJob, LocalJob, ParallelJob, CoordinatingJob, ReportingJob, IdleJob)
