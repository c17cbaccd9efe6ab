"""What a session knows of the messages of its threads, and its limit of them."""

from __future__ import annotations

import pytest

from domain.messages import ConfigureSession, CreateThread, PauseSession, ResumeSession, ThreadReport
from domain.session.effects import StartThread
from domain.session.history import statistics
from domain.session.views import describe, one_thread
from domain.thread.mailbox import MAILBOX_BYTES
from tests.builders import NOW, SessionDriver, flow_of


def counted(session: SessionDriver) -> object:
    return statistics(session.state)["messages"]


def test_threads_tell_their_totals_and_the_session_adds_what_is_new() -> None:
    session = SessionDriver().create("a").create("b")
    session.report("a", "paused", messages={"data": 2, "event": 1})
    session.report("a", "running", messages={"data": 3, "event": 1})
    session.report("b", "completed", messages={"data": 5})
    assert counted(session) == {"received": 9, "by_type": {"data": 8, "event": 1}}
    assert describe(session.state)["activity"] == {"message_count": 9}


def test_a_report_that_comes_again_or_tells_less_adds_nothing() -> None:
    session = SessionDriver().create("a").report("a", "paused", messages={"data": 3})
    for messages in ({"data": 3}, {"data": 1}, {}):
        session.report("a", "paused", messages=messages)
    assert counted(session) == {"received": 3, "by_type": {"data": 3}}


def test_a_thread_of_an_earlier_version_tells_nothing() -> None:
    report = ThreadReport.model_validate({"thread_id": "a", "status": "completed", "at": NOW})
    assert report.messages == {}
    assert counted(SessionDriver().create("a").report("a", "completed")) == {"received": 0, "by_type": {}}


def test_types_that_nobody_knows_are_not_counted() -> None:
    session = SessionDriver().create("a").report("a", "paused", messages={"gossip": 7, "error": 1})
    assert counted(session) == {"received": 1, "by_type": {"error": 1}}


def test_a_session_that_has_had_its_messages_is_paused_once_and_whoever_resumes_it_waives_the_limit() -> None:
    session = SessionDriver(max_messages=5).create("a").create("b")
    session.report("b", "completed", messages={"data": 4})
    assert session.status == "active"
    session.report("a", "running", messages={"control": 1})
    assert session.status == "pausing"
    assert session.state.hold is not None
    assert (session.state.hold.actor, session.state.hold.reason) == ("threadloom", "max_messages: 5 messages of 5")
    session.ask(ResumeSession)
    assert session.report("a", "running", messages={"control": 9}).status == "active"


def test_a_new_limit_counts_although_the_old_one_was_waived() -> None:
    session = SessionDriver(max_messages=1).create("a").report("a", "running", messages={"data": 1})
    session.ask(ResumeSession)
    session.ask(ConfigureSession, config={"max_threads": 9})
    assert session.status == "active"
    session.ask(ConfigureSession, config={"max_messages": 2})
    assert session.status == "active"
    assert session.report("a", "running", messages={"data": 2}).status == "pausing"


def test_a_limit_that_is_set_below_the_count_holds_at_once_and_none_never() -> None:
    session = SessionDriver().create("a").report("a", "running", messages={"data": 10_000})
    assert session.status == "active"
    session.ask(ConfigureSession, config={"max_messages": 1})
    assert session.status == "pausing"


@pytest.mark.parametrize("first", ["pause", "limit"])
def test_a_paused_session_reaches_its_limit_when_it_is_resumed(first: str) -> None:
    session = SessionDriver(max_messages=1).create("a")
    if first == "pause":
        session.ask(PauseSession)
    session.report("a", "paused", messages={"data": 1})
    session.ask(ResumeSession)
    assert session.status == ("paused" if first == "pause" else "active")


def test_threads_start_with_the_mailbox_that_the_session_says() -> None:
    session = SessionDriver(max_mailbox=7)
    session.ask(CreateThread, thread_id="a", flow=flow_of({"end": {"kind": "end"}}))
    [started] = [effect for effect in session.told() if isinstance(effect, StartThread)]
    assert (started.start["max_mailbox"], started.start["mailbox_bytes"]) == (7, MAILBOX_BYTES)


def test_a_thread_is_found_by_its_id_and_tells_whether_it_has_started() -> None:
    session = SessionDriver().create("a").create("b", launch=False)
    for thread_id, status, started in (("a", "running", True), ("b", "pending", False)):
        found = one_thread(session.state, thread_id)
        assert found is not None
        assert (found["status"], found["started"]) == (status, started)
    assert one_thread(session.state, "c") is None
