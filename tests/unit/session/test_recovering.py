"""A session that was lost goes on from what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.messages import (
    CreateThread,
    Finding,
    ForkThread,
    ManageThread,
    PauseSession,
    RecoverSession,
    SessionStart,
    Standing,
    TerminateSession,
    ThreadReport,
    ThreadRequest,
    completed,
)
from domain.records import SessionRow, StoredRecord, ThreadRow
from domain.session.beginning import first_state
from domain.session.effects import PrepareBranch, SignalPool, SignalThread, StartThread, TerminateThreads
from domain.session.history import session_row
from domain.session.inputs import Asked, Restored
from domain.session.rebuilding import Recorded, Seen, adopting, completed_by, outcome
from domain.session.state import SessionState
from domain.session.statistics import Statistics, read_statistics
from tests.builders import NOW, SESSION, SessionDriver, flow_of, later

END = flow_of({"end": {"kind": "end"}})


def recover(session: SessionDriver, *living: str, missing: tuple[str, ...] = (), ended: int = 0) -> Any:
    """The session is lost and back: what the command is answered."""
    session.told()
    command = session.command(RecoverSession, reason="lost")
    assert isinstance(command, RecoverSession)
    session.give(
        Restored(now=session.now, command=command, source="state", living=living, ended=ended, missing=missing)
    )
    return session.answer(command.command_id)


def told(session: SessionDriver, thread_id: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (effect.signal, effect.message)
        for effect in session.told()
        if isinstance(effect, SignalThread) and effect.thread_id == thread_id
    ]


def row(thread_id: str, status: str, at: float = 0, **fields: Any) -> ThreadRow:
    given = {
        "session_id": SESSION,
        "thread_id": thread_id,
        "status": status,
        "created_at": NOW,
        "updated_at": later(at),
    }
    return ThreadRow.model_validate({**given, "flow": "f", "version": "1", **fields})


def stored(seq: int, type: str, details: dict[str, Any]) -> StoredRecord:
    return StoredRecord(seq=seq, type=type, timestamp=later(seq), session_id=SESSION, actor="ann", details=details)


def word(thread_id: str, status: str, *, messages: int = 0, requires: dict[str, float] | None = None) -> Standing:
    report = ThreadReport(
        thread_id=thread_id, status=status, at=later(60), started_at=NOW, seconds=60.0, messages={"data": messages}
    )
    return Standing(report=report, row=row(thread_id, status), requires=requires or {})


def runs(thread_id: str, status: str = "running", **of_word: Any) -> Seen:
    return Seen(finding=Finding(thread_id=thread_id, status="running"), standing=word(thread_id, status, **of_word))


def gone(thread_id: str) -> Seen:
    return Seen(finding=Finding(thread_id=thread_id, status="missing"))


def blank(created_at: datetime = NOW) -> SessionState:
    return first_state(SessionStart(session_id=SESSION), created_at)


def session_of(driver: SessionDriver, at: float = 100) -> SessionRow:
    return session_row(replace(driver.state, updated_at=later(at)))


def test_threads_are_told_that_their_session_is_back() -> None:
    session = SessionDriver().create("a").create("b").create("z").report("z", "completed")
    answer = recover(session, "a", "b")
    assert answer == {
        "session_id": SESSION, "status": "active", "source": "state", "adopted": 2, "ended": 0, "lost": [],
    }  # fmt: skip
    holds = [effect for effect in session.told() if isinstance(effect, SignalThread)]
    assert [(effect.thread_id, effect.signal, effect.message["held"]) for effect in holds] == [
        ("a", "session_hold", False),
        ("b", "session_hold", False),
    ]
    assert all(effect.message["recovered"] for effect in holds)
    assert session.state.statistics.other["recover"] == 1


def test_a_paused_session_holds_its_threads_again() -> None:
    session = SessionDriver().create("a")
    session.ask(PauseSession, reason="night")
    recover(session, "a")
    ((signal, message),) = told(session, "a")
    assert (signal, message["held"], message["reason"], message["actor"]) == ("session_hold", True, "night", "ann")
    assert session.status == "pausing"


def test_who_was_told_to_end_is_told_again() -> None:
    session = SessionDriver().create("a").create("b")
    session.ask(ManageThread, thread_id="a", action="cancel")
    recover(session, "a", "b")
    assert [signal for signal, _ in told(session, "a")] == ["session_hold", "cancel"]
    session.ask(TerminateSession, grace="30s")
    recover(session, "a", "b")
    assert [signal for signal, _ in told(session, "b")] == ["session_hold", "cancel"]
    session.after(31)
    recover(session, "a", "b")
    assert [effect.thread_ids for effect in session.told() if isinstance(effect, TerminateThreads)] == [("a", "b")]


def test_a_thread_that_was_being_started_has_started_or_was_never_asked_for() -> None:
    session = SessionDriver().create("a", launch=False)
    command = session.command(CreateThread, thread_id="b", flow=END)
    session.ask(CreateThread, command_id=command.command_id, thread_id="b", flow=END)
    assert recover(session, "a", missing=("b",))["lost"] == ["b"]
    assert session.state.threads["a"].started
    assert not session.state.launching
    assert session.state.find("b") is None
    session.ask(CreateThread, command_id=command.command_id, thread_id="b", flow=END)
    assert "b" in session.state.launching


def test_a_fork_that_was_being_prepared_can_be_asked_for_again() -> None:
    session = SessionDriver().create("a")
    fork: dict[str, Any] = {"command_id": "f1", "thread_id": "b", "source": "a", "at": "end"}
    session.ask(ForkThread, **fork)
    recover(session, "a")
    assert session.state.preparing == {}
    assert session.state.statistics.fork.total == 0
    session.told()
    session.ask(ForkThread, **fork)
    assert [type(effect) for effect in session.told()] == [PrepareBranch]


def test_threads_that_wait_for_their_turn_keep_their_place() -> None:
    session = SessionDriver(max_running=1).create("a").create("b", launch=False).create("c", launch=False)
    recover(session, "a")
    assert list(session.state.queue) == ["b", "c"]
    session.told()
    session.report("a", "completed")
    assert [effect.thread_id for effect in session.told() if isinstance(effect, StartThread)] == ["b"]


def test_pools_are_asked_again() -> None:
    session = SessionDriver().create("a", launch=False, requires={"pool/p": 1})
    recover(session)
    assert [(effect.pool, effect.signal) for effect in session.told() if isinstance(effect, SignalPool)] == [
        ("p", "lease_request")
    ]


def test_a_pool_may_have_taken_back_what_it_gave_for_a_thread_that_waits() -> None:
    session = SessionDriver(max_running=1).create("a").create("b", launch=False, requires={"pool/p": 1})
    granted = {**session.state.leases, "b": {"p": True}}
    session.state = replace(session.state, leases=granted)
    recover(session, "a")
    assert session.state.leases["b"] == {"p": False}


def spawn(session: SessionDriver, *thread_ids: str) -> None:
    commands = [
        {"command_id": f"a/spawn/{name}", "thread_id": name, "flow": END, "spawned_by": "a", "actor": "thread a"}
        for name in thread_ids
    ]
    request = ThreadRequest.model_validate(
        {"thread_id": "a", "request_id": "a/spawn/1", "kind": "spawn", "commands": commands}
    )
    session.give(Asked(now=session.now, request=request))


def test_what_a_thread_asks_for_again_is_begun_once() -> None:
    """Also by a session that has forgotten that it was asked, and was started anew with the thread's child."""
    session = SessionDriver().create("a")
    spawn(session, "kid")
    session.launch("kid").told()
    seen = {"a": runs("a"), "kid": Seen(finding=Finding(thread_id="kid", status="running"), standing=None)}
    child = word("kid", "running")
    seen["kid"] = replace(
        seen["kid"], standing=child.model_copy(update={"row": row("kid", "running", origin="spawned", parent="a")})
    )
    session.state = adopting(blank(), seen)
    spawn(session, "kid", "new")
    starts = [effect.thread_id for effect in session.told() if isinstance(effect, StartThread)]
    assert starts == ["new"]
    session.launch("new")
    (answer,) = [message for signal, message in told(session, "a") if signal == "session_answer"]
    assert [(one["thread_id"], one["error"]) for one in answer["answers"]] == [("kid", None), ("new", None)]


