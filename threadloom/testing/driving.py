"""Drives the pure core as a thread's workflow does, with virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from domain.errors import Code, ThreadloomError
from domain.thread.active import ActiveNode
from domain.thread.calls import SessionRequest
from domain.thread.decide import decide
from domain.thread.effects import AskSession, RunActivity, RunWorkflow, effects
from domain.thread.events import NodeEnded, Reminded
from domain.thread.evolve import evolve
from domain.thread.inputs import (
    ActivityCompleted,
    ActivityFailed,
    Advance,
    Answer,
    Receive,
    SessionAnswered,
    ThreadInput,
)
from domain.thread.journal import Failure, JournalEntry, executions
from domain.thread.program import Program
from domain.thread.state import ThreadState, ThreadStatus, wake_at
from domain.thread.views import execution, list_executions
from domain.thread.waiting import current_node, waiting, waiting_for
from domain.values import Json, JsonObject
from threadloom.testing.mocks import MockError
from threadloom.testing.result import Call, FlowRun, RunStatus
from threadloom.testing.world import OUTCOMES, Broken, Task, World, asked

Observer: TypeAlias = Callable[[JsonObject], None]

MOST_ATTEMPTS = 25
"""Attempts at what is tried without end; then nothing new is to be expected."""

_CAP = 100
"""Temporal's longest interval between attempts, in initial ones, where a policy names none."""


LAST_YEAR = 9_000
"""Virtual time goes no further: a loop that waits must not reach the end of the calendar."""


