"""However messages are sent again, delayed and refused, each is taken once, in the order of its sender."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, ThreadloomError
from domain.messages import SerialNumber
from domain.thread.events import MessageQueued
from domain.thread.inputs import Receive
from domain.thread.mailbox import MailboxLimits
from tests.builders import NOW, ThreadDriver, activity, carried, flow_of

READER = flow_of(
    {
        "work": activity(next="hear", max_visits=10_000),
        "hear": {"kind": "receive", "timeout": "1d", "next": "work", "on_timeout": "end", "max_visits": 10_000},
    }
)
ROOM = 3

Sent = tuple[str, int]
"""A message: its sender, and its number."""

senders = st.sampled_from(["a", "b", "c"])
happenings = st.one_of(
    st.tuples(st.just("attempt"), senders, st.sampled_from(["lost", "arrives", "arrives", "answer lost"])),
    st.tuples(st.just("attempt"), senders, st.just("arrives")),
    st.tuples(st.just("give up"), senders, st.none()),
    st.tuples(st.just("late"), senders, st.integers(0, 30)),
    st.tuples(st.just("read"), senders, st.none()),
    st.tuples(st.just("restart"), senders, st.none()),
)


class World:
    """Threads that send to one that is slow to read.

    Attributes:
        current: Number of the message that each sender is at. They grow by more than one: threads do other things.
        taken: Messages whose sender was told that they were taken.
        attempts: All that ever left a sender, to arrive again at any time.
        queued: What came into the mailbox, in order.
    """

    def __init__(self) -> None:
        self.reader = ThreadDriver.begin(READER)
        self.reader.state = replace(self.reader.state, mailbox_limits=MailboxLimits(messages=ROOM))
        self.current: dict[str, int] = {"a": 1, "b": 1, "c": 1}
        self.taken: list[Sent] = []
        self.attempts: dict[str, list[int]] = {"a": [], "b": [], "c": []}
        self.queued: list[Sent] = []

    def happen(self, what: str, sender: str, how: Any) -> None:
        match what:
            case "attempt":
                self._attempt(sender, how)
            case "give up":
                self.current[sender] += 3
            case "late" if self.attempts[sender]:
                self._arrive(sender, self.attempts[sender][how % len(self.attempts[sender])])
            case "read" if self.reader.call is not None:
                self.reader.complete()
            case "restart":
                call = self.reader.call
                self.reader = ThreadDriver(READER, carried(self.reader.state, READER))
                self.reader.call = call

    def _attempt(self, sender: str, how: str) -> None:
        number = self.current[sender]
        self.attempts[sender].append(number)
        if how != "lost" and self._arrive(sender, number) and how == "arrives":
            self.taken.append((sender, number))
            self.current[sender] += 2

    def _arrive(self, sender: str, number: int) -> bool:
        serial = SerialNumber(sender_run=sender, number=number)
        try:
            events = self.reader.take(
                Receive(now=NOW, id=f"{sender}{number}", body=number, sender=sender, serial=serial)
            )
        except ThreadloomError as error:
            assert (error.code, len(self.reader.state.mailbox)) == (Code.MAILBOX_FULL, ROOM)
            return False
        self.queued += [(sender, number) for event in events if isinstance(event, MessageQueued)]
        self.reader.rest()
        return True


@given(st.lists(happenings, max_size=60))
def test_each_message_is_taken_once_and_in_the_order_of_its_sender(life: list[tuple[str, str, Any]]) -> None:
    world = World()
    for happening in life:
        world.happen(*happening)
    assert set(world.taken) <= set(world.queued), "what a sender was told is true"
    for sender, numbers in world.attempts.items():
        heard = [number for other, number in world.queued if other == sender]
        assert all(one < other for one, other in pairwise(heard)), "once, and in order"
        assert set(heard) <= set(numbers)
    assert sum(world.reader.state.received.values()) == len(world.queued)
