"""What a mailbox takes, refuses and recognises."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from domain.answers import accepted, refused, remember
from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.flow.model import MessageType
from domain.messages import Send, SerialNumber, ThreadStart, body
from domain.records import RecordType
from domain.thread.events import MessageQueued
from domain.thread.history import fact
from domain.thread.inputs import Receive
from domain.thread.mailbox import MAILBOX_LIMIT, MESSAGE_TYPES, SENDERS_KEPT, MailboxLimits
from domain.thread.program import Program
from domain.thread.requests import input_for
from domain.thread.restoring import restored
from domain.thread.snapshot import first_seed
from domain.thread.views import describe, unread_messages
from domain.values import digest, size
from tests.builders import NOW, SESSION, ThreadDriver, activity, carried, flow_of, identity_of, later, refusal

HEAR: dict[str, Any] = {"kind": "receive", "timeout": "1h", "save": {"heard": "{{ message.body }}"}}
BUSY = flow_of(
    {"work": activity(next="hear"), "hear": {**HEAR, "next": "hear_more"}, "hear_more": {**HEAR, "next": "end"}}
)


def serial(number: int, run: str = "session/s/thread/a/run-1") -> SerialNumber:
    return SerialNumber(sender_run=run, number=number)


def busy(**limits: Any) -> ThreadDriver:
    """A thread that is at work and will look into its mailbox later."""
    start = ThreadStart(
        flow=BUSY, flow_digest=digest(BUSY), seed=dump(first_seed(ThreadDriver(BUSY).flow, identity_of())), **limits
    )
    driver = ThreadDriver(BUSY, restored(Program.of(BUSY), start, (SESSION, "t"), NOW))
    return driver.rest()


def bodies(thread: ThreadDriver) -> list[Any]:
    return [message.body for message in thread.state.mailbox]


# Once


def test_a_message_that_was_taken_before_is_answered_as_taken_and_queues_nothing() -> None:
    thread = busy().send("one", serial=serial(3)).send("two", serial=serial(7))
    for number in (3, 7, 5):
        assert thread.take(Receive(now=NOW, id="again", body="again", serial=serial(number))) == []
    assert bodies(thread) == ["one", "two"]


def test_it_is_recognised_in_later_runs_of_the_receiver_and_after_its_end() -> None:
    thread = busy().send("one", serial=serial(3))
    later_run = ThreadDriver(BUSY, carried(thread.state, BUSY))
    assert later_run.take(Receive(now=NOW, id="m", body="one", serial=serial(3))) == []
    thread.complete().send("two").rest()
    assert thread.status == "completed"
    assert thread.take(Receive(now=NOW, id="m", body="one", serial=serial(3))) == []
    assert refusal(lambda: thread.send("three", serial=serial(4))).code == Code.THREAD_ENDED


def test_each_sender_and_each_of_its_runs_counts_for_itself() -> None:
    thread = busy().send("a", serial=serial(9))
    thread.send("b", serial=serial(1, "session/s/thread/b/run-1"))
    thread.send("abroad", serial=serial(1, "session/other/thread/a/run-1"))
    thread.send("a was reset", serial=serial(9, "session/s/thread/a/run-2"))
    assert bodies(thread) == ["a", "b", "abroad", "a was reset"]


def test_messages_of_people_have_no_number_and_are_all_taken() -> None:
    thread = busy().send("one").send("one")
    assert (bodies(thread), thread.state.watermarks) == (["one", "one"], {})


def test_the_senders_last_heard_of_are_remembered() -> None:
    thread = busy(max_mailbox=2 * SENDERS_KEPT)
    for number in range(SENDERS_KEPT):
        thread.take(Receive(now=NOW, id="m", body=number, serial=serial(1, f"run-{number}")))
    thread.take(Receive(now=NOW, id="m", body="again", serial=serial(2, "run-0")))
    thread.take(Receive(now=NOW, id="m", body="new", serial=serial(1, "one more")))
    assert len(thread.state.watermarks) == SENDERS_KEPT
    assert "run-0" in thread.state.watermarks
    assert "run-1" not in thread.state.watermarks


def test_forks_and_copies_are_other_receivers() -> None:
    """They get nothing of what was sent to their source, and miss nothing that is sent to themselves."""
    thread = busy().send("to the source", serial=serial(3))
    for branch in (thread.fork("work"), thread.copy()):
        child = ThreadDriver.of_branch(branch).rest()
        assert (child.state.mailbox, child.state.watermarks, child.state.received) == ((), {}, {})
        assert bodies(child.send("to the branch", serial=serial(3))) == ["to the branch"]


def test_whether_it_is_the_same_command_does_not_depend_on_the_run_that_sends_it() -> None:
    command = Send(command_id="c", body=1)
    numbered = Send(command_id="c", body=1, serial=serial(3))
    assert numbered.digest() == command.digest() != Send(command_id="c", body=2, serial=serial(3)).digest()
    assert "serial" not in body(command), "what earlier versions do not know is told only where it is needed"
    assert input_for(numbered, NOW) == Receive(now=NOW, id="c", body=1, sender="unknown", serial=serial(3))


# Room


def test_a_refused_message_is_not_taken_and_may_come_again() -> None:
    thread = busy(max_mailbox=1).send("one", serial=serial(1))
    error = refusal(lambda: thread.send("two", serial=serial(2)))
    assert (error.code, error.details) == (Code.MAILBOX_FULL, {"limit": 1, "unread": 1})
    thread.complete().send("two", serial=serial(2))
    assert thread.variables["heard"] == "two"


def test_a_duplicate_is_taken_also_by_a_full_mailbox() -> None:
    thread = busy(max_mailbox=1).send("one", serial=serial(1)).send("one", serial=serial(1))
    assert bodies(thread) == ["one"]


def test_a_mailbox_is_bounded_by_bytes_too() -> None:
    thread = busy(mailbox_bytes=2_000).send("x" * 1_000)
    held = thread.state.mailbox[0].size
    assert held == size(thread.state.mailbox[0].visible())
    error = refusal(lambda: thread.send("y" * 1_000))
    assert error.code == Code.MAILBOX_FULL
    assert error.details == {"limit": MAILBOX_LIMIT, "unread": 1, "bytes": held, "bytes_limit": 2_000}
    assert bodies(thread.send("short")) == ["x" * 1_000, "short"]


def test_a_message_that_no_mailbox_has_room_for_is_refused_for_good() -> None:
    error = refusal(lambda: busy(mailbox_bytes=2_000).send("x" * 2_000))
    assert (error.code, error.details["limit"]) == (Code.PAYLOAD_TOO_LARGE, 2_000)


def test_threads_of_an_earlier_version_keep_the_limits_that_they_began_with() -> None:
    assert busy().state.mailbox_limits == MailboxLimits(messages=1_000, size=None)
    thread = busy().send("x" * 2_000_000)
    assert carried(busy(max_mailbox=7).state, BUSY).mailbox_limits.messages == 7
    assert len(thread.state.mailbox) == 1


def test_a_full_mailbox_refuses_for_the_moment_and_other_refusals_stay() -> None:
    command = Send(command_id="c")
    full = refused(command, ThreadloomError(Code.MAILBOX_FULL, "full"))
    ended = refused(command, ThreadloomError(Code.THREAD_ENDED, "ended"))
    taken = accepted(command, {})
    assert (full.passing, ended.passing, taken.passing) == (True, False, False)
    assert remember({"c": full}, "c", taken) == {"c": taken}
    assert remember({"c": ended}, "c", taken) == {"c": ended}


# What is seen of it


def test_the_mailbox_tells_what_is_unread() -> None:
    thread = busy(max_mailbox=9)
    empty = {"unread": 0, "by_type": dict.fromkeys(MESSAGE_TYPES, 0), "oldest_at": None, "limit": 9}
    assert describe(thread.flow, thread.state)["mailbox"] == empty
    thread.send("one", sender="ann").after(5).send("two" * 5_000, type="event", id="m2", name="news")
    seen = describe(thread.flow, thread.state)["mailbox"]
    by_type = {"data": 1, "control": 0, "event": 1, "error": 0}
    assert seen == {"unread": 2, "by_type": by_type, "oldest_at": NOW.isoformat(), "limit": 9}
    assert unread_messages(thread.state) == [
        {"id": "m1", "name": None, "type": "data", "body": "one", "sender": "ann", "at": NOW.isoformat()},
        {
            "id": "m2", "name": "news", "type": "event", "body": {"elided": True, "bytes": 15_002}, "sender": None,
            "at": later(5).isoformat(),
        },
    ]  # fmt: skip


def test_what_was_taken_is_counted_by_type_read_or_not() -> None:
    thread = busy().send(1).send(2, serial=serial(1)).send(2, serial=serial(1)).send(3, type="control")
    assert thread.complete().state.received == {"data": 2, "control": 1}


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_a_receive_can_ask_for_each_type(kind: str) -> None:
    asking = flow_of({"hear": {**HEAR, "where": f"message.type == '{kind}'", "next": "end"}})
    thread = ThreadDriver.begin(asking)
    for other in MESSAGE_TYPES:
        if other != kind:
            thread.send(other, type=other)
    assert thread.status == "running"
    assert thread.send("this one", type=kind).status == "completed"
    assert thread.variables == {"heard": "this one"}


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_a_send_tells_its_type_and_its_place_in_the_journal(kind: str) -> None:
    tell = {"kind": "send", "to": "b", "name": "news", "type": kind, "next": "again"}
    thread = ThreadDriver.begin(flow_of({"tell": tell, "again": {**tell, "next": "end"}}))
    numbers = []
    for _ in range(2):
        assert thread.call is not None
        [message] = thread.call.args
        assert message["type"] == kind
        numbers.append(message["number"])
        thread.complete(["b"])
    assert numbers == [1, 2]


def test_there_are_the_types_that_messages_may_have() -> None:
    assert get_args(MessageType) == MESSAGE_TYPES


def test_taking_a_message_leaves_a_record() -> None:
    thread = busy().send("one", sender="a", type="error", name="news")
    [queued] = [event for event in thread.events if isinstance(event, MessageQueued)]
    told = fact(thread.state, queued)
    assert told is not None
    assert (told.type, told.actor) == (RecordType.MESSAGE_SENT, "a")
    assert told.details == {"id": "m1", "name": "news", "type": "error"}
