"""`decide(state, input) → events`: what follows from an input. Pure; refuses by raising."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from domain.answers import accepted, refused
from domain.codec import load
from domain.errors import Code, ThreadloomError
from domain.instants import as_utc
from domain.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    DestroyThread,
    Finding,
    ForkThread,
    ManageThread,
    PauseSession,
    ResumeSession,
    SyncSession,
    TerminateSession,
    ThreadReport,
    body,
)
from domain.session.admission import branched, created, launched, not_launched
from domain.session.config import make_config
from domain.session.events import (
    BranchRequested,
    BranchSettled,
    CommandAnswered,
    ConfigChanged,
    Reconciled,
    ReconcileRequested,
    SessionEnding,
    SessionEvent,
    SessionExpired,
    SessionHeld,
    SessionReleased,
    SessionStatusChanged,
    ThreadChanged,
    ThreadDestroyed,
    ThreadManaged,
)
from domain.session.evolve import evolve
from domain.session.inputs import (
    Found,
    Launched,
    NotLaunched,
    NotPrepared,
    Prepared,
    Reported,
    Request,
    SessionInput,
    Tick,
)
from domain.session.policy import check
from domain.session.state import (
    BranchInPreparation,
    Ending,
    SessionHold,
    SessionState,
    SessionStatus,
    expiries,
)
from domain.thread.decide import SYSTEM
from domain.thread.state import ENDED, Identity, ThreadStatus, outlasts
from domain.values import JsonObject

_STATUSES = frozenset(status.value for status in ThreadStatus)


def decide(state: SessionState, input: SessionInput) -> list[SessionEvent]:
    """The events that follow from the input, with the change of status they amount to as the last.

    Raises:
        ThreadloomError: The command is refused; nothing happens.
    """
    events = list(_events(state, input))
    after = apply(state, events)
    return [*events, *_settle(after, input)]


def apply(state: SessionState, events: Iterable[SessionEvent]) -> SessionState:
    """The state after the events."""
    for event in events:
        state = evolve(state, event)
    return state


def _events(state: SessionState, input: SessionInput) -> Iterable[SessionEvent]:
    match input:
        case Request(command=command, now=now):
            check(state, command)
            return _command(state, command, now)
        case Prepared():
            return _prepared(state, input)
        case NotPrepared(command=command, now=now):
            error = ThreadloomError(input.code, input.message, input.details)
            return [_unsettled(command, error, now), _refused(command, error, now)]
        case Launched(thread_id=thread_id, now=now):
            return launched(state, thread_id, now)
        case NotLaunched():
            return not_launched(state, input)
        case Reported(report=report, now=now):
            return _reported(state, report, now)
        case Found(findings=findings, now=now):
            gone = (_gone(state, finding, now) for finding in findings)
            return [Reconciled(at=now), *(event for event in gone if event)]
        case Tick(now=now):
            return _tick(state, now)


def _reported(state: SessionState, report: ThreadReport, now: datetime) -> list[SessionEvent]:
    entry = state.threads.get(report.thread_id)
    if entry is None or not entry.alive or report.status not in _STATUSES:
        return []
    changed = ThreadChanged(
        thread_id=report.thread_id,
        status=ThreadStatus(report.status),
        at=min(as_utc(report.at), now),
        started_at=as_utc(report.started_at) if report.started_at else None,
        error=report.error,
        usage=report.usage,
        seconds=max(report.seconds, 0.0),
    )
    return [changed]


def _command(state: SessionState, command: Command, now: datetime) -> list[SessionEvent]:
    actor, reason = command.actor, command.reason
    match command:
        case CreateThread():
            return [created(state, command, now)]
        case ForkThread() | CopyThread():
            branch = BranchInPreparation(
                digest=command.digest(),
                operation=command.operation,  # type: ignore[arg-type]
                thread_id=command.thread_id,
                source=command.source,
                strategy=command.strategy,
                plan=command.plan,
            )
            return [BranchRequested(command_id=command.command_id, branch=branch, request=body(command), at=now)]
        case ManageThread(thread_id=thread_id, action=action):
            message = {"command_id": command.command_id, "actor": actor, "reason": reason}
            managed = ThreadManaged(thread_id=thread_id, action=action, message=message, at=now)
            return [managed, _answered(command, now, {"thread_id": thread_id, "status": "requested"})]
        case DestroyThread(thread_id=thread_id):
            destroyed = ThreadDestroyed(thread_id=thread_id, actor=actor, reason=reason, at=now)
            return [destroyed, _answered(command, now, {"thread_id": thread_id, "destroyed": True})]
        case ConfigureSession(config=changes):
            config = make_config(changes, base=state.config)
            changed = ConfigChanged(config=config, changes=changes, actor=actor, reason=reason, at=now)
            return [changed, _answered(command, now, {"config": config.model_dump(mode="json")})]
        case SyncSession():
            return [ReconcileRequested(at=now), _answered(command, now, {"status": "requested"})]
        case _:
            events = _lifecycle(state, command, now)
            status = _status(apply(state, events)) or state.status
            return [*events, _answered(command, now, {"session_id": state.session_id, "status": status.value})]


def _lifecycle(state: SessionState, command: Command, now: datetime) -> list[SessionEvent]:
    actor, reason = command.actor, command.reason
    match command:
        case PauseSession(until=until) if outlasts(end := as_utc(until) if until else None, state.hold):
            return [SessionHeld(hold=SessionHold(actor=actor, reason=reason, at=now, until=end))]
        case ResumeSession(hold_threads=hold_threads) if state.status.held:
            return [SessionReleased(actor=actor, reason=reason, at=now, hold_threads=hold_threads)]
        case CloseSession() if state.ending is None:
            return [SessionEnding(ending=Ending(actor=actor, reason=reason, at=now))]
        case TerminateSession(grace=grace):
            deadline = now + (state.config.grace if grace is None else grace)
            if state.ending is None or state.ending.deadline is None:
                return [SessionEnding(ending=Ending(actor=actor, reason=reason, at=now, deadline=deadline))]
            # Who terminates again may be less patient, never more.
            if deadline < state.ending.deadline and not state.ending.forced:
                return [SessionEnding(ending=replace(state.ending, deadline=deadline))]
    return []


def _prepared(state: SessionState, input: Prepared) -> list[SessionEvent]:
    command, branch, now = input.command, input.branch, input.now
    assert isinstance(command, ForkThread | CopyThread)
    settled = BranchSettled(command_id=command.command_id, succeeded=True, at=now)
    if command.plan:
        return [settled, _answered(command, now, {"plan": branch.answer})]
    if state.status is not SessionStatus.ACTIVE:
        # The session was paused or ended while the source was read.
        error = ThreadloomError(Code.SESSION_NOT_ACTIVE, f"session {state.session_id} is {state.status.value}")
        return [_unsettled(command, error, now), _refused(command, error, now)]
    identity = load(Identity, branch.identity)
    return [settled, branched(state, command, identity, branch, now)]


def _gone(state: SessionState, finding: Finding, now: datetime) -> ThreadChanged | None:
    """A thread that ended without the session hearing of it, recorded as what it was."""
    entry = state.threads.get(finding.thread_id)
    if entry is None or not entry.alive or not entry.started or finding.status == "running":
        return None
    seconds = (now - (entry.started_at or entry.created_at)).total_seconds()
    status, error = _end_of(finding, forced=state.ending is not None and state.ending.forced)
    return ThreadChanged(
        thread_id=finding.thread_id, status=status, at=now, error=error, seconds=seconds, behind_back=True
    )


def _end_of(finding: Finding, *, forced: bool) -> tuple[ThreadStatus, JsonObject | None]:
    if finding.status == "completed" and finding.outcome in ENDED:
        return ThreadStatus(finding.outcome), finding.error
    code = Code.THREAD_LOST if finding.status == "missing" else Code.THREAD_TERMINATED
    message = f"the thread's workflow is {finding.status} in Temporal"
    cancelled = forced or finding.status == "canceled"
    status = ThreadStatus.CANCELLED if cancelled else ThreadStatus.FAILED
    return status, {"code": code.value, "message": message, "details": {}}


def _tick(state: SessionState, now: datetime) -> list[SessionEvent]:
    events: list[SessionEvent] = []
    if state.status.terminal:
        return events
    if state.hold and state.hold.until and state.hold.until <= now:
        events.append(SessionReleased(actor=SYSTEM, reason="the pause is over", at=now))
    ending = state.ending
    if ending and ending.deadline and not ending.forced and ending.deadline <= now:
        forced = Ending(actor=ending.actor, reason=ending.reason, at=ending.at, deadline=ending.deadline, forced=True)
        events.append(SessionEnding(ending=forced))
    if state.status is SessionStatus.ACTIVE and any(at <= now for at in expiries(state)):
        events.append(SessionExpired(at=now))
        if state.config.on_expiry == "terminate":
            deadline = now + state.config.grace
            events.append(SessionEnding(ending=Ending(actor=SYSTEM, reason="expired", at=now, deadline=deadline)))
        else:
            events.append(SessionHeld(hold=SessionHold(actor=SYSTEM, reason="expired", at=now)))
    if state.reconciled_at + state.config.reconcile_every <= now:
        events.append(ReconcileRequested(at=now))
    return events


def _settle(state: SessionState, input: SessionInput) -> list[SessionEvent]:
    """The change of status that the state amounts to, if it does."""
    status = _status(state)
    if status is None or status is state.status:
        return []
    cause = state.hold or state.ending
    command = input.command if isinstance(input, Request) else None
    actor = command.actor if command else cause.actor if cause else SYSTEM
    reason = command.reason if command else cause.reason if cause else None
    changed = SessionStatusChanged(status=status, actor=actor, reason=reason, at=input.now)
    return [changed]


def _status(state: SessionState) -> SessionStatus | None:
    if state.status.terminal:
        return None
    alive = state.alive()
    if state.ending is not None:
        ended = not alive and not state.preparing
        if state.ending.deadline is None:
            return SessionStatus.CLOSED if ended else SessionStatus.CLOSING
        return SessionStatus.TERMINATED if ended else SessionStatus.TERMINATING
    if state.hold is not None:
        waiting = [entry for entry in alive if entry.status is not ThreadStatus.PAUSED]
        return SessionStatus.PAUSING if waiting else SessionStatus.PAUSED
    return SessionStatus.ACTIVE


def _unsettled(command: Command, error: ThreadloomError, now: datetime) -> BranchSettled:
    return BranchSettled(
        command_id=command.command_id,
        succeeded=False,
        at=now,
        actor=command.actor,
        reason=command.reason,
        point=command.at if isinstance(command, ForkThread) else None,
        error=error.visible(),
    )


def _answered(command: Command, now: datetime, result: JsonObject) -> CommandAnswered:
    return CommandAnswered(command_id=command.command_id, answer=accepted(command, result), at=now)


def _refused(command: Command, error: ThreadloomError, now: datetime) -> CommandAnswered:
    return CommandAnswered(command_id=command.command_id, answer=refused(command, error), at=now)