class Driver:
    """One run.

    Args:
        mail: When messages come, and what {body, name, type, sender} they are.
        until: When to stop looking.
    """

    def __init__(
        self,
        program: Program,
        state: ThreadState,
        world: World,
        start: datetime,
        *,
        mail: Sequence[tuple[datetime, JsonObject]],
        until: datetime | None,
        max_steps: int,
        observer: Observer | None,
    ) -> None:
        self._program = program
        self._state = state
        self._world = world
        self._start = self._now = start
        self._mail = deque(sorted(mail, key=lambda entry: entry[0]))
        self._until = until
        self._max_steps = max_steps
        self._observer = observer
        self._inbox: deque[ThreadInput] = deque()
        self._in_flight: list[Task] = []
        self._begun: list[Task | Call] = []
        self._attempts: dict[tuple[str, int], int] = {}
        self._asked: str | None = None
        self._messages = 0
        self._extra = 0
        self._hopeless: tuple[Task, Failure] | None = None

    def run(self) -> FlowRun:
        """Go on until the thread has ended, or nothing more can happen."""
        while self._state.outcome is None:
            if self._state.steps + self._extra >= self._max_steps:
                return self._stopped(f"after {self._max_steps:,} steps")
            if self._now.year >= LAST_YEAR:
                return self._stopped(f"in the year {self._now.year}")
            if not (self._receive() or self._take(Advance(now=self._now)) or self._ask() or self._wait()):
                break
        return self._told()

    # One thing after another

    def _receive(self) -> bool:
        """Take what has come: an answer, or a message that is due."""
        if self._inbox:
            self._take(self._inbox.popleft())
            return True
        if self._mail and self._mail[0][0] <= self._now:
            self._post(self._mail.popleft()[1])
            return True
        return False

    def _take(self, input: ThreadInput) -> bool:
        events = decide(self._program, self._state, input)
        for event in events:
            self._state = evolve(self._state, event)
            if isinstance(event, NodeEnded) and self._observer is not None:
                self._observer(self._execution(event.entry))
            self._extra += isinstance(event, Reminded)
        for effect in effects(events):
            match effect:
                case RunActivity(call=call) | RunWorkflow(call=call):
                    active = self._active
                    task = Task(call=call, kind=active.kind, role=active.role, began=self._now, due=self._now)
                    self._in_flight.append(task)
                    if task.name != OUTCOMES:
                        self._begun.append(task)
                case AskSession(request=request):
                    self._ask_session(request)
        return bool(events)

    def _ask(self) -> bool:
        """Ask the person or the sender that the node waits for, once a visit."""
        active = self._state.active
        if active is None or active.role != "node" or active.key == self._asked or self._state.holds:
            return False
        self._asked = active.key
        match active.waiting.kind:
            case "approval":
                answer = self._world.person(active.node, active.waiting.expects)
            case "message":
                answer = self._world.message(active.node, active.waiting.expects["name"])
            case _:
                return False
        if isinstance(answer, Broken):
            self._inbox.append(ActivityFailed(now=self._now, key=active.key, failure=answer.failure))
        elif answer is not None and active.waiting.kind == "approval":
            self._decide(active, answer)
        elif answer is not None:
            self._post(answer)
        return answer is not None

    def _wait(self) -> bool:
        """Turn the clock to the next thing that happens, and try what is due; False when nothing will."""
        moments = [task.due for task in self._in_flight]
        moments += [self._mail[0][0]] if self._mail else []
        wakes = wake_at(self._state)
        if wakes is not None and (moments or self._until or self._ends()):
            moments.append(wakes)
        moment = min(moments, default=None)
        if self._until is not None and (moment is None or moment > self._until):
            self._now = max(self._now, self._until)
            return False
        if moment is None or self._hopeless:
            return False
        self._now = max(self._now, moment)
        due = next((task for task in self._in_flight if task.due <= self._now), None)
        if due is not None:
            self._attempt(due)
        return True

    def _ends(self) -> bool:
        """Whether what is waited for ends by itself: reminders alone would go on for ever."""
        active = self._state.active
        if active is None or active.waiting.remind_at is None:
            return True
        limit = None if self._state.limits_waived else active.limit_at
        return any(moment is not None for moment in (active.waiting.due, active.waiting.deadline, limit))

    # The world outside

    def _attempt(self, task: Task) -> None:
        task.attempts += 1
        if task.role == "node":
            place = (task.call.node, task.call.visit)
            self._attempts[place] = max(task.attempts, self._attempts.get(place, 0))
        self._extra += task.attempts > 1
        key = self._active.key
        answer = self._world.attempt(task)
        if not isinstance(answer, Broken):
            self._in_flight.remove(task)
            self._inbox.append(ActivityCompleted(now=self._now, key=key, result=answer, item=task.item))
        elif not self._again(task, answer):
            self._in_flight.remove(task)
            timed_out = task.beyond_its_time
            failed = ActivityFailed(now=self._now, key=key, failure=answer.failure, item=task.item, timed_out=timed_out)
            self._inbox.append(failed)

    def _again(self, task: Task, answer: Broken) -> bool:
        """Whether the failed attempt is followed by another one, as Temporal decides it."""
        rule = task.retry
        if rule is None or not answer.retryable or answer.failure.code in rule.non_retryable:
            return False
        if rule.maximum_attempts and task.attempts >= rule.maximum_attempts:
            return False
        longest = rule.maximum_interval or rule.initial_interval * _CAP
        following = rule.initial_interval if task.interval is None else task.interval * rule.backoff_coefficient
        task.interval = min(following, longest)
        task.due = self._now + task.interval
        if task.beyond_its_time:
            return False
        if not rule.maximum_attempts and task.longest is None and task.attempts >= MOST_ATTEMPTS:
            self._hopeless = (task, answer.failure)
        return True

    def _ask_session(self, request: SessionRequest) -> None:
        if request.kind == "cancel":
            node, _, visit = request.key.rpartition("#")
            self._note(node, int(visit), "cancel", request)
            return
        active = self._active
        self._note(active.node, active.visit, request.kind, request)
        if request.kind == "join":
            standings = self._world.standings(request, active.node)
            if isinstance(standings, Broken):
                self._inbox.append(ActivityFailed(now=self._now, key=request.key, failure=standings.failure))
            elif standings:
                self._inbox.append(SessionAnswered(now=self._now, key=request.key, standings=standings))
        elif answers := self._world.threads(request, active.node):
            self._inbox.append(SessionAnswered(now=self._now, key=request.key, answers=answers))
        else:
            self._inbox.append(ActivityCompleted(now=self._now, key=request.key, result=[]))

    def _note(self, node: str, visit: int, kind: str, request: SessionRequest) -> None:
        call = Call(
            node=node,
            visit=visit,
            kind=kind,
            name=kind,
            args=tuple(asked(request)),
            role="node",
            item=None,
            attempts=1,
            at=self._now,
        )
        self._begun.append(call)

    def _decide(self, active: ActiveNode, answer: JsonObject) -> None:
        told = Answer(now=self._now, node=active.node, visit=active.visit, **answer)
        try:
            self._take(told)
        except ThreadloomError as error:
            raise MockError(error.code, f"the mock of {active.node}: {error.message}", error.details) from error

    def _post(self, message: JsonObject) -> None:
        self._messages += 1
        self._take(Receive(now=self._now, id=f"message-{self._messages}", **message))

    # The result

    @property
    def _active(self) -> ActiveNode:
        assert self._state.active is not None
        return self._state.active

    def _execution(self, entry: JournalEntry) -> JsonObject:
        listed = execution(self._state.identity.thread_id, entry)
        attempts = self._attempts.get((entry.node, entry.visit), listed["attempts"])
        return {**listed, "attempts": attempts, "result": entry.result}

    def _stopped(self, why: str) -> FlowRun:
        message = f"stopped {why}, at {current_node(self._state)}"
        return self._made("stopped", error=Failure(code=Code.TOO_MANY_STEPS, message=message))

    def _told(self) -> FlowRun:
        outcome = self._state.outcome
        if outcome is None:
            found, words = self._waiting()
            return self._made("waiting", waiting=found, waiting_for=words)
        if outcome.status is ThreadStatus.COMPLETED:
            return self._made("completed", result=outcome.result)
        return self._made("failed", error=outcome.error)

    def _waiting(self) -> tuple[JsonObject | None, str | None]:
        if self._hopeless is None and not self._in_flight:
            return waiting(self._state), waiting_for(self._state)
        task = self._hopeless[0] if self._hopeless else self._in_flight[0]
        node, began = task.call.node, task.began.isoformat()
        found = {"kind": "activity", "node": node, "since": began, "attempts": task.attempts}
        words = f"{task.name} at {node} to be tried again"
        if self._hopeless is not None:
            failure = self._hopeless[1]
            found["last_failure"] = failure.visible()
            words += f": it failed {task.attempts} times and its retry policy has no end ({failure.code})"
        return found, words

    def _made(
        self,
        status: RunStatus,
        *,
        result: Json = None,
        error: Failure | None = None,
        waiting: JsonObject | None = None,
        waiting_for: str | None = None,
    ) -> FlowRun:
        state = self._state
        executed = executions(state.journal)
        return FlowRun(
            status=status,
            result=result,
            error=error,
            waiting=waiting,
            waiting_for=waiting_for,
            steps=state.steps,
            path=[entry.node for entry in executed],
            started_at=self._start,
            ended_at=self._now,
            variables=dict(state.current.outermost.variables),
            executions=[*map(self._execution, executed), *list_executions(state)[len(executed) :]],
            calls=[_call(begun) if isinstance(begun, Task) else begun for begun in self._begun],
            sent=self._world.sent,
            not_undone=list(state.not_undone),
        )


def _call(task: Task) -> Call:
    return Call(
        node=task.call.node,
        visit=task.call.visit,
        kind=task.kind,
        name=task.name,
        args=task.args,
        role=task.role,
        item=task.item,
        attempts=task.attempts,
        at=task.began,
    )
