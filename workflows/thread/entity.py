"""A thread as an entity: its pure core, and the performing of its effects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

from domain.answers import Answered, accepted, refused, remember
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.flow.parse import parse_flow
from domain.ids import parse_thread_workflow_id
from domain.messages import Command, SessionHoldChanged, ThreadReport, ThreadStart, body
from domain.outbox import Outbox
from domain.records import Fact, RecordBatch, RecordType
from domain.thread.decide import SYSTEM, decide
from domain.thread.effects import CancelActivity, ReportStatus, RunActivity, ThreadEffect, effects
from domain.thread.events import ActivityCall, ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.history import fact
from domain.thread.inputs import ActivityCompleted, ActivityFailed, Advance, Archived, Pause, Resume, ThreadInput
from domain.thread.journal import Failure
from domain.thread.requests import input_for, inputs_for_session_hold
from domain.thread.restoring import restored
from domain.thread.state import HoldKind, ThreadState, wake_at
from domain.thread.views import thread_row
from domain.values import JsonObject
from workflows.entity import Entity
from workflows.thread.calls import ActivityRunner
from workflows.thread.reporter import Reporter

KEPT_ENTRIES = 500
"""Journal entries that stay in memory when storage holds them too."""


class ThreadEntity(Entity[ThreadState, ThreadInput, ThreadEvent, ThreadEffect]):
    """One thread.

    Raises:
        ThreadloomError: The start input is of no thread.
    """

    def __init__(self, start: ThreadStart) -> None:
        info = workflow.info()
        ids = parse_thread_workflow_id(info.workflow_id)
        if ids is None:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"{info.workflow_id} is no thread's workflow id")
        super().__init__(Outbox.take_over(ids[0], info.workflow_id, start.outbox), start.continue_as_new_after)
        self.start = start
        self.flow = parse_flow(start.flow)
        self.state = restored(self.flow, start, ids, workflow.now())
        self._answers = {command_id: load(Answered, answer) for command_id, answer in start.answers.items()}
        self._activities = ActivityRunner(start.shared_task_queues)
        self._reporter = Reporter(ids[0], self.trace, self._lost_session)
        if start.state is None:
            seed = {"seed": start.seed, "flow": start.flow, "flow_digest": start.flow_digest}
            restored_from = Fact(
                type=RecordType.SNAPSHOT_RESTORED, actor=start.created_by, reason=start.reason, seed=seed
            )
            self.tell([self._labelled(restored_from)])

    @property
    def answers(self) -> Mapping[str, Answered]:
        return self._answers

    @property
    def ended(self) -> bool:
        return self.state.outcome is not None

    @property
    def busy(self) -> bool:
        return self.state.in_flight or self._reporter.busy

    def decide(self, input: ThreadInput) -> Sequence[ThreadEvent]:
        return decide(self.flow, self.state, input)

    def evolve(self, state: ThreadState, event: ThreadEvent) -> tuple[ThreadState, Fact | None]:
        after = evolve(state, event)
        told = fact(after, event)
        return after, self._labelled(told) if told else None

    def effects(self, state: ThreadState, events: Sequence[ThreadEvent]) -> Sequence[ThreadEffect]:
        return effects(events)

    def perform(self, effects: Sequence[ThreadEffect]) -> bool:
        for effect in effects:
            match effect:
                case RunActivity(call=call):
                    asyncio.create_task(self._run(call))  # noqa: RUF006 the workflow's loop keeps its tasks
                case CancelActivity():
                    self._activities.cancel()
                case ReportStatus():
                    self._reporter.report(self._report(effect))
        return any(isinstance(effect, RunActivity) for effect in effects)

    async def _run(self, call: ActivityCall) -> None:
        self.post(await self._activities.run(call))

    def _report(self, effect: ReportStatus) -> ThreadReport:
        state = self.state
        began = state.started_at or state.identity.created_at
        error = state.outcome.error if state.outcome else None
        return ThreadReport(
            thread_id=state.identity.thread_id,
            status=effect.status.value,
            at=effect.at,
            started_at=state.started_at,
            error=error.visible() if error else None,
            usage={model: dict(figures) for model, figures in state.current.usage.items()} if self.ended else {},
            seconds=(effect.at - began).total_seconds(),
        )

    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        result = {"thread_id": self.state.identity.thread_id, "status": self.state.status.value}
        told = refused(command, error) if error else accepted(command, result)
        self._answers = remember(self._answers, command.command_id, told)

    def input_for(self, command: Command, now: datetime) -> ThreadInput:
        return input_for(command, now)

    def taken(self, command_id: str) -> str | None:
        return self._answers[command_id].digest if command_id in self._answers else None

    def instead(self, input: ThreadInput, error: ThreadloomError) -> ThreadInput | None:
        """A node whose result cannot be taken has failed: nothing else would ever come of it."""
        if not isinstance(input, ActivityCompleted):
            return None
        failure = Failure(code=error.code, message=error.message, details=error.details)
        return ActivityFailed(now=workflow.now(), key=input.key, failure=failure)

    def advance(self, now: datetime) -> ThreadInput:
        return self._backlog(now) or Advance(now=now)

    def _backlog(self, now: datetime) -> ThreadInput | None:
        """Hold while the database is away and too much waits for it; go on when it has caught up."""
        outbox, held = self.recorder.outbox, HoldKind.RECORDS_BACKLOG in self.state.holds
        if self.ended:
            return None
        if outbox.failing and not held and (outbox.backlogged or self.crowded):
            reason = f"{len(outbox.pending)} records wait for the database"
            return Pause(now=now, kind=HoldKind.RECORDS_BACKLOG, actor=SYSTEM, reason=reason)
        if held and not outbox.failing and outbox.relieved:
            return Resume(now=now, kinds=(HoldKind.RECORDS_BACKLOG,), actor=SYSTEM)
        return None

    def wake_at(self) -> tuple[datetime | None, str]:
        return wake_at(self.state), self.state.active.node if self.state.active else "hold"

    def sealed_batch(self) -> RecordBatch:
        return self.recorder.outbox.next_batch(thread=thread_row(self.flow, self.start.flow_digest, self.state))

    def acknowledged(self, entry: int) -> None:
        through = min(entry, self.state.current.seq - KEPT_ENTRIES)
        # A thread that the backlog holds looks whether it is over.
        if through > self.state.base.seq or HoldKind.RECORDS_BACKLOG in self.state.holds:
            self.post(Archived(now=workflow.now(), through=through))

    def session_hold(self, changed: SessionHoldChanged) -> None:
        """The session holds the thread, or no longer does."""
        for change in inputs_for_session_hold(changed, workflow.now()):
            self.post(change)

    def _lost_session(self) -> None:
        if not self.ended:
            reason = "the session's workflow is not there"
            self.post(Pause(now=workflow.now(), kind=HoldKind.LOST_SESSION, actor=SYSTEM, reason=reason))

    def _labelled(self, told: Fact) -> Fact:
        return replace(told, flow=self.flow.label, thread_id=self.state.identity.thread_id)

    async def next_run(self) -> JsonObject:
        """What the next run starts with."""
        outbox = await self.recorder.hand_over()
        carried = {
            "seed": None,
            "holds": [],
            "state": dump(self.state, exclude={"current"}),
            "answers": {command_id: dump(answer) for command_id, answer in self._answers.items()},
            "outbox": outbox,
        }
        return body(self.start.model_copy(update=carried))
