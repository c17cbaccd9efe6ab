"""Holds: what keeps a thread from entering nodes, and how that ends."""

from __future__ import annotations

import pytest

from domain.errors import Code
from domain.messages import ResumeThread, SessionHoldChanged
from domain.thread.effects import ReportStatus
from domain.thread.events import NodeEntered, StatusChanged
from domain.thread.inputs import Pause
from domain.thread.requests import input_for, inputs_for_session_hold
from domain.thread.state import BY_HAND, Hold, HoldKind, ThreadStatus, wake_at
from domain.thread.waiting import waiting, waiting_for
from tests.builders import NOW, ThreadDriver, activity, flow_of, later, refusal, set_

TWO = flow_of({"one": activity(next="two"), "two": activity()})
NAP = flow_of({"nap": {"kind": "wait", "for": "10s", "next": "end"}})
GET = flow_of({"get": {"kind": "receive", "timeout": "20s", "next": "end", "on_timeout": "broken"}})
ASK = flow_of({"ask": {"kind": "approval", "prompt": "?", "choices": ["y"], "timeout": "20s", "next": "end"}})


def test_a_thread_with_an_activity_in_flight_is_pausing_until_it_has_ended() -> None:
    thread = ThreadDriver.begin(TWO).pause()
    assert thread.status == "pausing"
    thread.complete("kept")
    assert (thread.status, thread.path, thread.call) == ("paused", ["one"], None)
    assert thread.state.current.result("one") == "kept"
    assert thread.resume().status == "running"
    assert thread.call is not None
    assert thread.call.node == "two"


def test_resuming_a_pausing_thread_takes_effect_at_once() -> None:
    thread = ThreadDriver.begin(TWO).pause().resume()
    assert thread.status == "running"
    assert thread.complete().call is not None


@pytest.mark.parametrize("document", [NAP, GET, ASK])
def test_a_thread_that_waits_is_paused_at_once(document: dict[str, object]) -> None:
    assert ThreadDriver.begin(document).pause().status == "paused"


def test_a_timer_that_fires_while_held_takes_effect_on_resume() -> None:
    thread = ThreadDriver.begin(NAP).pause()
    assert wake_at(thread.state) is None
    assert thread.after(100).status == "paused"
    assert thread.resume().status == "completed"


def test_mail_that_comes_while_held_is_received_on_resume() -> None:
    thread = ThreadDriver.begin(GET).pause().send("hello")
    assert thread.status == "paused"
    assert thread.resume().status == "completed"


def test_an_answer_given_while_held_takes_effect_on_resume_even_after_the_timeout() -> None:
    thread = ThreadDriver.begin(ASK).pause().answer("ask", "y").after(100)
    assert thread.status == "paused"
    assert thread.resume().status == "completed"


def test_a_deadline_that_passes_while_held_times_out_on_resume() -> None:
    assert ThreadDriver.begin(GET).pause().after(100).resume().error.code == "BROKEN"


def test_holds_stack_and_resuming_lifts_one() -> None:
    thread = ThreadDriver.begin(TWO).pause(HoldKind.SESSION).pause().complete()
    assert set(thread.state.holds) == {HoldKind.SESSION, HoldKind.THREAD}
    assert thread.resume().status == "paused"
    assert thread.resume(HoldKind.SESSION).status == "running"


@pytest.mark.parametrize("kind", list(HoldKind))
def test_every_kind_of_hold_keeps_the_thread_until_it_is_lifted(kind: HoldKind) -> None:
    thread = ThreadDriver(TWO)
    thread.take(Pause(now=NOW, kind=kind, actor="ann"))
    assert thread.rest().status == "paused"
    assert not any(isinstance(event, NodeEntered) for event in thread.events)
    by_hand = ThreadDriver(TWO, thread.state).resume()
    assert by_hand.status == ("running" if kind in BY_HAND else "paused")
    assert thread.resume(kind).status == "running"


def test_a_hold_with_an_end_lifts_itself_then_and_not_before() -> None:
    thread = ThreadDriver.begin(NAP).pause(until=later(60))
    assert wake_at(thread.state) == later(60)
    assert thread.after(59).status == "paused"
    assert thread.after(1).status == "completed"
    assert thread.state.operations[-2].actor == "threadloom"


