"""Threads that wait for their turn to start."""

from __future__ import annotations

from typing import Any

import pytest

from domain.codec import dump, load
from domain.errors import Code
from domain.messages import (
    CancelFlow,
    CloseSession,
    ConfigureSession,
    CreateThreads,
    ManageThread,
    PauseSession,
    PrioritiseThread,
    ResumeSession,
    TerminateSession,
    ThreadRequest,
)
from domain.session import observing
from domain.session.effects import SignalThread, StartThread
from domain.session.history import fact
from domain.session.inputs import Asked, Request, Stored
from domain.session.queue import AT_ONCE, WITHDRAWN_AT_ONCE
from domain.session.state import SessionState
from domain.session.views import describe, list_threads, one_thread
from tests.builders import SessionDriver, flow_of, refusal

END = flow_of({"end": {"kind": "end"}})


def started(session: SessionDriver) -> list[str]:
    """The threads whose workflows were started since the last look."""
    return [effect.thread_id for effect in session.told() if isinstance(effect, StartThread)]


def ended(session: SessionDriver, thread_id: str) -> list[str]:
    session.report(thread_id, "completed")
    return started(session)


def limited(*threads: str, running: int = 1, **config: Any) -> SessionDriver:
    """A session in which the first of these runs, and the others wait."""
    session = SessionDriver(max_running=running, **config)
    for place, thread_id in enumerate(threads):
        session.create(thread_id, launch=place < running)
    session.told()
    return session


def waiting(session: SessionDriver) -> list[str]:
    return list(session.state.queue)


def test_what_is_created_beyond_the_limit_waits_and_is_answered_at_once() -> None:
    session = SessionDriver(max_running=1).create("a")
    session.create("b", launch=False)
    assert session.answer("c2") == {"thread_id": "b", "status": "pending", "queued": True}
    assert started(session) == ["a"]
    assert describe(session.state)["queue"] == {"waiting": 1, "taken": 1}
    shown = one_thread(session.state, "b")
    assert shown is not None
    assert (shown["status"], shown["waiting"]["kind"], shown["waiting"]["place"]) == ("pending", "queue", 1)
    assert shown["waiting_for"] == "its turn to start: place 1 of 1"
    assert ended(session, "a") == ["b"]
    assert describe(session.state)["queue"] == {"waiting": 0, "taken": 1}


def test_the_higher_priority_starts_first_and_then_the_older_thread() -> None:
    session = limited("a")
    for thread_id, priority in (("n1", "normal"), ("l", "low"), ("n2", "normal"), ("u", "urgent"), ("h", "high")):
        session.after(1).create(thread_id, launch=False, priority=priority)
    order = []
    for _ in range(5):
        current = order[-1] if order else "a"
        order += ended(session, current)
        session.launch(order[-1])
    assert order == ["u", "h", "n1", "n2", "l"]


def test_a_priority_can_change_while_its_thread_waits_and_no_longer() -> None:
    session = limited("a", "b", "c")
    assert session.ask(PrioritiseThread, thread_id="c", priority="high") == {"thread_id": "c", "priority": "high"}
    assert session.ask(PrioritiseThread, thread_id="c", priority="high")["priority"] == "high"
    assert session.state.statistics.other["prioritise"] == 1, "what changes nothing is not counted"
    session.report("a", "completed")
    (start,) = [effect for effect in session.told() if isinstance(effect, StartThread)]
    assert (start.thread_id, start.priority, start.start["seed"]["identity"]["priority"]) == ("c", "high", "high")
    error = refusal(lambda: session.ask(PrioritiseThread, thread_id="a", priority="low"))
    assert error.code == Code.ILLEGAL_TRANSITION


def test_a_thread_that_waits_or_is_held_gives_its_place_away() -> None:
    session = limited("a", "b", "c", "d")
    session.report("a", "running", idle=True)
    assert started(session) == ["b"]
    session.launch("b").report("a", "running", idle=False)
    assert describe(session.state)["queue"]["taken"] == 2, "who was running goes on, place or not"
    session.report("b", "paused")
    assert started(session) == []
    session.report("a", "completed")
    assert started(session) == ["c"]


