"""Answers to approvals, and the mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.messages import CancelThread, Decide, DestroyThread, PauseThread, Send
from domain.thread.events import MessageQueued
from domain.thread.inputs import Answer, Cancel, Pause, Receive
from domain.thread.mailbox import MAILBOX_LIMIT
from domain.thread.requests import input_for
from tests.builders import NOW, ThreadDriver, activity, flow_of, refusal

ASK = {"kind": "approval", "prompt": "?", "choices": ["yes", "no"], "timeout": "1h"}
TWICE = flow_of(
    {
        "ask": {**ASK, "next": [{"when": "nodes.ask.visits < 2", "to": "work"}, "end"]},
        "work": activity(next="ask"),
    }
)


def test_a_choice_that_is_not_offered_is_refused_with_those_that_are() -> None:
    thread = ThreadDriver.begin(TWICE)
    error = refusal(lambda: thread.answer("ask", "maybe"))
    assert (error.code, error.details) == (Code.BAD_CHOICE, {"choices": ["yes", "no"]})
    assert thread.answer("ask", "yes").path == ["ask"]


@pytest.mark.parametrize(("node", "visit"), [("work", None), ("ask", 2), ("nowhere", None)])
def test_an_answer_that_nobody_waits_for_is_refused(node: str, visit: int | None) -> None:
    thread = ThreadDriver.begin(TWICE)
    error = refusal(lambda: thread.answer(node, "yes", visit=visit))
    assert (error.code, error.details) == (Code.NOT_WAITING, {"current_node": "ask"})


def test_the_first_answer_wins_while_the_thread_is_held() -> None:
    thread = ThreadDriver.begin(TWICE).pause().answer("ask", "yes")
    error = refusal(lambda: thread.answer("ask", "no", actor="eve"))
    assert error.code == Code.ALREADY_DECIDED
    assert error.details["answer"]["actor"] == "bob"
    assert thread.resume().state.current.result("ask")["choice"] == "yes"


def test_the_first_answer_wins_also_when_the_thread_has_gone_on() -> None:
    thread = ThreadDriver.begin(TWICE).answer("ask", "yes")
    assert refusal(lambda: thread.answer("ask", "no")).code == Code.ALREADY_DECIDED
    assert refusal(lambda: thread.answer("ask", "no", visit=1)).code == Code.ALREADY_DECIDED


def test_an_answer_is_for_its_visit_only() -> None:
    thread = ThreadDriver.begin(TWICE).answer("ask", "yes").complete()
    assert refusal(lambda: thread.answer("ask", "no", visit=1)).code == Code.ALREADY_DECIDED
    assert thread.answer("ask", "no", visit=2).status == "completed"


def test_an_approval_that_timed_out_was_not_decided() -> None:
    nodes = {"ask": {**ASK, "next": "end", "on_timeout": "work"}, "work": activity()}
    thread = ThreadDriver.begin(flow_of(nodes)).after(3600)
    assert refusal(lambda: thread.answer("ask", "yes")).code == Code.NOT_WAITING


def test_a_full_mailbox_refuses_and_says_how_much_it_holds() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(next="get"), "get": {**GET, "next": "end"}}))
    for number in range(MAILBOX_LIMIT):
        thread.take(Receive(now=NOW, id=f"m{number}", body=number))
    error = refusal(lambda: thread.send("one more"))
    assert (error.code, error.details) == (Code.MAILBOX_FULL, {"limit": MAILBOX_LIMIT, "unread": MAILBOX_LIMIT})
    thread.complete()
    assert thread.status == "completed"
    assert len(thread.state.mailbox) == MAILBOX_LIMIT - 1


GET: dict[str, Any] = {"kind": "receive", "timeout": "1h"}


def test_mail_that_nobody_receives_changes_nothing_else() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity()}))
    events = thread.take(Receive(now=NOW, id="m", body=1))
    assert [type(event) for event in events] == [MessageQueued]
    assert thread.complete().status == "completed"


def test_commands_become_inputs_with_their_actor_and_reason() -> None:
    who: Any = {"command_id": "c", "actor": "ann", "reason": "why"}
    assert input_for(CancelThread(**who), NOW) == Cancel(now=NOW, actor="ann", reason="why")
    assert input_for(Decide(**who, node="ask", choice="yes", visit=2, data=1), NOW) == Answer(
        now=NOW, node="ask", choice="yes", visit=2, data=1, actor="ann", reason="why"
    )
    assert input_for(Send(**who, body=1, name="n"), NOW) == Receive(now=NOW, id="c", body=1, name="n", sender="ann")
    named = Send(**who, message_id="m", sender="shop", type="event")
    assert input_for(named, NOW) == Receive(now=NOW, id="m", body=None, type="event", sender="shop")
    assert refusal(lambda: input_for(DestroyThread(**who, thread_id="t"), NOW)).code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("until", ["2026-01-01T12:01:00", "2026-01-01T12:01:00Z", "2026-01-01T14:01:00+02:00"])
def test_the_end_of_a_pause_may_come_with_an_offset_or_without(until: str) -> None:
    command = PauseThread.model_validate({"command_id": "c", "until": until})
    pause = input_for(command, NOW)
    assert isinstance(pause, Pause)
    thread = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", "for": "1s", "next": "end"}})).give(pause)
    assert thread.after(59).status == "paused"
    assert thread.after(1).status == "completed"
