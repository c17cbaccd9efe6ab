"""A session and its threads on a real server, driven with raw messages."""

from __future__ import annotations

import asyncio

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from tests.integration.engine import flows
from tests.integration.engine.flows import asking, call, counting, end, flow, gated, gates, step
from tests.integration.stack import Stack, eventually


async def test_a_session_runs_pauses_forks_copies_and_closes(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("a", counting(3))
        await session.create("b", asking())
        await session.thread_waits("b", "approval")
        await session.handle.signal("pause", {"actor": "op", "reason": "look", "command_id": "p"})
        paused = await session.status("paused")
        assert paused["holds"][0]["actor"] == "op"
        assert paused["not_paused_yet"] == []
        await session.handle.signal("resume", {"actor": "op", "command_id": "r"})
        await session.thread_status("a", "completed")

        fork = await session.update("fork_thread", source="a", thread_id="a2", at="count#2", set={"n": 100})
        assert fork["fork_point"] == "count#2"
        assert await session.thread("a2").result() == {
            "status": "completed",
            "result": {"n": 101, "last": "a/work/2"},
            "error": None,
        }
        copied = await session.update("copy_thread", source="b", thread_id="b2", strategy="full")
        assert copied["relationship_mapping"]["b"] == "b2"
        for thread in ("b", "b2"):
            await session.thread_waits(thread, "approval")
            await session.thread(thread).execute_update("decide", {"node": "ask", "choice": "yes", "actor": "op"})
        statistics = await session.handle.query("statistics")
        assert statistics["operations"]["fork"]["by_strategy"] == {"partial": 1}
        assert statistics["operations"]["copy"]["successful"] == 1
        await session.handle.signal("close", {"actor": "op"})
        result = await session.handle.result()
        assert result["status"] == "closed"
        assert result["threads"]["completed"] == 4

    kinds = [(record.type, record.thread) for record in await stack.backend.records.history(session.session_id)]
    assert ("thread_forked", "a2") in kinds
    assert ("thread_copied", "b2") in kinds
    assert ("session_closed", None) in kinds


async def test_a_command_is_judged_after_the_signal_that_came_just_before_it(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("source", asking())
        await session.thread_waits("source", "approval")
        await session.handle.signal("pause")
        await session.status("paused")
    await session.handle.signal("resume")
    fork = {"source": "source", "thread_id": "fork", "at": "ask#1"}
    forking = asyncio.create_task(session.handle.execute_update("fork_thread", fork, id="fork"))
    await eventually(lambda: reached_the_server(stack, session.handle.id, "fork"), bool)
    async with stack.worker():
        assert (await forking)["thread_id"] == "fork"


async def reached_the_server(stack: Stack, workflow_id: str, update_id: str) -> bool:
    """Whether the server knows the update, be it that no worker has seen it yet."""
    execution = WorkflowExecution(workflow_id=workflow_id)
    known = PollWorkflowExecutionUpdateRequest(
        namespace="default", update_ref=UpdateRef(workflow_execution=execution, update_id=update_id)
    )
    try:
        await stack.bare.workflow_service.poll_workflow_execution_update(known)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def test_pausing_is_paused_only_when_the_activity_in_flight_has_ended(stack: Stack) -> None:
    gates["drain"] = asyncio.Event()
    drained = flow("drain", {"hold": call("gated", "drain", next="done"), "done": end()})
    async with stack.worker(gated):
        session = await stack.start_session()
        await session.create("t", drained)
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await session.handle.signal("pause")
        await session.thread_status("t", "pausing")
        pausing = await session.status("pausing")
        assert pausing["not_paused_yet"] == ["t"]
        gates["drain"].set()
        await session.status("paused")
        seen = await session.thread_status("t", "paused")
        assert seen["current_node"] == "done"
        await session.handle.signal("resume")
        assert (await session.thread("t").result())["status"] == "completed"


async def test_a_thread_started_while_its_session_pauses_is_held_too(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        creating = asyncio.create_task(session.create("t", counting(1)))
        await session.handle.signal("pause")
        await asyncio.wait([creating])
        await session.status("paused")
        if creating.exception() is None:
            await session.thread_shows("t", lambda seen: seen["status"] in ("paused", "completed"))


async def test_ten_runs_of_session_and_thread_lose_nothing(stack: Stack) -> None:
    flows.calls.clear()
    async with stack.worker(step):
        session = await stack.start_session(config={"continue_as_new_after": 50})
        await session.create("t", counting(90))
        await session.create("asks", asking())
        while await runs_of(stack, session.handle.id) < 10:
            await asyncio.gather(*(session.update("configure", config={"max_depth": 9}) for _ in range(3)))
        await session.handle.signal("pause", {"command_id": "p"})
        await session.status("paused")
        await session.handle.signal("resume", {"command_id": "r"})
        result = await session.thread("t").result()
        assert result["result"]["n"] == 90
        assert all(count == 1 for count in flows.calls.values())
        assert len(flows.calls) == 90
        assert await runs_of(stack, session.thread("t").id) >= 10

        await session.update("fork_thread", source="t", thread_id="old", at="work#2", set={"n": 89})
        assert (await session.thread("old").result())["result"]["n"] == 90
        assert (await session.describe())["threads"] == {
            "total": 3,
            "running": 1,
            "paused": 0,
            "pending": 0,
            "completed": 2,
            "failed": 0,
            "cancelled": 0,
        }
        assert (await session.handle.query("statistics"))["performance"]["completed"] == 2
        told = [record["type"] for record in await session.handle.query("history")]
        assert told.count("session_config_changed") > 15, "more than one run has room for"


async def runs_of(stack: Stack, workflow_id: str) -> int:
    """How many runs the workflow has had; visibility may lag behind, never ahead."""
    return (await stack.bare.count_workflows(f"WorkflowId = '{workflow_id}'")).count


async def test_a_thread_terminated_in_temporal_is_found_and_recorded_as_that(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session(config={"max_threads": 2})
        await session.create("victim", asking())
        await session.create("other", asking())
        await session.thread_waits("victim", "approval")
        await session.thread("victim").terminate("by an operator of the cluster")
        found = await eventually(lambda: session.handle.query("threads"), lambda seen: seen[0]["status"] == "failed")
        assert found[0]["error"]["code"] == "THREAD_TERMINATED"
        assert (await session.handle.query("statistics"))["resources"]["threads"]["used"] == 1
        await session.update("destroy_thread", thread_id="victim")
        await session.create("next", asking())
        recorded = await eventually(
            lambda: stack.backend.records.history(session.session_id, thread_id="victim", type="thread_failed"), bool
        )
        assert recorded[0].details["error"]["code"] == "THREAD_TERMINATED"


async def test_a_thread_terminated_behind_a_later_run_of_its_session_is_found_by_sync(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session(config={"continue_as_new_after": 50})
        await session.create("victim", asking())
        await session.thread_waits("victim", "approval")
        first_run = (await session.handle.describe()).run_id
        while (await session.handle.describe()).run_id == first_run:
            await session.update("configure", config={"max_depth": 9})
        await session.thread("victim").terminate()
        await session.handle.signal("sync")
        found = await eventually(lambda: session.handle.query("threads"), lambda seen: seen[0]["status"] == "failed")
        assert found[0]["error"]["code"] == "THREAD_TERMINATED"


async def test_terminating_cancels_gracefully_and_then_by_force(stack: Stack) -> None:
    gates["never"] = asyncio.Event()
    stubborn = flow("stubborn", {"hold": call("gated", "never", next="done"), "done": end()})
    async with stack.worker(gated):
        session = await stack.start_session()
        await session.create("waits", asking())
        await session.create("works", stubborn)
        await session.thread_waits("waits", "approval")
        await session.thread_shows("works", lambda seen: bool(seen["in_flight"]))
        await session.handle.signal("terminate", {"actor": "op", "reason": "over", "grace": "1s"})
        result = await session.handle.result()
        gates["never"].set()
        assert result["status"] == "terminated"
        assert result["threads"]["cancelled"] == 2
        for thread_id, status in (("waits", "COMPLETED"), ("works", "TERMINATED")):
            description = await session.thread(thread_id).describe()
            assert description.status is WorkflowExecutionStatus[status]