def test_a_thread_that_starts_held_takes_no_place() -> None:
    session = limited("a", "b")
    session.create("h", launch=False, hold=True)
    assert started(session) == ["h"]
    session.launch("h").report("h", "paused")
    assert started(session) == []


def test_one_by_one_whatever_the_limit() -> None:
    session = SessionDriver(parallel_strategy="sequential").create("a").create("b", launch=False)
    assert started(session) == ["a"]
    assert ended(session, "a") == ["b"]


def test_threads_tell_when_they_wait_only_where_it_matters() -> None:
    session = SessionDriver().create("a")
    (start,) = [effect for effect in session.told() if isinstance(effect, StartThread)]
    assert start.start["reports_idle"] is False
    session.ask(ConfigureSession, config={"max_running": 1})
    asked = [effect for effect in session.told() if isinstance(effect, SignalThread)]
    assert [(effect.thread_id, effect.signal) for effect in asked] == [("a", "report_idle")]
    session.create("b", launch=False)
    assert waiting(session) == ["b"]
    session.ask(ConfigureSession, config={"max_running": 2})
    (start,) = [effect for effect in session.told() if isinstance(effect, StartThread)]
    assert (start.thread_id, start.start["reports_idle"]) == ("b", True)


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_waiting_thread_is_managed_by_its_session(action: str) -> None:
    session = limited("a", "b")
    session.ask(ManageThread, thread_id="b", action=action, reason="not now")
    shown = one_thread(session.state, "b")
    assert shown is not None
    if action == "cancel":
        assert (shown["status"], waiting(session)) == ("cancelled", [])
        assert ended(session, "a") == []
        return
    assert (shown["waiting"]["kind"], shown["holds"][0]["reason"]) == ("hold", "not now")
    assert ended(session, "a") == []
    assert refusal(lambda: session.ask(ManageThread, thread_id="a", action="pause")).code == Code.THREAD_ENDED
    session.ask(ManageThread, thread_id="b", action="resume")
    assert started(session) == ["b"]


def test_cancelling_a_flow_reaches_those_that_wait_and_those_that_run() -> None:
    session = limited("a", "b")
    other = {**END, "flow": "g"}
    session.create("g1", launch=False, flow=other).create("g2", launch=False, flow={**other, "version": "2"})
    assert session.ask(CancelFlow, flow="g@2")["threads"] == ["g2"]
    assert session.ask(CancelFlow, flow="f")["threads"] == ["a", "b"]
    signals = [(effect.thread_id, effect.signal) for effect in session.told() if isinstance(effect, SignalThread)]
    assert signals == [("a", "cancel")]
    assert waiting(session) == ["g1"]
    assert session.ask(CancelFlow, flow="nobodys")["threads"] == []


def test_a_long_queue_is_cancelled_some_at_a_time() -> None:
    session = limited("a")
    for part in range(2):
        session.ask(
            CreateThreads,
            flows={"k": {"flow": {**END, "flow": "many"}}},
            threads=[entry(f"p{part}-{number}") for number in range(150)],
        )
    command = session.command(CancelFlow, flow="many")
    session.take(Request(now=session.now, command=command))
    assert len(session.answer(command.command_id)["threads"]) == 300
    assert len(waiting(session)) == 300 - WITHDRAWN_AT_ONCE
    session.report("a", "completed")
    assert (started(session), waiting(session)) == ([], []), "nobody who was cancelled starts"
    assert session.state.ended_counts == {"cancelled": 300, "completed": 1}


def test_nothing_starts_while_the_session_is_paused() -> None:
    session = limited("a", "b")
    session.ask(PauseSession)
    assert (session.status, describe(session.state)["not_paused_yet"]) == ("pausing", ["a"])
    assert ended(session, "a") == []
    assert session.status == "paused", "a thread that waits to start has nothing in flight"
    session.ask(ResumeSession)
    assert started(session) == ["b"]


