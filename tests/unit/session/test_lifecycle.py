"""Pausing, expiring, closing and terminating, with threads that do as they please meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Code
from domain.messages import (
    CloseSession,
    ConfigureSession,
    CreateThread,
    Finding,
    PauseSession,
    ResumeSession,
    SyncSession,
    TerminateSession,
    completed,
)
from domain.session.effects import Reconcile, SignalThread, StartThread, TerminateThreads
from domain.session.state import wake_at
from domain.session.views import describe
from tests.builders import NOW, SessionDriver, flow_of, later, refusal

END = flow_of({"end": {"kind": "end"}})


def holds(session: SessionDriver) -> list[tuple[str, bool, bool]]:
    """Threads signalled about the session's hold since the last look: (thread, held, keep)."""
    return [
        (effect.thread_id, effect.message["held"], effect.message["keep"])
        for effect in session.told()
        if isinstance(effect, SignalThread) and effect.signal == "session_hold"
    ]


def signals(session: SessionDriver) -> list[tuple[str, str]]:
    return [(effect.thread_id, effect.signal) for effect in session.told() if isinstance(effect, SignalThread)]


def test_a_session_is_pausing_until_each_of_its_threads_is_paused() -> None:
    session = SessionDriver().create("a").create("b").create("z").report("z", "completed")
    session.told()
    session.ask(PauseSession, reason="night")
    assert session.status == "pausing"
    assert describe(session.state)["not_paused_yet"] == ["a", "b"]
    assert holds(session) == [("a", True, False), ("b", True, False)]
    assert session.report("a", "paused").status == "pausing"
    assert session.report("b", "completed").status == "paused"
    shown = describe(session.state)
    assert (shown["not_paused_yet"], shown["holds"][0]["reason"]) == ([], "night")


def test_a_session_without_living_threads_is_paused_at_once() -> None:
    assert SessionDriver().create("z").report("z", "failed").ask(PauseSession)["status"] == "paused"


def test_a_thread_that_starts_meanwhile_is_held_too() -> None:
    session = SessionDriver().create("a", launch=False)
    session.ask(PauseSession)
    assert session.status == "pausing"
    session.told()
    session.launch("a")
    assert holds(session) == [("a", True, False)]
    assert session.report("a", "paused").status == "paused"


def test_a_thread_that_ended_before_its_start_was_confirmed_is_left_alone() -> None:
    session = SessionDriver().create("a", launch=False).report("a", "completed")
    session.ask(PauseSession)
    session.told()
    session.launch("a")
    assert session.told() == []
    assert session.answer("c1")["status"] == "completed"


@pytest.mark.parametrize("keep", [False, True])
def test_resuming_lets_the_threads_go_or_leaves_each_held_by_itself(keep: bool) -> None:
    session = SessionDriver().create("a")
    session.ask(PauseSession)
    session.told()
    assert session.ask(ResumeSession, hold_threads=keep)["status"] == "active"
    assert holds(session) == [("a", False, keep)]
    assert describe(session.state)["holds"] == []


def test_a_pause_with_an_end_is_over_then() -> None:
    session = SessionDriver().create("a")
    session.ask(PauseSession, until="2026-01-01T12:01:00+00:00")
    session.told()
    assert session.after(59).status == "pausing"
    assert wake_at(session.state) == later(60)
    assert session.after(1).status == "active"
    assert holds(session) == [("a", False, False)]


def test_the_end_of_a_pause_may_come_without_an_offset() -> None:
    session = SessionDriver()
    session.ask(PauseSession, until="2026-01-01T12:01:00")
    assert session.after(60).status == "active"


# Limits of time


def test_an_idle_session_is_paused_and_a_busy_one_is_not() -> None:
    session = SessionDriver(idle_timeout="10m").create("a")
    assert session.after(3600).status == "active", "a living thread, waiting or not, is no idleness"
    session.report("a", "completed")
    assert wake_at(session.state) == later(3600 + 600)
    assert session.after(599).status == "active"
    assert session.after(1).status == "paused"
    assert session.state.hold is not None
    assert (session.state.hold.actor, session.state.hold.reason) == ("threadloom", "expired")


