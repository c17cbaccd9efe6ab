"""A thread as an entity: its pure core, and the performing of its effects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

from domain.answers import Answered, accepted, refused, remember
from domain.authorising import attempt, require_permission
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.flow.bundle import shared
from domain.ids import parse_thread_workflow_id
from domain.messages import (
    Command,
    ExecuteFlow,
    SessionAnswer,
    SessionHoldChanged,
    Standing,
    ThreadReport,
    ThreadStart,
    body,
)
from domain.outbox import Outbox
from domain.records import Fact, RecordBatch, RecordType
from domain.thread.calls import ActivityCall, WorkflowCall
from domain.thread.decide import decide
from domain.thread.details import details
from domain.thread.effects import (
    AskSession,
    CancelActivity,
    ReportStatus,
    RunActivity,
    RunWorkflow,
    ThreadEffect,
    effects,
)
from domain.thread.events import ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.history import fact
from domain.thread.inputs import (
    ActivityCompleted,
    ActivityFailed,
    Advance,
    Archived,
    LocalCompleted,
    Pause,
    Resume,
    SessionAnswered,
    ThreadInput,
)
from domain.thread.journal import Failure
from domain.thread.program import Program, Programs
from domain.thread.requests import input_for, inputs_for_session_hold
from domain.thread.restoring import restored
from domain.thread.standing import report, standing
from domain.thread.state import SYSTEM, HoldKind, ThreadState, ThreadStatus, wake_at
from domain.thread.views import elide, thread_row
from domain.values import JsonObject
from workflows.budget import TaskBudget
from workflows.entity import Entity
from workflows.failures import defect
from workflows.lengths import STEPS_PER_MILLISECOND
from workflows.thread.activities import ActivityRunner, run_inline
from workflows.thread.asking import Asker
from workflows.thread.children import WorkflowRunner
from workflows.thread.reporter import Reporter
from workflows.thread.rows import RowRunner
from workflows.visibility import Visibility

RUN_ENTRIES = 5_000
"""Journal entries of a run after which the next one begins. Rows put fifty of them into three events, and a
worker that takes a thread over replays them all within one workflow task: about a second for so many."""

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
        flows = {reference: shared(document) for reference, document in start.flows.items()}
        # What a thread is made of once is not kept for months; the next run gets its own.
        kept: JsonObject = {"seed": None, "state": None, "answers": {}, "outbox": None, "holds": []}
        own = None if start.flow is None else shared(start.flow)
        self.start = start.model_copy(update={"flow": own, "flows": flows, **kept})
        program = Program.of(own, flows)
        self._programs = Programs(program)
        self.state = restored(program, start, ids, workflow.now())
        self._began_at = self.state.current.seq
        self._answers = {command_id: load(Answered, answer) for command_id, answer in start.answers.items()}
        budget = TaskBudget()
        self._visibility = Visibility(start.searchable)
        self._activities = ActivityRunner(start.shared_task_queues, budget)
        self._rows = RowRunner(budget)
        self._workflows = WorkflowRunner(start.shared_task_queues, budget)
        new = start.state is None and info.parent is not None
        self._reporter = Reporter(ids[0], self.trace, self._lost_session, new=new)
        self._told_idle: bool | None = False if new else None
        self._asker = Asker(*ids, self.trace, self._lost_session)
        if start.state is None:
            seed = {
                "seed": start.seed,
                "flow": start.flow,
                "flow_digest": start.flow_digest,
                "flows": start.flows,
            }
            restored_from = Fact(
                type=RecordType.SNAPSHOT_RESTORED, actor=start.created_by, reason=start.reason, seed=seed
            )
            self.tell([self._labelled(restored_from, self.state)])

    @property
    def program(self) -> Program:
        """The flow that the thread executes now, and those that it names."""
        return self._programs.at(self.state.current, self.state.library)

    @property
    def answers(self) -> Mapping[str, Answered]:
        return self._answers

    @property
    def ended(self) -> bool:
        return self.state.outcome is not None

    @property
    def busy(self) -> bool:
        return self.state.in_flight or self._reporter.busy or self._asker.busy

    def decide(self, input: ThreadInput) -> Sequence[ThreadEvent]:
        return decide(self.program, self.state, input)

    def evolve(self, state: ThreadState, event: ThreadEvent) -> tuple[ThreadState, Fact | None]:
        after = evolve(state, event)
        told = fact(after, event)
        return after, self._labelled(told, state, after) if told else None

    def effects(self, state: ThreadState, events: Sequence[ThreadEvent]) -> Sequence[ThreadEffect]:
        return effects(events)

    def perform(self, effects: Sequence[ThreadEffect]) -> bool:
        for effect in effects:
            match effect:
                case RunActivity(call=call) if call.mode == "inline":
                    ended, milliseconds = run_inline(call)
                    self._computed += round(milliseconds * STEPS_PER_MILLISECOND)
                    self.post(ended)
                case RunActivity(call=call):
                    asyncio.create_task(self._run(call))  # noqa: RUF006 the workflow's loop keeps its tasks
                case RunWorkflow(call=call):
                    asyncio.create_task(self._run_workflow(call))  # noqa: RUF006 as above
                case AskSession(request=request):
                    self._asker.ask(request)
                case CancelActivity():
                    self._activities.cancel()
                    self._rows.cancel()
                    self._workflows.cancel()
                case ReportStatus():
                    self._reporter.report(self._report(effect))
        spoke = any(isinstance(effect, RunActivity) and effect.call.mode != "inline" for effect in effects)
        self._tell_idle()
        return self._show() or spoke

    def report_idle(self) -> None:
        """The session wants to hear when the thread begins and ceases to wait for something."""
        self.start = self.start.model_copy(update={"reports_idle": True})
        self._told_idle = None
        self._tell_idle()

    def _tell_idle(self) -> None:
        idle = self.state.waits
        if self.start.reports_idle and idle is not self._told_idle and self.state.status is ThreadStatus.RUNNING:
            self._told_idle = idle
            self._reporter.report(self._report(ReportStatus(status=self.state.status, at=workflow.now())))

    def _show(self) -> bool:
        state, identity = self.state, self.state.identity
        own = None if identity.flowless or self.program.main is None else self.program.main.label
        return self._visibility.show(state.status.value, held=bool(state.holds), session=identity.session_id, flow=own)

    def details(self) -> str:
        try:
            return details(self.program.main, self.state)
        except Exception as error:
            return str(defect(error))

    async def _run(self, call: ActivityCall) -> None:
        checkpoint = self.program.flow.checkpoint
        ended: ThreadInput | None = None
        if self._rows.takes(call, checkpoint):
            ended = await self._rows.run(self.program, call, self.state, checkpoint)
        if ended is None:
            alone = await self._rows.alone(call)
            ended = alone if isinstance(alone, ActivityFailed) else await self._activities.run(alone, checkpoint)
        # The end of a local one is a command of the task it is heard of in.
        self._spoke = self._spoke or call.mode == "local"
        self.post(ended)

    async def _run_workflow(self, call: WorkflowCall) -> None:
        self.post(await self._workflows.run(call))

    def standing(self) -> Standing:
        """All that its session keeps of it."""
        at = self.state.ended_at or workflow.now()
        tells_idle = self.start.reports_idle
        return standing(self.program.main, self.start.flow_digest, self.state, at, tells_idle=tells_idle)

    def _report(self, effect: ReportStatus) -> ThreadReport:
        return report(self.state, effect.status, effect.at, tells_idle=self.start.reports_idle)

    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        result: JsonObject = {"thread_id": self.state.identity.thread_id, "status": self.state.status.value}
        if isinstance(command, ExecuteFlow):
            if error is not None:
                self._tell_refusal(command, error)
            else:
                result["execution"] = self.state.current.executed + len(self.state.line)
        told = refused(command, error) if error else accepted(command, result)
        self._answers = remember(self._answers, command.command_id, told)

    def _tell_refusal(self, command: ExecuteFlow, error: ThreadloomError) -> None:
        """A flow came by signal, whose sender may be gone: the history says what became of it."""
        refusal: JsonObject = {
            "operation": command.operation,
            "id": command.command_id,
            "error": error.visible() | {"details": elide(error.details)},
        }
        told = Fact(
            type=RecordType.ERROR, actor=command.actor, reason=command.reason, title="execute refused", details=refusal
        )
        self.tell([self._labelled(told, self.state)])

    def permit(self, command: Command) -> None:
        identity = self.state.identity
        if not command.passed_on:
            attempted = attempt(command, identity.session_id, thread_id=identity.thread_id)
            require_permission(self.start.authoriser, attempted)

    def input_for(self, command: Command, now: datetime) -> ThreadInput:
        return input_for(command, now)

    def taken(self, command_id: str) -> str | None:
        answer = self._answers.get(command_id)
        return None if answer is None or answer.passing else answer.digest

    def reconsider(self, command_id: str) -> None:
        if command_id in self._answers and self._answers[command_id].passing:
            del self._answers[command_id]

    def instead(self, input: ThreadInput, error: ThreadloomError) -> ThreadInput | None:
        """A node whose result cannot be taken has failed: nothing else would ever come of it."""
        match input:
            case ActivityCompleted(key=key, item=item):
                pass
            case LocalCompleted(results=results):
                key, item = results[0].key, None
            case SessionAnswered(key=key):
                item = None
            case _:
                return None
        failure = Failure(code=error.code, message=error.message, details=error.details)
        return ActivityFailed(now=workflow.now(), key=key, failure=failure, item=item)

    def advance(self, now: datetime) -> ThreadInput:
        return self._backlog(now) or Advance(now=now, draining=self._overdue())

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

    def _overdue(self, beyond: int = 0) -> bool:
        long = self.state.current.seq - self._began_at >= RUN_ENTRIES
        return super()._overdue(beyond) or (long and not beyond and not self.recorder.outbox.failing)

    def wake_at(self) -> tuple[datetime | None, str]:
        return wake_at(self.state), self.state.active.node if self.state.active else "hold"

    def sealed_batch(self) -> RecordBatch:
        row = thread_row(self.program.main, self.start.flow_digest, self.state)
        return self.recorder.outbox.next_batch(thread=row)

    def acknowledged(self, entry: int) -> None:
        through = min(entry, self.state.current.seq - KEPT_ENTRIES)
        # A thread that the backlog holds looks whether it is over.
        if through > self.state.base.seq or HoldKind.RECORDS_BACKLOG in self.state.holds:
            self.post(Archived(now=workflow.now(), through=through))

    def session_answered(self, answer: SessionAnswer) -> None:
        """The session answers a request of this thread."""
        self.post(
            SessionAnswered(
                now=workflow.now(),
                key=answer.request_id,
                answers=tuple((told.thread_id, told.error) for told in answer.answers),
                standings={standing.thread_id: standing.status for standing in answer.standings},
            )
        )

    def session_hold(self, changed: SessionHoldChanged) -> None:
        """The session holds the thread, or no longer does."""
        for change in inputs_for_session_hold(changed, workflow.now()):
            self.post(change)
        if changed.recovered:
            self._asker.recovered()
            self._reporter.recovered()
            self._reporter.report(self.standing().report)

    def _lost_session(self) -> None:
        if not self.ended:
            reason = "the session's workflow is not there"
            self.post(Pause(now=workflow.now(), kind=HoldKind.LOST_SESSION, actor=SYSTEM, reason=reason))

    def _labelled(self, told: Fact, *states: ThreadState) -> Fact:
        """The fact with the thread, and with the flow that one of the states, before and after it, executes."""
        programs = (self._programs.at(state.current, state.library) for state in states)
        label = next((program.main.label for program in programs if program.main is not None), None)
        return replace(told, flow=label or told.flow, thread_id=self.state.identity.thread_id)

    def next_run(self) -> JsonObject:
        """What the next run starts with."""
        carried = {
            "state": dump(self.state, exclude={"current"}),
            "answers": {command_id: dump(answer) for command_id, answer in self._answers.items()},
            "outbox": self.recorder.outbox.carry(),
        }
        return body(self.start.model_copy(update=carried))
