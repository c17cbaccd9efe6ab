"""Defects of the product itself: one message or one step suffers, and never the whole workflow."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.messages import Send
from domain.session import decide as session_core
from domain.session.history import session_row
from domain.thread import decide as thread_core
from domain.thread.history import fact
from domain.thread.inputs import ActivityCompleted, Advance, Receive
from tests.integration.engine.flows import asking, call, end, flow, step
from tests.integration.hostile.odd import deliver, failed_tasks, unharmed
from tests.integration.hostile.test_extremes import receiving
from tests.integration.stack import PATIENCE, Stack, eventually
from workflows import entity


def decides_wrongly(monkeypatch: pytest.MonkeyPatch, kind: type, times: int = 10**6) -> None:
    """Let a thread's core stumble over inputs of a kind, so many times."""
    left = [times]

    def decide(flow: Any, state: Any, input: Any) -> Any:
        if isinstance(input, kind) and (not isinstance(input, Receive) or input.body == "bad") and left[0]:
            left[0] -= 1
            raise ZeroDivisionError("a defect")
        return thread_core.decide(flow, state, input)

    monkeypatch.setattr("workflows.thread.entity.decide", decide)


async def test_a_command_that_the_core_stumbles_over_is_refused_and_the_next_is_not(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides_wrongly(monkeypatch, Receive)
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", receiving(1))
        await session.thread_waits("t", "message")
        for _ in range(2):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await deliver(session.thread("t"), "bad", "the-same")
            assert isinstance(refused.value.cause, ApplicationError)
            assert refused.value.cause.type == "INTERNAL"
        await deliver(session.thread("t"), "good")
        assert (await asyncio.wait_for(session.thread("t").result(), PATIENCE))["result"] == {"n": 1}
        await unharmed(session.handle, session.thread("t"))


async def test_what_stumbles_after_the_decision_changes_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(state: Any, event: Any) -> Any:
        found = fact(state, event)
        if found is not None and found.details.get("name") == "bad":
            raise ZeroDivisionError("a defect")
        return found

    monkeypatch.setattr("workflows.thread.entity.fact", told)
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        thread = session.thread("t")
        message = Send(command_id="c", name="bad").model_dump(mode="json")
        with pytest.raises(WorkflowUpdateFailedError):
            await thread.execute_update("send", message)
        assert (await thread.query("describe"))["mailbox"]["unread"] == 0
        await thread.execute_update("decide", {"node": "ask", "choice": "yes"})
        await asyncio.wait_for(thread.result(), PATIENCE)
        await unharmed(session.handle, thread)


async def test_a_step_whose_result_the_core_stumbles_over_has_failed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides_wrongly(monkeypatch, ActivityCompleted)
    caught = [{"codes": ["INTERNAL"], "to": "caught"}]
    nodes = {"work": call("step", "k", next="done", on_error=caught), "done": end(), "caught": end(caught=True)}
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", flow("stumbles", nodes))
        assert (await asyncio.wait_for(session.thread("t").result(), PATIENCE))["result"] == {"caught": True}
        await unharmed(session.handle, session.thread("t"))


async def test_a_thread_that_cannot_go_on_tries_again_later(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entity, "AFTER_DEFECT", timedelta(milliseconds=100))
    decides_wrongly(monkeypatch, Advance, times=3)
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", flow("goes-on", {"done": end(n=1)}))
        assert (await asyncio.wait_for(session.thread("t").result(), PATIENCE))["result"] == {"n": 1}
        assert not await failed_tasks(session.thread("t"))


async def test_records_that_cannot_be_made_wait_and_the_session_goes_on(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [True]

    def row(state: Any) -> Any:
        return session_row(state) if not broken[0] else 1 / 0

    monkeypatch.setattr("workflows.session.entity.session_row", row)
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())

        async def outbox() -> Any:
            return await session.handle.query("outbox")

        await eventually(outbox, lambda seen: bool(seen["failing"]))
        await session.handle.signal("pause")
        await session.status("paused")
        broken[0] = False
        await eventually(outbox, lambda seen: seen["pending"] == 0 and not seen["failing"])
        row_stored = await stack.backend.records.session(session.session_id)
        assert row_stored is not None
        assert row_stored.status == "paused"
        await unharmed(session.handle, session.thread("t"))


async def test_a_session_ends_although_its_statistics_cannot_be_told(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.session.entity.statistics", lambda state: 1 / 0)
    async with stack.worker():
        session = await stack.start_session()
        await session.handle.signal("close")
        ended = await asyncio.wait_for(session.handle.result(), PATIENCE)
        assert (ended["status"], ended["statistics"]) == ("closed", {})
        await unharmed(session.handle)


async def test_a_fork_that_the_core_stumbles_over_is_answered(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def branched(*args: Any) -> Any:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(session_core, "branched", branched)
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await asyncio.wait_for(session.update("copy_thread", source="t", thread_id="c"), PATIENCE)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "INTERNAL"
        assert (await session.describe())["threads"]["total"] == 1
        await unharmed(session.handle)
