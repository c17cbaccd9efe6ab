"""What both workflows are: one inbox, one writer, a pure core that decides.

Message handlers append to the inbox and wait for their answer; `take` is the only place where the
state changes. A subclass brings the core (`decide`, `evolve`, `fact`) and performs its effects.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from temporalio import workflow

from domain.answers import Answered, known
from domain.errors import Code, ThreadloomError
from domain.messages import Command, read
from domain.outbox import Outbox
from domain.records import Fact, RecordBatch
from domain.values import JsonObject
from workflows.alarm import Alarm
from workflows.failures import to_failure
from workflows.recorder import Recorder
from workflows.trace import Trace

Input = TypeVar("Input")
Event = TypeVar("Event")

STEPS_PER_TASK = 100
"""Steps without a wait before the workflow task is ended, so that messages get their turn."""

HISTORY_BYTES = 2 * 1024 * 1024
"""Size of a run's history after which the next run begins."""

DRAIN_EVENTS = 500
"""Events beyond the limit after which new commands are asked to come again, so that handlers can finish."""


class Entity(ABC, Generic[Input, Event]):
    """A state machine fed by messages.

    Args:
        outbox: Records to write.
        continue_as_new_after: Events of a run's history after which the next run begins.
    """

    def __init__(self, outbox: Outbox, continue_as_new_after: int) -> None:
        self.trace = Trace()
        self.recorder = Recorder(outbox, self.sealed_batch, self.trace, self.acknowledged)
        self._inbox: deque[tuple[Input, Command | None]] = deque()
        self._alarm = Alarm("wait")
        self._limit = continue_as_new_after
        self._spoke = False

    # The core

    @property
    @abstractmethod
    def answers(self) -> Mapping[str, Answered]:
        """Answers to commands, by command id."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether the state machine has reached its end."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether something is under way whose end another run would not hear of."""

    @abstractmethod
    def decide(self, input: Input) -> Sequence[Event]:
        """The events that follow from the input. Raises `ThreadloomError` to refuse it."""

    @abstractmethod
    def evolve(self, event: Event) -> Fact | None:
        """Change the state; what the history is to say of it."""

    @abstractmethod
    def perform(self, events: Sequence[Event]) -> bool:
        """Do what the events ask for; whether that certainly is a command to Temporal."""

    @abstractmethod
    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        """Note that the command was carried out, or refused."""

    @abstractmethod
    def input_for(self, command: Command, now: datetime) -> Input:
        """The command as an input."""

    @abstractmethod
    def advance(self, now: datetime) -> Input:
        """The input that lets the core go on by itself."""

    @abstractmethod
    def wake_at(self) -> tuple[datetime | None, str]:
        """When to go on although nothing arrives, and what that moment is."""

    @abstractmethod
    def sealed_batch(self) -> RecordBatch:
        """The next records to write."""

    def acknowledged(self, entry: int) -> None:
        """Storage holds the journal up to this entry."""

    # The loop

    async def live(self) -> bool:
        """Work until the end (true) or until the next run is due (false)."""
        while True:
            await self._work()
            if self.ended:
                self._alarm.stop()
                return True
            if self._overdue() and not self.busy:
                await self._settle()
                if not self.ended:
                    return False
                continue
            self._alarm.set(*self.wake_at())
            self._leave_trace()
            await workflow.wait_condition(lambda: bool(self._inbox) or self._alarm.ringing)
            self._alarm.ringing = False

    def post(self, input: Input, command: Command | None = None) -> None:
        """Put into the inbox."""
        self._inbox.append((input, command))

    def take(self, input: Input, command: Command | None = None) -> bool:
        """Let the core decide, change the state, perform the effects; whether anything happened."""
        try:
            events = self.decide(input)
        except ThreadloomError as error:
            if command is not None:
                self.answer(command, error)
            return False
        for event in events:
            told = self.evolve(event)
            if told is not None:
                self.recorder.outbox.add(told, workflow.now())
        self._spoke = self.perform(events) or self._spoke
        if command is not None:
            self.answer(command, None)
        return bool(events)

    async def _work(self) -> None:
        steps = 0
        while True:
            self._take_inbox()
            # Between two nodes nothing is in flight; a thread that only calls activities has no other moment.
            if self._overdue() and not self.busy:
                return
            if not self.take(self.advance(workflow.now())):
                return
            steps += 1
            if steps % STEPS_PER_TASK == 0:
                await workflow.sleep(0.001, summary="let messages in")

    def _take_inbox(self) -> None:
        while self._inbox:
            self.take(*self._inbox.popleft())

    async def finish(self) -> None:
        """Answer what still came, write all records, and let every handler return."""
        await self._settle()
        await self.recorder.drain()
        await self._settle()

    async def _settle(self) -> None:
        """Wait until nobody waits for this run."""
        while True:
            self._take_inbox()
            if not self.busy and workflow.all_handlers_finished():
                return
            self._leave_trace()
            await workflow.wait_condition(
                lambda: bool(self._inbox) or (not self.busy and workflow.all_handlers_finished())
            )

    def _leave_trace(self) -> None:
        """Before this waits: no workflow task may end without a command. See `workflows.trace`."""
        if not self._spoke:
            self.trace.leave()
        self._spoke = False

    def _overdue(self, beyond: int = 0) -> bool:
        info = workflow.info()
        return (
            info.get_current_history_length() >= self._limit + beyond
            or info.get_current_history_size() >= HISTORY_BYTES + beyond * 1024
        )

    # Messages

    async def command(self, model: type[Command], args: tuple[Any, ...]) -> JsonObject:
        """Carry out an update: wait for its turn, and answer."""
        try:
            command = read_update(model, args)
            if not known(self.answers, command):
                self._spoke = True  # accepting the update is a command of this task
                self.post(self.input_for(command, workflow.now()), command)
                await workflow.wait_condition(lambda: command.command_id in self.answers)
        except ThreadloomError as error:
            raise to_failure(error) from error
        except Exception as error:
            raise to_failure(defect(error)) from error
        answer = self.answers[command.command_id]
        if answer.error is not None:
            raise to_failure(ThreadloomError(**answer.error))
        return answer.result or {}

    def check(self, model: type[Command], args: tuple[Any, ...]) -> None:
        """Refuse an update before it is in the history; what passes is checked again in its turn."""
        try:
            command = read_update(model, args)
            if not known(self.answers, command):
                if self._overdue(DRAIN_EVENTS):
                    raise ThreadloomError(Code.SESSION_BUSY, "a new run is about to begin; send the command again")
                # What came with it and has not had its turn may yet make it legal: a resume before a fork.
                if not self._inbox:
                    self.decide(self.input_for(command, workflow.now()))
        except ThreadloomError as error:
            raise to_failure(error) from error
        except Exception as error:
            raise to_failure(defect(error)) from error

    def signal(self, model: type[Command], args: tuple[Any, ...]) -> None:
        """Take a signal. Nobody waits for its answer, so a refusal is kept for who asks."""
        try:
            command = read_signal(model, args)
            if known(self.answers, command):
                self.trace.leave()
            else:
                self.post(self.input_for(command, workflow.now()), command)
        except ThreadloomError as error:
            self.ignore(error)
        except Exception as error:
            self.ignore(defect(error))

    def ignore(self, error: ThreadloomError) -> None:
        """A signal that means nothing: say so in the log."""
        workflow.logger.warning("signal refused: %s", error)
        self.trace.leave()


def read_update(model: type[Command], args: tuple[Any, ...]) -> Command:
    """The command of an update; without an id of its own it has the update's."""
    info = workflow.current_update_info()
    return read(model, _with_id(args, info.id if info else "update"))


def read_signal(model: type[Command], args: tuple[Any, ...]) -> Command:
    """The command of a signal. A bare signal, as Temporal's own tools send it, is a command too."""
    return read(model, _with_id(args or ({},), f"signal/{workflow.uuid4()}"))


def _with_id(args: tuple[Any, ...], command_id: str) -> tuple[Any, ...]:
    if len(args) == 1 and isinstance(args[0], dict) and "command_id" not in args[0]:
        return ({**args[0], "command_id": command_id},)
    return args


def defect(error: Exception) -> ThreadloomError:
    """A defect, told as one. Anything else that escapes a handler would fail the workflow's task for ever."""
    workflow.logger.exception("a message could not be handled")
    return ThreadloomError(Code.INTERNAL, f"{type(error).__name__}: {error}")