def test_the_records_tell_of_the_session() -> None:
    driver = SessionDriver(max_running=3, quotas={"seat": 2})
    seat = {"holder": None, "resources": {"seat": 1}, "allocated_at": NOW.isoformat(), "expires_at": None}
    records = [
        stored(1, "session_created", {"shared": {"rate": 2}}),
        stored(2, "resource_allocated", {**seat, "id": "a", "thread": "a"}),
        stored(3, "resource_allocated", {**seat, "id": "z", "thread": "z"}),
        stored(4, "resource_released", {"id": "z"}),
        stored(5, "session_status_changed", {"from": "active", "to": "pausing"}),
        stored(6, "session_status_changed", {"from": "pausing", "to": "paused"}),
    ]
    shown = session_of(driver).model_copy(update={"status": "paused", "title": "Night"})
    rows = [
        row("a", "running"),
        row("z", "completed", completed_at=later(50)),
        row("late", "failed", completed_at=later(200)),
    ]
    state = completed_by(blank(), Recorded(session=shown, threads=rows, records=records))
    assert (state.title, state.shared, state.config.max_running, state.status) == ("Night", {"rate": 2}, 3, "paused")
    assert state.hold is not None
    assert (state.hold.actor, state.hold.at) == ("ann", later(5))
    assert list(state.allocations) == ["a"]
    # The end of the last one came when the session was gone: nobody has counted it.
    assert list(state.threads) == ["a", "late"]
    assert (list(state.ended), dict(state.ended_counts), state.created) == (["z"], {"completed": 1}, 3)


