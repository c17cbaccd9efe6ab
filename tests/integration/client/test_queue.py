"""Threads that wait for their turn, as who works with a session sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.worker import Worker

from tests.integration.client.flows import behind_gate, call, end, flow, gates, receiving
from tests.integration.stack import Stack, eventually
from threadloom import Contender, SessionHandle, Threadloom, ThreadloomError, strategy

TELL = flow({"tell": {"kind": "set", "set": {"told": "{{ input }}"}, "next": "done"}, "done": end("{{ told }}")})


@pytest.fixture
async def narrow(worker: Worker, loom: Threadloom, new_id: str) -> SessionHandle:
    """A session in which one thread runs at a time; the first, `busy`, stands behind a gate."""
    session = loom.session((await loom.start_session(config={"max_running": 1})).session_id)
    gates[new_id] = asyncio.Event()
    await session.create_thread(behind_gate(new_id), thread_id="busy")
    return session


async def test_a_thread_waits_for_its_turn_and_then_runs(narrow: SessionHandle, new_id: str) -> None:
    started = await narrow.create_thread(TELL, thread_id="next", input=7)
    assert (started.status, started.queued) == ("pending", True)
    shown = await narrow.thread("next").describe()
    assert shown.waiting is not None
    assert (shown.status, shown.waiting.kind, shown.waiting.place) == ("pending", "queue", 1)
    assert shown.waiting_for == "its turn to start: place 1 of 1"
    listed = {entry.thread_id: entry for entry in (await narrow.threads()).threads}
    assert listed["next"].waiting_for == "its turn to start"
    assert (await narrow.describe()).queue == {"waiting": 1, "taken": 1}
    with pytest.raises(ThreadloomError, match="THREAD_NOT_STARTED"):
        await narrow.thread("next").send("hello")
    gates[new_id].set()
    assert (await narrow.thread("next").result(wait=True, timeout=30)).result == 7


async def test_the_urgent_one_goes_first(narrow: SessionHandle, loom: Threadloom, new_id: str) -> None:
    for thread_id, priority in (("a", "low"), ("b", "normal"), ("c", "normal"), ("d", "low")):
        await narrow.create_thread(TELL, thread_id=thread_id, priority=priority)  # type: ignore[arg-type]
    assert (await narrow.prioritise_thread("d", "urgent")).priority == "urgent"
    gates[new_id].set()
    for thread_id in "abcd":
        await narrow.thread(thread_id).result(wait=True, timeout=30)
    rows = {entry.thread_id: entry.started_at for entry in (await narrow.threads()).threads}
    order = sorted("abcd", key=lambda thread_id: (rows[thread_id], thread_id))
    assert "".join(order) == "dbca"
    with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
        await narrow.prioritise_thread("a", "high")


async def test_a_waiting_thread_is_held_and_cancelled_as_any_other(narrow: SessionHandle, new_id: str) -> None:
    for thread_id in ("held", "gone"):
        await narrow.create_thread(TELL, thread_id=thread_id)
    assert (await narrow.thread("held").pause(reason="not yet")).status == "pending"
    assert (await narrow.thread("gone").cancel(reason="never mind")).status == "cancelled"
    shown = await narrow.thread("held").describe()
    assert [(hold.actor, hold.reason) for hold in shown.holds] == [("ann", "not yet")]
    gates[new_id].set()
    await narrow.thread("busy").result(wait=True, timeout=30)
    assert (await narrow.thread("held").describe()).status == "pending"
    assert (await narrow.thread("gone").result()).status == "cancelled"
    await narrow.thread("held").resume()
    assert (await narrow.thread("held").result(wait=True, timeout=30)).status == "completed"
    history = (await narrow.history(thread="gone")).records
    assert [record.type for record in history] == ["thread_created", "thread_cancelled"]
    assert (history[-1].actor, history[-1].reason) == ("ann", "never mind")


async def test_who_waits_for_a_message_lets_others_run(worker: Worker, loom: Threadloom) -> None:
    session = loom.session((await loom.start_session(config={"max_running": 1})).session_id)
    await session.create_thread(receiving(), thread_id="listens")
    await session.create_thread(TELL, thread_id="talks", input=1)
    assert (await session.thread("talks").result(wait=True, timeout=30)).status == "completed"
    await session.thread("listens").send("x", name="word")
    assert (await session.thread("listens").result(wait=True, timeout=30)).result == "x"


async def test_a_limit_that_comes_later_counts_those_that_wait_already(worker: Worker, loom: Threadloom) -> None:
    session = loom.session((await loom.start_session()).session_id)
    await session.create_thread(receiving(), thread_id="listens")
    await session.thread("listens").wait_until(lambda view: view.waiting is not None, timeout=30)
    await session.configure({"max_running": 1})
    await session.create_thread(TELL, thread_id="talks", input=1)
    assert (await session.thread("talks").result(wait=True, timeout=30)).status == "completed"


async def test_never_more_run_than_may(worker: Worker, loom: Threadloom, new_id: str) -> None:
    session = loom.session((await loom.start_session(config={"max_running": 3})).session_id)
    document = flow({"one": call("echo", 1, next="two"), "two": call("echo", 2), "done": end()})
    created = await session.create_threads([{"flow": document, "id": f"t{number}"} for number in range(12)])
    assert {entry["status"] for entry in created.threads} == {"pending"}

    async def look() -> Any:
        view = await session.describe()
        assert view.queue["taken"] <= 3
        return view.threads

    await eventually(look, lambda counts: counts.completed == 12)


async def test_what_a_thread_starts_has_its_priority_and_a_fair_share(stack: Stack, session: SessionHandle) -> None:
    await session.create_thread(TELL, thread_id="t", priority="urgent")
    handle = stack.bare.get_workflow_handle(f"session/{session.session_id}/thread/t")
    priority = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes.priority
    assert (priority.priority_key, priority.fairness_key) == (1, session.session_id)


async def test_a_paused_session_starts_nobody(narrow: SessionHandle, new_id: str) -> None:
    await narrow.create_thread(TELL, thread_id="next")
    await narrow.pause()
    gates[new_id].set()
    assert (await narrow.pause(wait=True, timeout=30)).status == "paused"
    assert (await narrow.thread("next").describe()).status == "pending"
    await narrow.resume()
    assert (await narrow.thread("next").result(wait=True, timeout=30)).status == "completed"


async def test_a_terminated_session_leaves_nobody_waiting(narrow: SessionHandle) -> None:
    await narrow.create_thread(TELL, thread_id="next")
    assert (await narrow.terminate(grace=1, wait=True, timeout=60)).status == "terminated"
    assert (await narrow.thread("next").describe()).status == "cancelled"


async def test_a_flow_is_cancelled_as_a_whole(narrow: SessionHandle, new_id: str) -> None:
    await narrow.create_thread({**TELL, "flow": "other"}, thread_id="other")
    await narrow.create_thread(TELL, thread_id="next")
    assert (await narrow.cancel_flow("test@1")).threads == ["busy", "next"]
    gates[new_id].set()
    assert (await narrow.thread("busy").result(wait=True, timeout=30)).status == "cancelled"
    assert (await narrow.thread("other").result(wait=True, timeout=30)).status == "completed"


async def test_many_threads_with_bad_ones_among_them(session: SessionHandle) -> None:
    wishes = [
        {"flow": TELL, "id": "a", "input": 1, "priority": "high"},
        {"flow": "nobody-registered-it", "id": "b"},
        {"flow": TELL, "id": "c", "inputs": 1},
        {"flow": TELL, "id": "a"},
        {"flow": {**TELL, "start": "nowhere"}, "id": "d"},
        {"flow": TELL},
    ]
    created = (await session.create_threads(wishes, command_id="many")).threads
    codes = [entry["error"]["code"] if "error" in entry else entry["status"] for entry in created]
    assert codes == ["pending", "FLOW_NOT_FOUND", "INVALID_ARGUMENT", "THREAD_EXISTS", "FLOW_INVALID", "pending"]
    assert [entry["entry"] for entry in created if "error" in entry] == [1, 2, 3, 4]
    again = (await session.create_threads(wishes, command_id="many")).threads
    assert again == created, "the same command again gets the first answer"
    assert (await session.thread("a").result(wait=True, timeout=30)).result == 1


async def test_a_teams_own_strategy(worker: Worker, loom: Threadloom, new_id: str) -> None:
    @strategy(new_id, version="1")
    def by_name(waiting: Sequence[Contender], running: Sequence[Contender], free: int | None) -> Sequence[str]:
        return sorted(one.thread_id for one in waiting)

    del by_name  # a session names it
    started = await loom.start_session(config={"max_running": 1, "parallel_strategy": f"{new_id}@1"})
    session = loom.session(started.session_id)
    gates[new_id] = asyncio.Event()
    await session.create_thread(behind_gate(new_id), thread_id="busy")
    for thread_id in "cab":
        await session.create_thread(TELL, thread_id=thread_id)
    gates[new_id].set()
    for thread_id in "abc":
        await session.thread(thread_id).result(wait=True, timeout=30)
    rows = {entry.thread_id: entry.started_at for entry in (await session.threads()).threads}
    assert sorted("abc", key=lambda thread_id: rows[thread_id]) == ["a", "b", "c"]