def test_resuming_an_idle_session_gives_it_its_time_again() -> None:
    session = SessionDriver(idle_timeout="10m").after(600)
    session.ask(ResumeSession)
    assert session.after(599).status == "active"
    assert session.after(1).status == "paused"


def test_a_session_that_is_too_old_is_paused_once_and_whoever_resumes_it_waives_the_limit() -> None:
    session = SessionDriver(max_duration="1h").create("a").after(3600)
    assert session.status == "pausing"
    session.ask(ResumeSession)
    assert session.after(99_999).status == "active"


def test_idleness_waives_no_limit_of_age() -> None:
    session = SessionDriver(max_duration="1h", idle_timeout="10m").after(600)
    session.ask(ResumeSession)
    session.create("a")
    assert session.after(3000).status == "pausing"


def test_a_new_limit_of_age_counts_although_the_old_one_was_waived() -> None:
    session = SessionDriver(max_duration="1h").after(3600)
    session.ask(ResumeSession)
    session.ask(ConfigureSession, config={"max_duration": "2h"})
    assert session.after(3599).status == "active"
    assert session.after(1).status == "paused"


def test_an_expired_session_is_terminated_where_its_configuration_says_so() -> None:
    session = SessionDriver(max_duration="1h", on_expiry="terminate", grace="10s").create("a").after(3600)
    assert session.status == "terminating"
    assert signals(session)[-1] == ("a", "cancel")
    assert session.report("a", "cancelled").status == "terminated"


def test_a_paused_session_does_not_expire() -> None:
    session = SessionDriver(max_duration="1h", idle_timeout="10m", on_expiry="terminate")
    session.ask(PauseSession)
    assert session.after(7200).status == "paused"
    session.ask(ResumeSession)
    assert session.rest().status == "terminated"


# Ending


def test_a_closing_session_takes_no_threads_and_is_closed_with_the_last() -> None:
    session = SessionDriver().create("a").create("b", launch=False)
    session.told()
    assert session.ask(CloseSession)["status"] == "closing"
    assert session.told() == []
    session.report("a", "failed")
    assert session.status == "closing"
    assert session.launch("b").report("b", "completed").status == "closed"
    assert session.state.ended_at == session.now
    assert wake_at(session.state) is None


def test_terminating_cancels_the_threads_and_after_the_grace_ends_them_by_force() -> None:
    session = SessionDriver(grace="30s").create("a").create("b")
    session.told()
    session.ask(TerminateSession, reason="over")
    assert signals(session) == [("a", "cancel"), ("b", "cancel")]
    session.report("a", "cancelled")
    assert wake_at(session.state) == later(30)
    assert session.after(30).told() == [TerminateThreads(thread_ids=("b",), reason="over")]
    session.find(Finding(thread_id="b", status="terminated"))
    assert session.status == "terminated"
    assert session.state.ended["b"].status == "cancelled", "whoever ended the session meant it to be"


def test_the_grace_of_one_termination_may_be_another_also_none() -> None:
    session = SessionDriver().create("a")
    session.told()
    session.ask(TerminateSession, grace="0s")
    assert [type(effect) for effect in session.told()] == [SignalThread, TerminateThreads]


def test_terminating_again_with_less_grace_ends_sooner_and_with_more_changes_nothing() -> None:
    session = SessionDriver().create("a")
    session.ask(TerminateSession, grace="1h", actor="ann", reason="over")
    session.ask(TerminateSession, grace="2h")
    assert wake_at(session.state) == later(300), "the next look for its thread"
    session.after(10).told()
    session.ask(TerminateSession, grace="5s", actor="bob")
    assert wake_at(session.state) == later(15)
    assert session.after(5).told()[-1] == TerminateThreads(thread_ids=("a",), reason="over")
    session.ask(TerminateSession, grace="0s")
    assert session.told() == [], "what is left is being ended already"


@pytest.mark.parametrize(("seconds", "effect"), [(0, SignalThread), (31, TerminateThreads)])
def test_a_thread_that_starts_while_the_session_is_terminated_is_ended_too(seconds: float, effect: type) -> None:
    session = SessionDriver().create("a", launch=False)
    session.ask(TerminateSession)
    session.after(seconds).told()
    session.launch("a")
    assert [type(told) for told in session.told()] == [effect]
    assert session.report("a", "cancelled").status == "terminated"


