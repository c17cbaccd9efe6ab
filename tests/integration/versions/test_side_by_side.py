"""A worker of the next version takes over threads that live, while one of this version still runs."""

from __future__ import annotations

import asyncio

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from activities.branching import BranchingActivities
from activities.records import RecordActivities
from activities.supervision import SupervisionActivities
from tests.integration.engine import flows
from tests.integration.engine.flows import asking, counting, step
from tests.integration.stack import PATIENCE, Handle, Stack
from tests.integration.versions.next_version import NextThreadWorkflow
from workflows.session.workflow import SessionWorkflow

TURNS = 15


def next_worker(stack: Stack, *, max_cached_workflows: int = 100) -> Worker:
    """A worker of the next version, on the same queue; put together by hand, since the plugin brings this version."""
    client = Client(stack.bare.service_client, data_converter=stack.client.data_converter)
    supervision = SupervisionActivities(client)
    return Worker(
        client,
        task_queue=stack.settings.task_queue,
        workflows=[SessionWorkflow, NextThreadWorkflow],
        activities=[
            BranchingActivities(client, stack.backend.records).prepare,
            RecordActivities(stack.backend.records).record_batch,
            supervision.reconcile,
            supervision.terminate,
            step,
        ],
        max_cached_workflows=max_cached_workflows,
    )


async def events(handle: Handle, kind: EventType.ValueType) -> int:
    return sum(event.event_type == kind for event in (await handle.fetch_history()).events)


async def test_the_next_version_takes_over_what_this_one_began(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("old", asking())
        await session.thread_waits("old", "approval")
    async with next_worker(stack):
        await session.create("new", asking())
        for thread_id in ("old", "new"):
            await session.thread_waits(thread_id, "approval")
            await session.thread(thread_id).execute_update("decide", {"node": "ask", "choice": "yes"})
            assert (await session.thread(thread_id).result())["status"] == "completed"
            failed = await events(session.thread(thread_id), EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
            assert failed == 0
        marked = EventType.EVENT_TYPE_MARKER_RECORDED
        assert await events(session.thread("old"), marked) == 0
        assert await events(session.thread("new"), marked) == 1


async def test_two_versions_side_by_side_run_living_threads_and_repeat_nothing(stack: Stack) -> None:
    flows.calls.clear()
    threads = ("a", "b", "c")
    # Without a cache every step may be taken by either worker, which then replays the thread from its start.
    async with stack.worker(step, max_cached_workflows=0):
        session = await stack.start_session()
        for thread_id in threads:
            await session.create(thread_id, counting(TURNS))
            await session.thread_shows(thread_id, lambda seen: seen["started_at"] is not None)
        async with next_worker(stack, max_cached_workflows=0):
            await session.handle.signal("pause")
            await session.status("paused")
            await session.handle.signal("resume")
            results = await asyncio.wait_for(
                asyncio.gather(*(session.thread(thread_id).result() for thread_id in threads)), PATIENCE
            )
    assert all(result["result"]["n"] == TURNS for result in results)
    assert len(flows.calls) == TURNS * len(threads)
    assert set(flows.calls.values()) == {1}
    for thread_id in threads:
        assert await events(session.thread(thread_id), EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 0