def test_a_hold_with_an_end_lifts_itself_while_an_activity_is_in_flight() -> None:
    thread = ThreadDriver.begin(TWO).pause(until=later(60))
    assert wake_at(thread.state) == later(60)
    assert thread.after(60).status == "running"


def test_the_end_of_one_hold_leaves_the_others() -> None:
    thread = ThreadDriver.begin(NAP).pause(until=later(60)).pause(HoldKind.SESSION).after(60)
    assert list(thread.state.holds) == [HoldKind.SESSION]


def test_pausing_twice_and_resuming_what_runs_change_nothing() -> None:
    thread = ThreadDriver.begin(NAP).pause()
    before = thread.state
    assert thread.pause().state == before
    thread.resume()
    before = thread.state
    assert thread.resume().state == before


def test_a_thread_held_before_it_starts_says_that_it_is_paused() -> None:
    source = ThreadDriver.begin(TWO).complete()
    hold = Hold(kind=HoldKind.START, actor="ann", at=NOW)
    thread = ThreadDriver.of_branch(source.fork("one"), holds=[hold]).rest()
    assert thread.status == "paused"
    assert thread.effects == [ReportStatus(status=ThreadStatus.PAUSED, at=NOW)]
    thread.resume()
    assert thread.status == "running"
    assert thread.call is not None


def test_a_thread_paused_before_it_started_is_pending_again_only_for_a_moment() -> None:
    thread = ThreadDriver(TWO)
    thread.pause()
    assert thread.state.started_at is None
    thread.resume()
    changes = [(event.before, event.status) for event in thread.events if isinstance(event, StatusChanged)]
    assert changes == [("pending", "paused"), ("paused", "pending"), ("pending", "running")]
    reported = [effect.status for effect in thread.effects if isinstance(effect, ReportStatus)]
    assert reported == ["paused", "running"]


def test_nothing_wakes_an_ended_thread() -> None:
    assert wake_at(ThreadDriver.begin(NAP).after(10).state) is None


def test_an_ended_thread_cannot_be_paused_or_resumed() -> None:
    thread = ThreadDriver.begin(flow_of({"one": set_(x=1)}))
    assert refusal(thread.pause).code == Code.THREAD_ENDED
    assert refusal(thread.resume).details == {"status": "completed"}
    assert refusal(lambda: thread.send(1)).code == Code.THREAD_ENDED
    assert refusal(lambda: thread.answer("one", "y")).code == Code.THREAD_ENDED


def told(thread: ThreadDriver, **changed: object) -> ThreadDriver:
    for change in inputs_for_session_hold(SessionHoldChanged.model_validate({"actor": "ann", **changed}), thread.now):
        thread.give(change)
    return thread


def test_the_session_holds_its_threads_and_lets_them_go() -> None:
    thread = told(ThreadDriver.begin(NAP), held=True, reason="night")
    assert thread.state.holds[HoldKind.SESSION].reason == "night"
    assert told(thread, held=False).status == "running"


def test_the_session_can_let_go_and_leave_each_thread_held_by_itself() -> None:
    thread = told(told(ThreadDriver.begin(NAP), held=True), held=False, keep=True)
    assert list(thread.state.holds) == [HoldKind.THREAD]
    assert thread.after(60).status == "paused", "not even for a moment does it run in between"
    assert thread.resume().status == "completed"


def test_hearing_from_the_session_a_thread_is_not_lost_any_more() -> None:
    thread = ThreadDriver.begin(NAP).pause(HoldKind.LOST_SESSION)
    assert told(thread, held=False).status == "running"


def test_a_resume_by_hand_lifts_all_holds_of_the_threads_own() -> None:
    thread = ThreadDriver.begin(NAP).pause().pause(HoldKind.LOST_SESSION)
    thread.give(input_for(ResumeThread(command_id="c"), thread.now))
    assert thread.status == "running"


def test_what_a_held_thread_waits_for_is_said_in_words_and_as_data() -> None:
    thread = ThreadDriver.begin(NAP).pause(reason="lunch", until=later(60)).pause(HoldKind.SESSION)
    assert waiting_for(thread.state) == (
        "to be resumed (held by ann at 2026-01-01 12:00:00 UTC: lunch); "
        "its session to be resumed (held by ann at 2026-01-01 12:00:00 UTC)"
    )
    assert waiting(thread.state) == {
        "kind": "hold",
        "node": "nap",
        "since": NOW.isoformat(),
        "until": later(60).isoformat(),
    }
