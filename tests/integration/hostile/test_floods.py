"""Three hundred messages at once, and messages larger than the server takes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from tests.integration.engine.flows import asking, call, end, flow, gated, gates
from tests.integration.hostile.odd import deliver, failed_tasks, unharmed
from tests.integration.hostile.test_extremes import receiving
from tests.integration.stack import Handle, Stack, eventually

MANY = 300
THREE_MEGABYTES = "x" * 3_000_000

BUFFER_FULL = "WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND"
"""The server's own doing: it buffers a hundred events while a workflow task is open, then starts the task again."""


async def only_the_servers_own(handle: Handle) -> None:
    """Fail if a workflow task failed for any reason but the server's full buffer."""
    assert set(await failed_tasks(handle)) <= {BUFFER_FULL}, handle.id


async def records_written(handle: Handle) -> None:
    """Wait until nothing of the workflow's own shares a task with what is sent next."""

    async def look() -> int:
        return int((await handle.query("outbox"))["pending"])

    await eventually(look, lambda pending: pending == 0)


async def test_three_hundred_signals_at_once(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        thread = session.thread("t")
        for handle in (thread, session.handle):
            signals = [("pause", "resume")[number % 2] for number in range(MANY)]
            await asyncio.gather(*(handle.signal(name) for name in signals))
            await handle.signal("resume")
        await session.status("active")
        await session.thread_status("t", "running")
        for handle in (thread, session.handle):
            await only_the_servers_own(handle)
        await thread.execute_update("decide", {"node": "ask", "choice": "yes"})
        assert (await thread.result())["result"] == {"verdict": "yes"}


async def test_three_hundred_updates_at_once_happen_once_each(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", receiving(MANY + 1))
        thread = session.thread("t")
        await session.thread_waits("t", "message")
        # Temporal lets ten updates of a workflow be under way; the rest it refuses, and the caller sends again.
        flood = (
            thread.execute_update(
                "send", {"body": number, "command_id": f"c{number}"}, rpc_timeout=timedelta(seconds=2)
            )
            for number in range(MANY)
        )
        await asyncio.gather(*flood, return_exceptions=True)
        assert (await thread.query("describe"))["status"] == "running"
        places = asyncio.Semaphore(8)

        async def again(number: int) -> None:
            async with places:
                await deliver(thread, number, f"c{number}")

        await asyncio.gather(*(again(number) for number in range(MANY)))
        received = await eventually(lambda: thread.query("variables"), lambda seen: seen["n"] >= MANY)
        assert received["n"] == MANY
        await only_the_servers_own(thread)


async def test_three_hundred_threads_are_asked_for_at_once(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"max_threads": 5})
        places = asyncio.Semaphore(8)

        async def create(number: int) -> bool:
            async with places:
                try:
                    await session.create(f"t{number}", asking())
                except Exception:
                    return False
                return True

        created = await asyncio.gather(*(create(number) for number in range(MANY)))
        assert sum(created) == 5
        assert (await session.describe())["threads"]["total"] == 5
        await unharmed(session.handle)


@pytest.mark.parametrize("of_thread", [False, True])
async def test_an_update_of_three_megabytes_costs_nothing_but_itself(stack: Stack, of_thread: bool) -> None:
    gates["large"] = asyncio.Event()
    working = flow(
        "working",
        {"work": call("gated", "large", next="get"), "get": {"kind": "receive", "next": "done"}, "done": end()},
    )
    async with stack.worker(gated):
        session = await stack.start_session()
        await session.create("t", working)
        thread = session.thread("t")
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await thread.execute_update("send", {"body": "small", "command_id": "small"})
        await records_written(session.handle)
        await records_written(thread)
        handle, update = (thread, "send") if of_thread else (session.handle, "manage_thread")
        message = {"thread_id": "t", "action": "pause", "reason": THREE_MEGABYTES}
        large = handle.execute_update(update, {"body": THREE_MEGABYTES} if of_thread else message)
        # Beside it come signals, so that they share a workflow task: they must not be lost with it.
        refused, *_ = await asyncio.gather(large, *(thread.signal("resume") for _ in range(6)), return_exceptions=True)
        assert isinstance(refused, WorkflowUpdateFailedError)
        await unharmed(thread)
        await unharmed(session.handle)
        described = await thread.query("describe", rpc_timeout=timedelta(seconds=20))
        assert (described["status"], described["mailbox"]["unread"]) == ("running", 1)
        await eventually(session.describe, lambda seen: seen["threads"]["running"] == 1)
        gates["large"].set()
        assert (await thread.result())["status"] == "completed"


async def test_a_signal_of_three_megabytes_is_refused_by_the_server(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        with pytest.raises(RPCError):
            await session.handle.signal("pause", {"reason": THREE_MEGABYTES})
        assert (await session.describe())["status"] == "active"
        await unharmed(session.handle)