def test_a_held_session_can_be_terminated() -> None:
    session = SessionDriver().create("a")
    session.ask(PauseSession)
    session.ask(TerminateSession)
    assert session.status == "terminating"
    assert session.state.hold is None
    assert session.report("a", "cancelled").status == "terminated"


def test_an_ended_session_takes_no_command_and_time_does_nothing_to_it() -> None:
    session = SessionDriver().create("a")
    session.ask(TerminateSession)
    session.report("a", "cancelled")
    state = session.state
    assert session.after(99_999).state == state
    assert refusal(lambda: session.ask(SyncSession)).code == Code.SESSION_NOT_ACTIVE


# What Temporal knows


def test_the_threads_believed_alive_are_looked_for_from_time_to_time() -> None:
    session = SessionDriver(reconcile_every="5m").create("a").create("b", launch=False)
    session.told()
    assert wake_at(session.state) == later(300)
    assert session.after(300).told() == [Reconcile(thread_ids=("a",))]
    assert wake_at(session.state) == later(600)


def test_a_session_without_threads_sleeps() -> None:
    assert wake_at(SessionDriver().state) is None
    assert SessionDriver().after(3600).told() == []


@pytest.mark.parametrize(
    ("found", "status", "code"),
    [
        ("completed", "completed", None),
        ("canceled", "cancelled", Code.THREAD_TERMINATED),
        ("terminated", "failed", Code.THREAD_TERMINATED),
        ("timed_out", "failed", Code.THREAD_TERMINATED),
        ("missing", "failed", Code.THREAD_LOST),
    ],
)
def test_a_thread_that_ended_behind_its_back_is_recorded_as_what_it_was(
    found: str, status: str, code: str | None
) -> None:
    session = SessionDriver().create("a").after(7)
    outcome = "completed" if found == "completed" else None
    session.find(Finding(thread_id="a", status=found, outcome=outcome))
    entry = session.state.ended["a"]
    assert entry.status == status
    assert (entry.error["code"] if entry.error else None) == code
    assert session.state.statistics.performance.seconds == 7


@pytest.mark.parametrize(
    ("thread_id", "found"), [("a", "running"), ("z", "missing"), ("b", "missing"), ("nobody", "missing")]
)
def test_findings_about_others_change_nothing(thread_id: str, found: str) -> None:
    session = SessionDriver().create("a").create("b", launch=False).create("z").report("z", "completed")
    threads = session.state.threads
    session.find(Finding(thread_id=thread_id, status=found))
    assert session.state.threads == threads


# Reports


@pytest.mark.parametrize("fields", [{"status": "unheard_of"}, {"thread_id": "nobody"}, {"thread_id": "z"}])
def test_a_report_that_means_nothing_changes_nothing(fields: dict[str, Any]) -> None:
    session = SessionDriver().create("a").create("z").report("z", "completed")
    state = session.state
    session.report(**{"thread_id": "a", "status": "running", **fields})
    assert session.state == state


@pytest.mark.parametrize("at", [datetime(1970, 1, 1), datetime(2999, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_the_clock_of_a_report_moves_no_limit_of_time(at: datetime) -> None:
    session = SessionDriver(idle_timeout="10m").create("a")
    session.report("a", "completed", at=at, started_at=at, seconds=-5)
    assert session.state.last_activity_at == NOW
    assert wake_at(session.state) == later(600)
    assert session.state.statistics.performance.shortest == 0


def test_the_shared_variables_of_a_session_reach_its_new_threads() -> None:
    session = SessionDriver()
    session.state = replace(session.state, shared={"colour": "red"})
    session.ask(CreateThread, thread_id="a", flow=END)
    (start,) = session.told()
    assert isinstance(start, StartThread)
    assert start.start["seed"]["shared"] == {"colour": "red"}


def test_a_flow_that_failed_without_a_report_is_recorded_as_failed_although_its_workflow_completed() -> None:
    session = SessionDriver().create("a").after(7)
    session.find(completed("a", {"status": "failed", "error": {"code": "BROKEN", "message": "no"}}))
    assert session.state.ended["a"].status == "failed"
    assert session.state.ended["a"].error == {"code": "BROKEN", "message": "no"}