def test_what_somebody_waived_stays_waived() -> None:
    session = SessionDriver(max_duration="1h")
    state = completed_by(blank(), Recorded(session=session_of(session, at=4_000)))
    assert state.expired
    assert not completed_by(blank(), Recorded(session=session_of(session, at=40))).expired


def test_threads_that_nobody_told_of_are_adopted_by_their_own_word() -> None:
    seen = {"a": runs("a", "paused", messages=3, requires={"seat": 1, "pool/p": 2}), "z": runs("z", "completed")}
    state = adopting(blank(), seen)
    entry = state.threads["a"]
    assert (entry.status, entry.flow, entry.started, dict(entry.messages)) == ("paused", "f", True, {"data": 3})
    assert state.leases == {"a": {"p": True}}
    found = outcome(state, seen)
    assert found.living == ("a",)
    assert [report.thread_id for report in found.reports] == ["z"]


def test_a_thread_that_began_after_the_state_waits_no_longer() -> None:
    session = SessionDriver(max_running=1).create("a").create("b", launch=False)
    state = adopting(session.state, {"a": runs("a"), "b": runs("b")})
    assert (list(state.queue), dict(state.bundles), state.threads["b"].started) == ([], {}, True)
    assert list(adopting(session.state, {"b": gone("b")}).queue) == ["b"]


def test_the_ends_are_told_in_the_threads_own_words_where_there_are_any() -> None:
    session = SessionDriver().create("a").create("b").create("c").create("d")
    seen = {
        "a": runs("a"),
        "b": replace(runs("b", "failed"), finding=completed("b", {"status": "failed"})),
        "c": Seen(finding=Finding(thread_id="c", status="terminated"), standing=word("c", "running")),
        "d": gone("d"),
    }
    found = outcome(session.state, seen)
    assert found.living == ("a",)
    assert [report.thread_id for report in found.reports] == ["b"]
    assert [(finding.thread_id, finding.status) for finding in found.findings] == [
        ("c", "terminated"),
        ("d", "missing"),
    ]


def test_statistics_can_be_read_back() -> None:
    session = SessionDriver(quotas={"seat": 2}).create("a", requires={"seat": 1}).create("b")
    session.report(
        "a", "completed", usage={"m": {"calls": 2, "tokens": 10, "cost": 1}}, seconds=2.5, messages={"data": 2}
    )
    assert read_statistics(session_row(session.state).statistics) == session.state.statistics
    assert read_statistics({}) == Statistics()
