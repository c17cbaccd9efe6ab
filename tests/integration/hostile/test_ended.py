"""Messages to what has ended: refused at once, and what is recorded can still be read."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from tests.integration.engine.flows import counting, step
from tests.integration.hostile.odd import NEARLY, ODD, failed_tasks
from tests.integration.stack import Handle, Stack, eventually


async def refuses_everything(handle: Handle, signals: list[str], updates: list[str]) -> None:
    """Fail unless the server itself says that the workflow has ended."""
    odd: dict[str, Any] = {**ODD, **NEARLY}
    for name in ("none", "empty object", "null", "unknown field", "reference to another driver"):
        for signal in signals:
            with pytest.raises(RPCError) as refused:
                await handle.signal(signal, args=odd[name])
            assert refused.value.status is RPCStatusCode.NOT_FOUND
        for update in updates:
            with pytest.raises(RPCError) as refused:
                await handle.execute_update(update, args=odd[name])
            assert refused.value.status is RPCStatusCode.NOT_FOUND
    assert not await failed_tasks(handle)


async def test_an_ended_thread(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", counting(1))
        thread = session.thread("t")
        await thread.result()
        await eventually(session.describe, lambda seen: seen["threads"]["completed"] == 1)
        await refuses_everything(thread, ["pause", "resume", "cancel", "session_hold"], ["decide", "send"])
        assert (await thread.query("describe"))["status"] == "completed"
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await session.update("manage_thread", thread_id="t", action="pause")
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "THREAD_ENDED"
        assert not await failed_tasks(session.handle)


async def test_an_ended_session(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", counting(1))
        await session.thread("t").result()
        await session.handle.signal("close")
        assert (await session.handle.result())["status"] == "closed"
        signals = ["pause", "resume", "close", "terminate", "sync", "thread_report"]
        await refuses_everything(session.handle, signals, ["create_thread", "fork_thread", "configure"])
        assert (await session.describe())["status"] == "closed"