def test_a_closing_session_lets_waiting_threads_run_and_a_terminated_one_cancels_them() -> None:
    session = limited("a", "b")
    session.ask(CloseSession)
    assert ended(session, "a") == ["b"]
    session = limited("a", "b")
    session.ask(TerminateSession, reason="over")
    entry = session.state.ended["b"]
    assert (entry.status, waiting(session)) == ("cancelled", [])
    assert session.report("a", "cancelled").status == "terminated"


def test_a_waiting_threads_end_is_recorded_by_its_session_and_told_to_who_waits_for_it() -> None:
    session = limited("a", "b")
    request = ThreadRequest(thread_id="a", request_id="r", kind="join", threads=["b"])
    session.give(Asked(now=session.now, request=request))
    session.told()
    before = session.state
    cancel = session.command(ManageThread, thread_id="b", action="cancel")
    events = session.take(Request(now=session.now, command=cancel))
    told = [effect for effect in session.told() if isinstance(effect, SignalThread)]
    assert told[0].message["standings"] == [{"thread_id": "b", "status": "cancelled"}]
    records = [record for event in events if (record := fact(before, session.state, event))]
    assert [(record.type, record.thread and record.thread.status) for record in records] == [
        ("thread_cancelled", "cancelled")
    ]


def test_the_queue_survives_a_new_run_with_each_flow_kept_once() -> None:
    session = limited("a", "b", "c", "d")
    assert len(session.state.bundles) == 1
    session.state = load(SessionState, dump(session.state))
    session.report("a", "completed")
    (start,) = [effect for effect in session.told() if isinstance(effect, StartThread)]
    assert (start.thread_id, start.start["flow"]) == ("b", END)
    session.launch("b").ask(CancelFlow, flow="f")
    assert session.state.bundles == {}


def entry(thread_id: str, **fields: Any) -> dict[str, Any]:
    return {"thread_id": thread_id, "flow": "k", **fields}


def test_many_threads_are_admitted_one_by_one() -> None:
    session = SessionDriver(max_threads=4).create("old")
    threads = [entry("a"), entry("old"), entry("no id!"), entry("b", priority="high"), entry("c", flow="?"), entry("d")]
    answer = session.ask(CreateThreads, flows={"k": {"flow": END}}, threads=[*threads, entry("e")])
    assert [(one["thread_id"], one.get("status") or one["error"]["code"]) for one in answer["threads"]] == [
        ("a", "pending"),
        ("old", Code.THREAD_EXISTS),
        ("no id!", Code.INVALID_ID),
        ("b", "pending"),
        ("c", Code.FLOW_NOT_FOUND),
        ("d", "pending"),
        ("e", Code.THREAD_LIMIT_REACHED),
    ]
    assert started(session) == ["old", "a", "b", "d"]


def test_many_threads_start_some_at_a_time() -> None:
    session = SessionDriver()
    threads = [entry(f"t{number}") for number in range(AT_ONCE + 10)]
    session.ask(CreateThreads, flows={"k": {"flow": END}}, threads=threads)
    assert started(session) == [f"t{number}" for number in range(AT_ONCE)]
    session.launch("t7")
    assert started(session) == [f"t{AT_ONCE}"]


def test_one_of_many_that_cannot_start_has_failed_for_all_to_see() -> None:
    session = SessionDriver()
    session.ask(CreateThreads, flows={"k": {"flow": END}}, threads=[entry("a"), entry("b")])
    session.reject("a").launch("b")
    shown = {thread["thread_id"]: thread for thread in list_threads(session.state)}
    assert (shown["a"]["status"], shown["a"]["error"]["code"]) == ("failed", "THREAD_EXISTS")
    assert shown["b"]["status"] == "running"


def test_threads_that_ended_long_ago_leave_memory_when_the_database_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 5
    monkeypatch.setattr(observing, "ENDED_KEPT", kept)
    session = SessionDriver()
    for number in range(kept + 3):
        session.create(f"t{number}").report(f"t{number}", "completed" if number else "failed")
    assert len(session.state.ended) == kept + 3, "the database may be away"
    session.give(Stored(now=session.now))
    assert len(session.state.ended) == kept
    assert one_thread(session.state, "t2") is None
    counts = session.state.counts()
    assert (counts["total"], counts["completed"], counts["failed"]) == (kept + 3, kept + 2, 1)
