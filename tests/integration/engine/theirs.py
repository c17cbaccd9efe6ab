"""Another team's workflow, as `workflow` nodes call it, on a task queue of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from tests.integration.stack import Stack


@workflow.defn(name="Theirs", sandboxed=False)
class Theirs:
    """Does what its first argument says."""

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self, what: str, value: Any = None) -> Any:
        match what:
            case "fail":
                raise ApplicationError("it is broken", {"why": value}, type=str(value), non_retryable=True)
            case "wait":
                await workflow.wait_condition(lambda: self._told)
            case "tidy":
                try:
                    await workflow.wait_condition(lambda: self._told)
                except asyncio.CancelledError:
                    await workflow.wait_condition(lambda: self._told)
                    raise
        return {"said": value, "attempt": workflow.info().attempt}

    @workflow.signal
    def go_on(self) -> None:
        self._told = True


@asynccontextmanager
async def their_worker(stack: Stack) -> AsyncIterator[str]:
    """A worker without anything of ours; the name of its task queue."""
    queue = f"{stack.settings.task_queue}-theirs"
    async with Worker(stack.bare, task_queue=queue, workflows=[Theirs]):
        yield queue
