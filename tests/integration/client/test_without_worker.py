"""Nobody works: what can be said is said from the database, what can be kept is kept, and all within ten seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking, echo, gated
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, Threadloom

LONGEST = 10.0
"""Seconds within which every answer must be there; the one promise about time that the product makes."""


async def in_time(call: Awaitable[Any]) -> Any:
    began = time.monotonic()
    try:
        return await call
    finally:
        assert time.monotonic() - began < LONGEST


@asynccontextmanager
async def abandoned(stack: Stack, loom: Threadloom) -> AsyncIterator[SessionHandle]:
    """A session with one waiting thread, whose worker has gone."""
    async with stack.worker(echo, gated):
        session = loom.session((await loom.start_session(title="Left alone")).session_id)
        await session.create_thread(asking(), thread_id="t", input={"word": "hello"})
        await session.thread("t").wait_until(lambda view: view.waiting is not None, timeout=30)
        await session.pause(wait=True, timeout=30)
        await session.resume(wait=True, timeout=30)
        handles = [f"session/{session.session_id}", f"session/{session.session_id}/thread/t"]
        for handle in map(loom.client.get_workflow_handle, handles):
            await eventually(partial(handle.query, "outbox"), lambda outbox: outbox["pending"] == 0)
    yield session


async def test_a_session_can_be_started_and_begins_with_the_first_worker(
    stack: Stack, loom: Threadloom, new_id: str
) -> None:
    started = await in_time(loom.start_session(new_id, command_id="c"))
    assert (started.session_id, started.status) == (new_id, "inactive")
    with pytest.raises(ThreadloomError, match="NO_WORKER"):
        await in_time(loom.session(new_id).describe())
    assert (await in_time(loom.start_session(new_id, command_id="c"))).status == "inactive"
    with pytest.raises(ThreadloomError, match="SESSION_EXISTS"):
        await in_time(loom.start_session(new_id))
    async with stack.worker():
        assert (await loom.session(new_id).resume(wait=True, timeout=30)).status == "active"


async def test_questions_are_answered_from_the_database(stack: Stack, loom: Threadloom) -> None:
    async with abandoned(stack, loom) as session:
        thread = session.thread("t")
        shown, view, executions, variables, snapshot, listed, tree, statistics, result = await asyncio.gather(
            *map(
                in_time,
                (
                    session.describe(),
                    thread.describe(),
                    thread.executions(),
                    thread.variables(),
                    thread.snapshot(),
                    session.threads(),
                    session.tree(),
                    session.statistics(),
                    thread.result(),
                ),
            )
        )
        assert (shown.status, shown.title, shown.threads.running) == ("active", "Left alone", 1)
        assert (view.status, view.current_node, view.variables) == ("running", "ask", {"said": "hello"})
        assert (view.waiting.kind, view.waiting.choices, view.waiting_for) == (
            "approval",
            ["yes", "no"],
            "an approval",
        )
        assert [(entry.node, entry.attempts) for entry in executions.executions] == [("say", 1)]
        assert variables.variables == {"said": "hello"}
        assert snapshot.next == "ask"
        assert [entry.thread_id for entry in listed.threads] == ["t"]
        assert tree.roots[0]["thread_id"] == "t"
        assert statistics.operations["other"]["create"] == 1
        assert result.status == "running"
        answers = (shown, view, executions, variables, snapshot, listed, tree, statistics, result)
        assert all(answer.as_of is not None for answer in answers)
        assert (await in_time(session.history())).records[0].type == "session_created"


async def test_signals_are_kept_and_take_effect_later(stack: Stack, loom: Threadloom) -> None:
    async with abandoned(stack, loom) as session:
        thread = session.thread("t")
        answers = await asyncio.gather(
            in_time(session.pause(command_id="p")), in_time(thread.pause()), in_time(session.sync())
        )
        assert [answer.status for answer in answers] == ["requested"] * 3
        async with stack.worker(echo, gated):
            assert (await session.pause(wait=True, timeout=30)).status == "paused"
            assert {hold.kind for hold in (await thread.describe()).holds} == {"session", "thread"}


async def test_what_needs_an_answer_is_refused(stack: Stack, loom: Threadloom) -> None:
    async with abandoned(stack, loom) as session:
        thread = session.thread("t")
        commands: list[Callable[[], Awaitable[Any]]] = [
            lambda: session.create_thread(asking(), input={"word": "hello"}),
            lambda: session.fork_thread("t", "ask"),
            lambda: session.configure({}),
            lambda: thread.decide("ask", "yes"),
            lambda: thread.send(1),
            lambda: session.pause(wait=True),
            lambda: thread.cancel(wait=True),
            lambda: thread.result(wait=True),
        ]
        outcomes = await asyncio.gather(*(in_time(command()) for command in commands), return_exceptions=True)
        assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["NO_WORKER"] * len(commands)


async def test_an_interrupted_command_is_interrupted(stack: Stack, loom: Threadloom, new_id: str) -> None:
    await loom.client.start_workflow(
        "SessionWorkflow", {"session_id": new_id}, id=f"session/{new_id}", task_queue=stack.settings.task_queue
    )
    sending = asyncio.create_task(loom.session(new_id).configure({}))
    await asyncio.wait({sending}, timeout=0.5)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_nothing_is_known_of_a_session_that_no_worker_ever_took_up(loom: Threadloom, new_id: str) -> None:
    await loom.start_session(new_id)
    session = loom.session(new_id)
    questions: list[Callable[[], Awaitable[Any]]] = [session.threads, session.tree, session.statistics]
    outcomes = await asyncio.gather(*(in_time(ask()) for ask in questions), return_exceptions=True)
    assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["NO_WORKER"] * 3
    assert (await in_time(session.history())).records == []
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await in_time(session.thread("t").describe())
