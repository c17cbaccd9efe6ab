"""Cancelling: whoever cancels a thread gets a cancelled thread."""

from __future__ import annotations

from domain.errors import Code
from domain.thread.effects import CancelActivity, ReportStatus
from domain.thread.journal import ExecutionStatus, executions
from domain.thread.state import HoldKind, Operation
from tests.builders import NOW, ThreadDriver, activity, flow_of, refusal

WORK = flow_of({"work": activity(next="more", on_error="broken"), "more": activity()})
BARE = flow_of({"work": activity()})
GET = flow_of({"get": {"kind": "receive", "timeout": "1h", "next": "end", "on_error": "broken"}})


def statuses(thread: ThreadDriver) -> list[tuple[str, str]]:
    return [(entry.node, entry.status.value) for entry in executions(thread.state.journal)]


def test_a_waiting_thread_is_cancelled_at_once_and_no_edge_catches_it() -> None:
    thread = ThreadDriver.begin(GET).cancel("wrong order")
    assert thread.status == "cancelled"
    assert thread.error.visible() == {"code": "CANCELLED", "message": "wrong order", "details": {}, "node": "get"}
    assert statuses(thread) == [("get", "cancelled")]


def test_a_held_thread_is_cancelled_all_the_same() -> None:
    thread = ThreadDriver.begin(GET).pause().pause(HoldKind.SESSION).cancel()
    assert (thread.status, thread.state.holds) == ("cancelled", {})


def test_a_thread_that_has_not_started_is_cancelled() -> None:
    thread = ThreadDriver(WORK).cancel(None)
    assert (thread.status, thread.error.message, thread.error.node) == ("cancelled", "cancelled by ann", "work")
    assert thread.state.journal == ()


def test_a_thread_waits_for_the_end_of_its_activity() -> None:
    thread = ThreadDriver.begin(WORK).cancel()
    assert thread.status == "running"
    assert CancelActivity() in thread.effects
    thread.fail(Code.CANCELLED, cancelled=True)
    assert (thread.status, thread.error.node) == ("cancelled", "work")
    assert statuses(thread) == [("work", "cancelled")]


def test_a_result_that_came_anyway_is_kept() -> None:
    thread = ThreadDriver.begin(WORK).cancel().complete("there")
    assert thread.status == "cancelled"
    assert thread.state.current.result("work") == "there"
    assert statuses(thread) == [("work", "completed")]


def test_an_activity_that_fails_while_it_is_being_cancelled_does_not_make_the_thread_failed() -> None:
    for document in (WORK, BARE):
        thread = ThreadDriver.begin(document).cancel().fail("BOOM")
        assert (thread.status, thread.error.code) == ("cancelled", Code.CANCELLED)
        assert statuses(thread) == [("work", "failed")]


def test_an_activity_that_ends_as_cancelled_without_being_asked_to_has_failed() -> None:
    thread = ThreadDriver.begin(WORK).fail(Code.CANCELLED, cancelled=True)
    assert thread.error.code == "BROKEN"
    assert statuses(thread)[0] == ("work", "failed")


def test_cancelling_twice_or_after_the_end_changes_nothing() -> None:
    thread = ThreadDriver.begin(WORK).cancel("first")
    before = thread.state
    assert thread.cancel("second").state == before
    thread.complete()
    ended = thread.state
    assert thread.cancel().state == ended


def test_a_thread_that_is_being_cancelled_can_still_be_held_and_ends_held_or_not() -> None:
    thread = ThreadDriver.begin(WORK).cancel().pause()
    assert thread.status == "pausing"
    assert thread.complete().status == "cancelled"


def test_an_ended_thread_takes_no_mail_and_reports_its_end_once() -> None:
    thread = ThreadDriver.begin(GET).cancel()
    assert refusal(lambda: thread.send(1)).code == Code.THREAD_ENDED
    assert [effect.status for effect in thread.effects if isinstance(effect, ReportStatus)] == ["running", "cancelled"]


def test_a_cancelled_thread_remembers_by_whom() -> None:
    operations = ThreadDriver.begin(GET).cancel("enough").state.operations
    assert operations == (
        Operation(type="start", actor=None, reason=None, at=NOW),
        Operation(type="cancel", actor="ann", reason="enough", at=NOW),
        Operation(type="cancel", actor=None, reason=None, at=NOW),
    )


def test_nothing_in_flight_is_left_behind() -> None:
    thread = ThreadDriver.begin(WORK).cancel().fail(Code.CANCELLED, cancelled=True)
    assert thread.state.active is None
    assert not thread.state.in_flight
    assert executions(thread.state.journal)[-1].status is ExecutionStatus.CANCELLED
