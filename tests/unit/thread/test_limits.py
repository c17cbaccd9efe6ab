"""Limits of a flow: how far a thread may run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from domain.thread.calls import ActivityCall
from domain.thread.journal import ExecutionStatus, executions
from domain.thread.state import HoldKind, wake_at
from tests.builders import ThreadDriver, activity, flow_of, later

LOOP = {"turn": {"kind": "decision", "next": [{"when": "nodes.turn.visits < 6", "to": "turn"}, "end"]}}


def test_a_thread_fails_at_its_limit_of_steps() -> None:
    thread = ThreadDriver.begin(flow_of(LOOP, limits={"max_steps": 3}))
    assert (thread.status, thread.error.code, thread.error.node) == ("failed", Code.LIMIT_REACHED, "turn")
    assert len(thread.path) == 3


def test_a_thread_is_held_at_its_limit_and_whoever_resumes_it_waives_it() -> None:
    thread = ThreadDriver.begin(flow_of(LOOP, limits={"max_steps": 3, "on_limit": "pause"}))
    assert thread.status == "paused"
    assert list(thread.state.holds) == [HoldKind.LIMIT]
    assert thread.resume().status == "completed"


def test_the_session_cannot_lift_the_hold_of_a_limit() -> None:
    thread = ThreadDriver.begin(flow_of(LOOP, limits={"max_steps": 3, "on_limit": "pause"}))
    assert thread.resume(HoldKind.SESSION).status == "paused"


def test_max_duration_stops_a_thread_before_its_next_node() -> None:
    nodes = {"work": activity(next="again"), "again": activity()}
    thread = ThreadDriver.begin(flow_of(nodes, limits={"max_duration": "1m"})).after(60)
    assert thread.status == "running", "Temporal ends the activity"
    assert thread.complete().status == "failed"
    assert (thread.error.code, thread.error.node, thread.path) == (Code.LIMIT_REACHED, "again", ["work"])


@pytest.mark.parametrize("timeout", [{}, {"timeout": "2m", "on_timeout": "late"}], ids=["none", "a later one"])
def test_an_activity_has_no_more_time_than_its_thread(timeout: dict[str, Any]) -> None:
    document = flow_of({"work": activity(**timeout)}, limits={"max_duration": "1m"})
    thread = ThreadDriver.begin(document)
    assert isinstance(thread.call, ActivityCall)
    assert thread.call.schedule_to_close == timedelta(minutes=1)
    thread.fail("NODE_TIMEOUT", timed_out=True)
    assert (thread.status, thread.error.code, thread.error.node) == ("failed", Code.LIMIT_REACHED, "work")


def test_a_limit_that_leaves_no_time_for_another_attempt_keeps_the_cause() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity()}, limits={"max_duration": "1h"}))
    thread.after(1).fail("NOT_NOW", "come back tomorrow", timed_out=True)
    assert thread.error.code == Code.LIMIT_REACHED
    told = "max_duration 1h would be over before work could be tried again: NOT_NOW: come back tomorrow"
    assert thread.error.message == told
    assert thread.error.details["last"]["code"] == "NOT_NOW"


def test_an_activity_whose_own_time_is_over_first_goes_its_own_way() -> None:
    document = flow_of({"work": activity(timeout="30s", on_timeout="broken")}, limits={"max_duration": "1m"})
    thread = ThreadDriver.begin(document).after(30).fail("NODE_TIMEOUT", timed_out=True)
    assert thread.path == ["work", "broken"]


def test_a_thread_that_is_held_at_its_limit_lets_its_activity_end() -> None:
    document = flow_of({"work": activity()}, limits={"max_duration": "1m", "on_limit": "pause"})
    thread = ThreadDriver.begin(document)
    assert isinstance(thread.call, ActivityCall)
    assert thread.call.schedule_to_close is None
    assert thread.after(60).complete().status == "paused"


@pytest.mark.parametrize(
    "waiting",
    [
        {"kind": "receive", "next": "end"},
        {"kind": "approval", "prompt": "?", "choices": ["ok"], "next": "end", "on_error": "end"},
        {"kind": "wait", "for": "1d", "timeout": "2d", "next": "end"},
    ],
)
def test_max_duration_ends_a_node_that_waits_for_ever(waiting: dict[str, Any]) -> None:
    thread = ThreadDriver.begin(flow_of({"stay": waiting}, limits={"max_duration": "1h"}))
    assert wake_at(thread.state) == later(3600)
    assert thread.after(3599).status == "running"
    thread.after(1)
    assert (thread.status, thread.error.code, thread.error.node) == ("failed", Code.LIMIT_REACHED, "stay")
    assert executions(thread.state.journal)[-1].status is ExecutionStatus.FAILED


def test_max_duration_holds_a_waiting_thread_where_the_flow_says_so() -> None:
    limits = {"max_duration": "1h", "on_limit": "pause"}
    thread = ThreadDriver.begin(flow_of({"get": {"kind": "receive", "next": "end"}}, limits=limits)).after(3600)
    assert (thread.status, list(thread.state.holds)) == ("paused", [HoldKind.LIMIT])
    assert thread.send("late").status == "paused"
    assert thread.resume().status == "completed"


def test_a_waived_limit_wakes_nobody() -> None:
    limits = {"max_duration": "1h", "on_limit": "pause"}
    thread = ThreadDriver.begin(flow_of({"get": {"kind": "receive", "next": "end"}}, limits=limits)).after(3600)
    assert wake_at(thread.resume().state) is None
    assert thread.after(99_999).status == "running"


def test_what_a_waiting_thread_gets_at_the_last_moment_counts() -> None:
    nodes = {"nap": {"kind": "wait", "for": "1h", "next": "end"}}
    thread = ThreadDriver.begin(flow_of(nodes, limits={"max_duration": "1h"})).after(3600)
    assert thread.path == ["nap"]
    assert (thread.error.code, thread.error.node) == (Code.LIMIT_REACHED, "end")
