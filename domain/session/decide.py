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
    AllocateResources,
    CancelFlow,
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    CreateThreads,
    DestroyThread,
    ExecuteFlow,
    ForkThread,
    ManageThread,
    PauseSession,
    PrioritiseThread,
    ReleaseResources,
    ResumeSession,
    SyncSession,
    TerminateSession,
    body,
)
from domain.session.admission import branch_requested, branched, created, launched, not_launched
from domain.session.asking import asked, consequences, turns
from domain.session.config import make_config
from domain.session.counting import limited
from domain.session.events import (
    BranchPostponed,
    BranchSettled,
    CommandAnswered,
    ConfigChanged,
    ReconcileRequested,
    SessionEnding,
    SessionEvent,
    SessionExpired,
    SessionHeld,
    SessionReleased,
    SessionStatusChanged,
    WishSettled,
)
from domain.session.evolve import apply
from domain.session.inputs import (
    Asked,
    Found,
    Launched,
    LeaseTold,
    NotLaunched,
    NotPrepared,
    Prepared,
    Reported,
    Request,
    Restored,
    SessionInput,
    Stored,
    Tick,
)
from domain.session.leasing import told_by_pool
from domain.session.observing import forgotten, found, reported
from domain.session.policy import check
from domain.session.queue import launches, left_waiting, withdrawals
from domain.session.recovering import restored
from domain.session.resources import expired, freed, on_resources
from domain.session.state import (
    Ending,
    SessionHold,
    SessionState,
    SessionStatus,
    expiries,
    not_paused,
)
from domain.session.threads import created_together, on_threads
from domain.thread.state import SYSTEM, Identity, outlasts
from domain.values import JsonObject


def decide(state: SessionState, input: SessionInput, *, draining: bool = False) -> list[SessionEvent]:
    """The events that follow from the input, with the change of status they amount to as the last.

    Args:
        state: The session.
        input: What reaches it.
        draining: The next run is overdue: nothing more is started, so that it can begin.

    Raises:
        ThreadloomError: The command is refused; nothing happens.
    """
    events = list(_events(state, input))
    after = apply(state, events)
    for follow in (withdrawals, freed, *(() if draining else (launches,)), left_waiting, consequences, freed):
        more = list(follow(after, events, input.now))
        events += more
        after = apply(after, more)
    return [*events, *_settle(after, input)]


def _events(state: SessionState, input: SessionInput) -> Iterable[SessionEvent]:
    match input:
        case Request(command=command, now=now):
            check(state, command)
            return _command(state, command, now)
        case Asked(request=request, now=now):
            return asked(state, request, now)
        case Prepared():
            return _prepared(state, input)
        case NotPrepared(command=command, now=now):
            return _unprepared(state, command, ThreadloomError(input.code, input.message, input.details), now)
        case Launched(thread_id=thread_id, now=now):
            return launched(state, thread_id, now)
        case NotLaunched():
            return not_launched(state, input)
        case Reported(report=report, now=now):
            return reported(state, report, now)
        case Found(findings=findings, now=now):
            return found(state, findings, now)
        case LeaseTold(answer=answer, now=now):
            return told_by_pool(state, answer, now)
        case Stored(now=now):
            return forgotten(state, now)
        case Restored():
            return restored(state, input)
        case Tick(now=now):
            return _tick(state, now)


def _command(state: SessionState, command: Command, now: datetime) -> list[SessionEvent]:
    actor, reason = command.actor, command.reason
    match command:
        case CreateThread():
            return [created(state, command, now)]
        case CreateThreads():
            events, result = created_together(state, command, now)
            return [*events, _answered(command, now, result)]
        case ForkThread() | CopyThread():
            return [branch_requested(command, now)]
        case ManageThread() | ExecuteFlow() | DestroyThread() | PrioritiseThread() | CancelFlow():
            events, result = on_threads(state, command, now)
            return [*events, _answered(command, now, result)]
        case AllocateResources() | ReleaseResources():
            events, result = on_resources(state, command, now)
            return [*events, _answered(command, now, result)]
        case ConfigureSession(config=changes):
            config = make_config(changes, base=state.config)
            changed = ConfigChanged(
                before=state.config, config=config, changes=changes, actor=actor, reason=reason, at=now
            )
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
        case TerminateSession(grace=grace, compensate=compensate):
            deadline = now + (state.config.grace if grace is None else grace)
            ending = Ending(actor=actor, reason=reason, at=now, deadline=deadline, compensate=compensate)
            if state.ending is None or state.ending.deadline is None:
                return [SessionEnding(ending=ending)]
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
    wish = state.preparing[command.command_id].wish
    if state.status is not SessionStatus.ACTIVE:
        # The session was paused or ended while the source was read.
        if state.status.held and wish is not None and wish.request_id in state.wishes:
            return [BranchPostponed(command_id=command.command_id, request=body(command), at=now)]
        error = ThreadloomError(Code.SESSION_NOT_ACTIVE, f"session {state.session_id} is {state.status.value}")
        return _unprepared(state, command, error, now)
    identity = load(Identity, branch.identity)
    return [settled, branched(state, command, identity, branch, now=now, wish=wish)]


def _unprepared(state: SessionState, command: Command, error: ThreadloomError, now: datetime) -> list[SessionEvent]:
    unsettled = BranchSettled(
        command_id=command.command_id,
        succeeded=False,
        at=now,
        actor=command.actor,
        reason=command.reason,
        point=command.at if isinstance(command, ForkThread) else None,
        error=error.visible(),
    )
    wish = state.preparing[command.command_id].wish
    if wish is not None:
        return [unsettled, WishSettled(wish=wish, error=error.visible(), at=now)]
    return [unsettled, CommandAnswered(command_id=command.command_id, answer=refused(command, error), at=now)]


def _tick(state: SessionState, now: datetime) -> list[SessionEvent]:
    events: list[SessionEvent] = []
    if state.status.terminal:
        return events
    if state.hold and state.hold.until and state.hold.until <= now:
        events.append(SessionReleased(actor=SYSTEM, reason="the pause is over", at=now))
    ending = state.ending
    if ending and ending.deadline and not ending.forced and ending.deadline <= now:
        events.append(SessionEnding(ending=replace(ending, forced=True)))
    events += expired(state, now)
    if state.status is SessionStatus.ACTIVE and any(at <= now for at in expiries(state)):
        events.append(SessionExpired(at=now))
        if state.config.on_expiry == "terminate":
            deadline = now + state.config.grace
            events.append(SessionEnding(ending=Ending(actor=SYSTEM, reason="expired", at=now, deadline=deadline)))
        else:
            events.append(SessionHeld(hold=SessionHold(actor=SYSTEM, reason="expired", at=now)))
    events = events or limited(state, now)
    if state.reconciled_at + state.config.reconcile_every <= now:
        events.append(ReconcileRequested(at=now))
    return events or turns(state, now)


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
    if state.ending is not None:
        ended = not state.threads and not state.preparing
        if state.ending.deadline is None:
            return SessionStatus.CLOSED if ended else SessionStatus.CLOSING
        return SessionStatus.TERMINATED if ended else SessionStatus.TERMINATING
    if state.hold is not None:
        return SessionStatus.PAUSING if not_paused(state) else SessionStatus.PAUSED
    return SessionStatus.ACTIVE


def _answered(command: Command, now: datetime, result: JsonObject) -> CommandAnswered:
    return CommandAnswered(command_id=command.command_id, answer=accepted(command, result), at=now)
