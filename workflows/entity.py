"""What all our workflows are: one inbox, one writer, a pure core that decides.

Message handlers append to the inbox and wait for their answer; `take` is the only place where the
state changes. A subclass brings the core (`decide`, `evolve`, `effects`) and performs its effects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from domain.answers import require_same
from domain.errors import Code, ThreadloomError
from domain.flow.language.budget import Meter
from domain.messages import Command
from domain.outbox import Outbox
from domain.records import Fact
from domain.registry import NotRegisteredError
from domain.values import JsonObject
from workflows.alarm import Alarm
from workflows.budget import end_task
from workflows.core import Core, Effect, Event, Input, State
from workflows.failures import defect, told_as_failures
from workflows.lengths import (
    AWAY_BYTES,
    AWAY_EVENTS,
    AWAY_SIGNALS,
    COMPUTED_PER_TASK,
    DRAIN_EVENTS,
    HISTORY_BYTES,
    INPUTS_PER_TASK,
    SIGNALS,
    STEPS_PER_TASK,
    longer_than,
)
from workflows.receiving import read_signal, read_update
from workflows.recorder import Recorder
from workflows.trace import Trace

AFTER_DEFECT = timedelta(minutes=1)
"""When an entity that a defect has stopped tries to go on; until then the program may have been mended."""


class Entity(Core[State, Input, Event, Effect]):
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
        self._spoke = self._broken = False
        self._computed = 0
        self.signals = 0

    async def live(self) -> bool:
        """Work until the end (true) or until the next run is due (false)."""
        while True:
            await self._work()
            workflow.set_current_details(self.details())
            if self.ended:
                self._alarm.stop()
                return True
            if self._overdue() and not self.busy:
                self.recorder.rest(True)
                await self._settle(lambda: self.recorder.at_rest)
                if self._overdue() and not self.ended:
                    return False
                self.recorder.rest(False)
                continue
            self._alarm.set(*self._wake_at())
            self._leave_trace()
            # What kept the next run waiting may end without a word: a report that has arrived, say.
            await workflow.wait_condition(
                lambda: bool(self._inbox) or self._alarm.ringing or (self._overdue() and not self.busy)
            )
            self._alarm.ringing = False

    def post(self, input: Input, command: Command | None = None) -> None:
        """Put into the inbox."""
        self._inbox.append((input, command))

    def take(self, input: Input, command: Command | None = None) -> bool:
        """Let the core decide, change the state, perform the effects; whether anything happened.

        Everything that follows is computed before anything is changed, so that an input which the core
        cannot take, by rule or by a defect, leaves no trace but its answer.
        """
        if command is not None and (first := self.taken(command.command_id)) is not None:
            if first != command.digest():
                workflow.logger.warning("command id %s came before with other arguments", command.command_id)
            return False
        meter = Meter()
        try:
            with meter:
                if command is not None:
                    self.permit(command)
                events = self.decide(input)
            state, facts = self.follow(events)
            effects = self.effects(state, events)
            self.tell(facts)
        except ThreadloomError as error:
            self._refuse(input, command, error)
            return False
        except NotRegisteredError:
            raise  # the task fails, and is another worker's
        except Exception as error:
            self._broken = True
            self._refuse(input, command, defect(error))
            return False
        finally:
            self._computed += meter.spent
        self.state = state
        try:
            self._spoke = self.perform(effects) or self._spoke
        except Exception as error:
            defect(error)
        if command is not None:
            self.answer(command, None)
        return bool(events)

    def follow(self, events: Sequence[Event]) -> tuple[State, list[Fact]]:
        """The state after the events, and what the history is to say of them."""
        state, facts = self.state, []
        for event in events:
            state, told = self.evolve(state, event)
            if told is not None:
                facts.append(told)
        return state, facts

    def tell(self, facts: Sequence[Fact]) -> None:
        """Hand all of them to the recorder, or raise and hand over none."""
        self.recorder.outbox.add(facts, workflow.now())

    def _refuse(self, input: Input, command: Command | None, error: ThreadloomError) -> None:
        if command is not None:
            self.answer(command, error)
            return
        if (other := self.instead(input, error)) is not None:
            self.post(other)

    async def _work(self) -> None:
        steps = 0
        while True:
            await self._take_inbox()
            # Between two nodes nothing is in flight; a thread that only calls activities has no other moment.
            if self._overdue() and not self.busy:
                return
            self._broken = False
            if not self.take(self.advance(workflow.now())):
                return
            steps += 1
            if steps >= STEPS_PER_TASK or self._computed >= COMPUTED_PER_TASK:
                await end_task("let messages in")
                steps = self._computed = 0

    async def _take_inbox(self) -> None:
        """Take all that has come; returns in the moment in which nothing is left."""
        taken = 0
        while self._inbox:
            if taken == INPUTS_PER_TASK:
                await end_task("take the rest")
                taken = 0
            self.take(*self._inbox.popleft())
            taken += 1

    async def finish(self) -> None:
        """Answer what still comes, write all records, and let every handler return."""
        await self._settle()
        self.recorder.close()
        await self._settle(lambda: self.recorder.closed)

    async def _settle(self, also: Callable[[], bool] = lambda: True) -> None:
        """Wait until nobody waits for this run."""

        def settled() -> bool:
            return not self.busy and also() and workflow.all_handlers_finished()

        while True:
            await self._take_inbox()
            if settled():
                return
            self._leave_trace()
            await workflow.wait_condition(lambda: bool(self._inbox) or settled())

    def _wake_at(self) -> tuple[datetime | None, str]:
        if not self._broken:
            try:
                return self.wake_at()
            except Exception as error:
                defect(error)
        return workflow.now() + AFTER_DEFECT, "after a defect"

    def _leave_trace(self) -> None:
        """Before this waits: no workflow task may end without a command. See `workflows.trace`."""
        if not self._spoke:
            self.trace.leave()
        self._spoke = False

    @property
    def crowded(self) -> bool:
        """Whether this run should start nothing more, since the database is away and it cannot hand over."""
        return self.recorder.outbox.failing and longer_than(AWAY_EVENTS, AWAY_BYTES)

    def _overdue(self, beyond: int = 0) -> bool:
        """Whether the next run is due. While the database is away it may not start: see docs/adr/0013."""
        if self.signals >= (AWAY_SIGNALS if self.recorder.outbox.failing else SIGNALS + beyond):
            return True
        if self.recorder.outbox.failing:
            return longer_than(2 * AWAY_EVENTS, 2 * AWAY_BYTES)
        return longer_than(self._limit + beyond, HISTORY_BYTES + beyond * 1024)

    # Messages

    async def command(self, model: type[Command], args: tuple[Any, ...]) -> JsonObject:
        """Carry out an update: wait for its turn, and answer."""
        with told_as_failures():
            command = read_update(model, args)
            self.reconsider(command.command_id)
            self._spoke = True  # accepting the update is a command of this task
            self.post(self.input_for(command, workflow.now()), command)
            await workflow.wait_condition(lambda: command.command_id in self.answers)
            answer = self.answers[command.command_id]
            require_same(command, answer.digest)
            if answer.error is not None:
                raise ThreadloomError(**answer.error)
            return answer.result or {}

    def check(self, model: type[Command], args: tuple[Any, ...]) -> None:
        """Refuse an update before it is in the history; what passes is checked again in its turn."""
        with told_as_failures():
            command = read_update(model, args)
            self.permit(command)
            first = self.taken(command.command_id)
            if first is not None:
                require_same(command, first)
                return
            # The end of an activity or a child may be far away, and no next run can begin before.
            if self._overdue(AWAY_EVENTS if self.busy else DRAIN_EVENTS):
                raise ThreadloomError(Code.SESSION_BUSY, "a new run is about to begin; send the command again")
            self.examine(command)
            # What came with it and has not had its turn may yet make it legal: a resume before a fork.
            if not self._inbox:
                self.decide(self.input_for(command, workflow.now()))

    def signal(self, model: type[Command], args: tuple[Any, ...]) -> None:
        """Take a signal. Nobody waits for its answer, so a refusal is kept for who asks."""
        try:
            command = read_signal(model, args)
            self.post(self.input_for(command, workflow.now()), command)
        except ThreadloomError as error:
            self.ignore(error)
        except Exception as error:
            self.ignore(defect(error))

    def ignore(self, error: ThreadloomError) -> None:
        """A signal that means nothing: say so in the log."""
        workflow.logger.warning("signal refused: %s", error)
        self.trace.leave()
