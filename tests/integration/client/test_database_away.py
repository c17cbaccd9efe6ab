"""A client whose database does not answer does everything that needs none."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.worker import Worker

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking, end, flow
from tests.integration.client.test_threads import asked
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, Threadloom
from threadloom.composition import make_backend


@pytest.fixture
def cut_off(stack: Stack, tmp_path: Path) -> Threadloom:
    """A client beside the usual one, whose database is not there."""
    return Threadloom(stack.client, make_backend(f"sqlite:///{tmp_path}/none.db"), stack.settings, "ann")


async def test_work_goes_on(worker: Worker, cut_off: Threadloom, new_id: str) -> None:
    await cut_off.start_session(new_id)
    session = cut_off.session(new_id)
    thread = await asked(session)
    await session.pause(wait=True, timeout=30)
    await session.resume(wait=True, timeout=30)
    assert [entry.thread_id for entry in (await session.threads()).threads] == ["t"]
    assert (await thread.executions()).complete
    await thread.decide("ask", "yes")
    assert (await thread.result(wait=True, timeout=30)).result == "hello yes"
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.pause()
    with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
        await cut_off.session(f"{new_id}-x").describe()


async def test_what_needs_the_database_says_so(worker: Worker, cut_off: Threadloom, new_id: str) -> None:
    await cut_off.start_session(new_id)
    session = cut_off.session(new_id)
    for question in (session.history, cut_off.sessions, cut_off.threads, cut_off.flows.list):
        with pytest.raises(ThreadloomError, match=r"DATABASE_UNREACHABLE.*none\.db"):
            await question()
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await session.create_thread("asking", input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await cut_off.flows.register(asking())


async def test_executions_that_left_the_threads_memory(session: SessionHandle, cut_off: Threadloom) -> None:
    nodes = {
        "turn": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
        "again": {"kind": "decision", "next": [{"when": "n < 400", "to": "turn"}, {"to": "rest"}]},
        "rest": {"kind": "wait", "for": "7d", "next": "done"},
        "done": end(),
    }
    await session.create_thread(flow(nodes, variables={"n": 0}), thread_id="t")
    await session.thread("t").wait_until(lambda view: view.waiting is not None, timeout=60)
    seen_without = cut_off.session(session.session_id).thread("t").executions
    partly = await eventually(seen_without, lambda seen: bool(seen.executions) and seen.executions[0].seq > 1)
    assert not partly.complete
    whole = await session.thread("t").executions()
    assert whole.complete
    assert [entry.seq for entry in whole.executions] == list(range(1, 802))
    assert (await session.thread("t").snapshot("turn#2")).variables == {"n": 1}
