"""A session as an entity: its pure core, and the performing of its effects."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

from domain.answers import Answered, refused
from domain.authorising import attempt, require_permission
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.ids import require_id, session_workflow_id
from domain.messages import (
    STATE_VERSION,
    Command,
    LeaseAnswer,
    RecoveredSession,
    RecoverSession,
    SessionStart,
    ThreadReport,
    ThreadRequest,
    body,
)
from domain.outbox import Outbox
from domain.records import Fact, RecordBatch, RecordType
from domain.session.beginning import first_state
from domain.session.decide import decide
from domain.session.details import details
from domain.session.effects import SessionEffect, effects
from domain.session.events import CommandAnswered, SessionEvent, SessionStarted
from domain.session.evolve import evolve
from domain.session.history import fact, session_row, statistics
from domain.session.inputs import (
    Asked,
    Found,
    LeaseTold,
    NotPrepared,
    Prepared,
    Reported,
    Request,
    Restored,
    SessionInput,
    Stored,
    Tick,
)
from domain.session.policy import examine
from domain.session.state import ENDED_KEPT, SessionState, settled, taken, wake_at
from domain.values import JsonObject
from workflows.entity import Entity
from workflows.failures import defect
from workflows.lengths import DRAIN_EVENTS
from workflows.session.children import Children
from workflows.visibility import Visibility

HISTORY_KEPT = 100
"""Records that a session remembers, from run to run; the database has them all."""


class SessionEntity(Entity[SessionState, SessionInput, SessionEvent, SessionEffect]):
    """One session.

    Raises:
        ThreadloomError: The start input is of no session.
    """

    def __init__(self, start: SessionStart) -> None:
        info = workflow.info()
        require_id("session", start.session_id)
        if session_workflow_id(start.session_id) != info.workflow_id:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"{info.workflow_id} is no workflow id of {start.session_id}")
        if start.version > STATE_VERSION:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"state of version {start.version} is newer than this program")
        self.start = start.model_copy(update={"state": None, "recent": [], "outbox": None})
        self.state = first_state(start, workflow.now()) if start.state is None else _taken_over(start.state)
        self.recent: deque[JsonObject] = deque(start.recent, maxlen=HISTORY_KEPT)
        outbox = Outbox.take_over(start.session_id, info.workflow_id, start.outbox)
        super().__init__(outbox, self.state.config.continue_as_new_after)
        self._visibility = Visibility(start.searchable)
        self._children = Children(start.session_id, self.trace, self.post)
        if start.state is None:
            begun = SessionStarted(actor=start.actor, reason=start.reason, at=workflow.now())
            self._note(begun)

    @property
    def answers(self) -> Mapping[str, Answered]:
        return self.state.answers

    @property
    def ended(self) -> bool:
        return self.state.status.terminal

    @property
    def busy(self) -> bool:
        return self._children.busy

    def decide(self, input: SessionInput) -> Sequence[SessionEvent]:
        return decide(self.state, input, draining=self._overdue(DRAIN_EVENTS))

    def evolve(self, state: SessionState, event: SessionEvent) -> tuple[SessionState, Fact | None]:
        after = evolve(state, event)
        told = fact(state, after, event)
        return after, replace(told, urgent=True) if told else None

    def effects(self, state: SessionState, events: Sequence[SessionEvent]) -> Sequence[SessionEffect]:
        return effects(state, events)

    def perform(self, effects: Sequence[SessionEffect]) -> bool:
        self._limit = self.state.config.continue_as_new_after
        for effect in effects:
            self._children.perform(effect, max_depth=self.state.config.max_depth)
        state = self.state
        shown = self._visibility.show(state.status.value, held=state.hold is not None, session=state.session_id)
        return bool(effects) or shown

    def details(self) -> str:
        try:
            return details(self.state)
        except Exception as error:
            return str(defect(error))

    def tell(self, facts: Sequence[Fact]) -> None:
        super().tell(facts)
        self.recent.extend(_visible(told, workflow.now()) for told in facts)

    def _note(self, event: SessionEvent) -> None:
        state, facts = self.follow([event])
        self.tell(facts)
        self.state = state

    def taken(self, command_id: str) -> str | None:
        return taken(self.state, command_id)

    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        """Answers are events of the core; only a refusal at its turn has none."""
        if error is not None:
            self._note(
                CommandAnswered(command_id=command.command_id, answer=refused(command, error), at=workflow.now())
            )

    def permit(self, command: Command) -> None:
        state = self.state
        require_permission(state.config.authoriser, attempt(command, state.session_id, user_id=state.user_id))

    def examine(self, command: Command) -> None:
        examine(command)

    def input_for(self, command: Command, now: datetime) -> SessionInput:
        return Request(now=now, command=command)

    def instead(self, input: SessionInput, error: ThreadloomError) -> SessionInput | None:
        """Whoever asked for a branch is answered, also when it cannot be taken."""
        if not isinstance(input, Prepared):
            return None
        return NotPrepared(
            now=workflow.now(), command=input.command, code=error.code, message=error.message, details=error.details
        )

    def advance(self, now: datetime) -> SessionInput:
        return Tick(now=now)

    def wake_at(self) -> tuple[datetime | None, str]:
        return wake_at(self.state), "reconcile"

    def sealed_batch(self) -> RecordBatch:
        return self.recorder.outbox.next_batch(session=session_row(self.state))

    def acknowledged(self, entry: int) -> None:
        if len(self.state.ended) > ENDED_KEPT:
            self.post(Stored(now=workflow.now()))

    def reported(self, report: ThreadReport) -> None:
        """A thread told where it stands."""
        self.post(Reported(now=workflow.now(), report=report))

    def leased(self, answer: LeaseAnswer) -> None:
        """A pool tells what has become of a request."""
        self.post(LeaseTold(now=workflow.now(), answer=answer))

    def restore(self, found: RecoveredSession, command: RecoverSession) -> None:
        """The session was lost: go on from what was found of it.

        Raises:
            ThreadloomError: `FORBIDDEN`.
        """
        self.permit(command)
        now = workflow.now()
        missing = tuple(finding.thread_id for finding in found.findings if finding.status == "missing")
        self.post(
            Restored(
                now=now,
                command=command,
                source=found.source,
                living=tuple(found.living),
                ended=len(found.reports) + len(found.findings) - len(missing),
                missing=missing,
            )
        )
        for report in found.reports:
            self.post(Reported(now=now, report=report))
        self.post(Found(now=now, findings=tuple(found.findings)))

    def asked(self, request: ThreadRequest) -> None:
        """A thread asks for something."""
        self.post(Asked(now=workflow.now(), request=request))

    def statistics(self) -> JsonObject:
        """As `session stats` prints them; empty if a defect keeps them from being told, for a session must end."""
        try:
            return statistics(self.state)
        except Exception as error:
            defect(error)
            return {}

    def next_run(self) -> JsonObject:
        """What the next run starts with."""
        outbox = self.recorder.outbox.carry()
        carried = {"state": dump(self.state), "outbox": outbox, "recent": list(self.recent)}
        return body(self.start.model_copy(update=carried))


def _taken_over(state: JsonObject) -> SessionState:
    return settled(load(SessionState, state))


def _visible(told: Fact, at: datetime) -> JsonObject:
    return {
        "type": RecordType(told.type).value,
        "thread": told.thread_id,
        "node": told.node,
        "actor": told.actor,
        "reason": told.reason,
        "timestamp": at.isoformat(),
        "details": told.details,
    }
