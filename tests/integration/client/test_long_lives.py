"""A session with more threads in its life than it keeps in memory, and with more signals than Temporal takes."""

from __future__ import annotations

import pytest

from domain.session import observing
from tests.integration.client.flows import end, flow, receiving
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, ThreadloomError, reading
from workflows import entity

KEPT = 3
TELL = flow({"tell": {"kind": "set", "set": {"told": "{{ input }}"}, "next": "done"}, "done": end("{{ told }}")})


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few threads that have ended stay in memory."""
    from workflows.session import entity as session_entity

    for module in (observing, reading, session_entity):
        monkeypatch.setattr(module, "ENDED_KEPT", KEPT)


async def test_threads_that_left_memory_are_still_there_for_who_asks(session: SessionHandle) -> None:
    names = [f"t{number}" for number in range(3 * KEPT)]
    for number, name in enumerate(names):
        await session.create_thread(TELL, thread_id=name, input=number)
        assert (await session.thread(name).result(wait=True, timeout=30)).result == number
    # What ends last lets the first ones go, when the database has them.
    listed = await eventually(session.threads, lambda seen: all(entry.ended for entry in seen.threads))
    assert sorted(entry.thread_id for entry in listed.threads) == names
    view = await session.describe()
    assert (view.threads.total, view.threads.completed) == (len(names), len(names))
    assert (await session.thread("t0").describe()).status == "completed"
    assert (await session.thread("t1").result()).result == 1
    with pytest.raises(ThreadloomError, match="THREAD_EXISTS"):
        await session.create_thread(TELL, thread_id="t0")
    forked = await session.fork_thread("t0", "tell", thread_id="again", set={"told": "x"})
    assert forked.source == "t0"
    assert (await session.thread("again").result(wait=True, timeout=30)).status == "completed"
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await session.fork_thread("nobody", "tell")


async def test_a_run_ends_before_it_has_too_many_signals(
    stack: Stack, session: SessionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entity, "SIGNALS", 20)
    await session.create_thread(receiving(), thread_id="t")
    handle = stack.bare.get_workflow_handle(f"session/{session.session_id}")
    first = (await handle.describe()).run_id
    for number in range(30):
        await handle.signal("sync", {"command_id": f"look-{number}"})
    await eventually(handle.describe, lambda seen: seen.run_id != first)
    await session.thread("t").send("x", name="word")
    assert (await session.thread("t").result(wait=True, timeout=30)).result == "x"
