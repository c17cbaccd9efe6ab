"""`evolve(state, event) → state`: the only place where a thread's state changes."""

from __future__ import annotations

from datetime import datetime

from domain.changing import replace
from domain.thread.active import MapProgress
from domain.thread.checkpoint import fold
from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    CloseRequested,
    Compensated,
    EndingBegan,
    FlowBegan,
    FlowDropped,
    FlowEnded,
    FlowRequested,
    HoldLifted,
    HoldPlaced,
    ItemEnded,
    ItemsStarted,
    JournalArchived,
    MessageQueued,
    NodeEnded,
    NodeEntered,
    Reminded,
    SessionAskedAgain,
    StagePassed,
    StandingsTold,
    StatusChanged,
    SubflowEntered,
    ThreadEnded,
    ThreadEvent,
    ThreadStarted,
    VariablesChanged,
)
from domain.thread.executing import needed
from domain.thread.journal import JournalItem
from domain.thread.mailbox import counted, marked
from domain.thread.state import OPERATIONS_KEPT, HoldKind, Operation, ThreadState
from domain.values import JsonObject


def evolve(state: ThreadState, event: ThreadEvent) -> ThreadState:
    """The state after the event; the state given is never changed."""
    match event:
        case NodeEnded():
            return _ended(state, event)
        case NodeEntered(active=active):
            return replace(state, active=active, last_activity_at=active.waiting.since)
        case ItemsStarted(calls=calls, refused=refused, at=at):
            progress = _progress(state)
            begun = tuple(call.item for call in calls if call.item is not None)
            more = replace(
                progress,
                started=progress.started + len(begun) + len(refused),
                running=(*progress.running, *begun),
                failures={**progress.failures, **refused},
            )
            return _mapped(state, more, at)
        case ItemEnded(item=item, result=result, failure=failure, at=at):
            progress = _progress(state)
            running = tuple(place for place in progress.running if place != item)
            if failure is not None:
                return _mapped(
                    state, replace(progress, running=running, failures={**progress.failures, item: failure}), at
                )
            return _mapped(state, replace(progress, running=running, results={**progress.results, item: result}), at)
        case StandingsTold(standings=standings, at=at):
            assert state.active is not None
            told = replace(state.active, standings={**state.active.standings, **standings})
            return replace(state, active=told, last_activity_at=at)
        case SubflowEntered(descent=descent):
            return _journaled(replace(state, passed=(), last_activity_at=descent.at), descent)
        case FlowRequested() | FlowBegan() | FlowEnded() | FlowDropped() | CloseRequested():
            return _executing(state, event)
        case VariablesChanged(change=change):
            return _journaled(replace(state, last_activity_at=change.at), change)
        case StagePassed(role=role, at=at):
            before = role in ("before_node", "backoff")
            passed = (*state.passed, role) if before else state.passed
            hook = state.hook if before else None
            return replace(state, active=None, passed=passed, hook=hook, last_activity_at=at)
        case EndingBegan(outcome=outcome, compensate=compensate, at=at):
            kept = state.compensations if compensate else ()
            return replace(
                state, ending=outcome, active=None, returned=None, hook=None, compensations=kept, last_activity_at=at
            )
        case Compensated(compensation=compensation, failure=failure, at=at):
            undone = state.not_undone
            if failure is not None:
                undone = (*undone, {"node": compensation.node, "visit": compensation.visit, "error": failure.visible()})
            return replace(
                state, active=None, compensations=state.compensations[:-1], not_undone=undone, last_activity_at=at
            )
        case Reminded(remind_at=remind_at, at=at):
            assert state.active is not None
            waiting = replace(state.active.waiting, remind_at=remind_at)
            return replace(state, active=replace(state.active, waiting=waiting), last_activity_at=at)
        case SessionAskedAgain(at=at):
            return replace(state, last_activity_at=at)
        case HoldPlaced(hold=hold):
            held = replace(state, holds={**state.holds, hold.kind: hold}, last_activity_at=hold.at)
            return _operated(held, Operation(type="pause", actor=hold.actor, reason=hold.reason, at=hold.at))
        case HoldLifted(kind=kind, actor=actor, reason=reason, at=at):
            holds = {other: hold for other, hold in state.holds.items() if other != kind}
            waived = state.limits_waived or kind is HoldKind.LIMIT
            lifted = replace(state, holds=holds, limits_waived=waived, last_activity_at=at)
            return _operated(lifted, Operation(type="resume", actor=actor, reason=reason, at=at))
        case MessageQueued(message=message, serial=serial):
            return replace(
                state,
                mailbox=(*state.mailbox, message),
                watermarks=marked(state.watermarks, serial),
                received=counted(state.received, message.type),
                last_activity_at=message.at,
            )
        case ApprovalDecided(answer=answer, at=at):
            assert state.active is not None
            return replace(state, active=replace(state.active, answer=answer), last_activity_at=at)
        case CancelRequested(cancellation=cancellation):
            cancelled = replace(state, cancellation=cancellation, last_activity_at=cancellation.at)
            return _operated(
                cancelled,
                Operation(type="cancel", actor=cancellation.actor, reason=cancellation.reason, at=cancellation.at),
            )
        case JournalArchived(through=through):
            return _archived(state, through)
        case ThreadStarted(at=at):
            started = replace(state, started_at=at, last_activity_at=at)
            return _operated(started, Operation(type="start", actor=None, reason=None, at=at))
        case ThreadEnded(outcome=outcome, at=at):
            ended = replace(
                state,
                outcome=outcome,
                ended_at=at,
                active=None,
                holds={},
                ending=None,
                returned=None,
                hook=None,
                compensations=(),
                last_activity_at=at,
            )
            return _operated(ended, Operation(type=_ENDINGS[outcome.status], actor=None, reason=None, at=at))
        case StatusChanged(status=status):
            return replace(state, status=status)


def _ended(state: ThreadState, event: NodeEnded) -> ThreadState:
    entry, mailbox = event.entry, state.mailbox
    if event.consumed is not None:
        # Senders choose ids, so another message may have the same one; that one stays.
        place = [message.id for message in mailbox].index(event.consumed)
        mailbox = (*mailbox[:place], *mailbox[place + 1 :])
    compensations = state.compensations
    if event.compensation is not None:
        compensations = (*compensations, event.compensation)
    return replace(
        state,
        journal=(*state.journal, entry),
        current=state.current.apply(entry),
        active=None,
        mailbox=mailbox,
        steps=state.steps + 1,
        passed=(),
        hook=event.hook,
        returned=event.returned,
        compensations=compensations,
        last_activity_at=entry.ended_at,
    )


def _executing(
    state: ThreadState, event: FlowRequested | FlowBegan | FlowEnded | FlowDropped | CloseRequested
) -> ThreadState:
    """A thread without a flow of its own, and those that it is given."""
    match event:
        case FlowRequested(requested=requested, documents=documents):
            line = (*state.line, requested)
            library = {**state.library, **documents}
            longer = replace(state, line=line, library=library, last_activity_at=requested.at)
            execution = requested.execution
            details: JsonObject = {"number": execution.number, "flow": execution.label}
            return _operated(
                longer,
                Operation(
                    type="execute", actor=requested.actor, reason=requested.reason, at=requested.at, details=details
                ),
            )
        case FlowBegan(begin=begin):
            begun = replace(
                state,
                line=state.line[1:],
                steps_before=state.steps,
                limits_waived=False,
                not_undone=state.not_undone[-OPERATIONS_KEPT:],
                last_activity_at=begin.at,
            )
            return _journaled(begun, begin)
        case FlowEnded(entry=entry):
            done = replace(
                state,
                active=None,
                passed=(),
                hook=None,
                returned=None,
                ending=None,
                compensations=(),
                last_activity_at=entry.ended_at,
            )
            return _journaled(done, entry)
        case FlowDropped(at=at):
            return replace(state, line=state.line[1:], last_activity_at=at)
        case CloseRequested(actor=actor, reason=reason, at=at):
            closing = replace(state, closing=True, last_activity_at=at)
            return _operated(closing, Operation(type="close", actor=actor, reason=reason, at=at))


def _journaled(state: ThreadState, item: JournalItem) -> ThreadState:
    return replace(state, journal=(*state.journal, item), current=state.current.apply(item))


def _archived(state: ThreadState, through: int) -> ThreadState:
    gone = [entry for entry in state.journal if entry.seq <= through]
    base, journal = fold(state.base, gone), state.journal[len(gone) :]
    return replace(state, base=base, journal=journal, library=needed(state.library, base, journal, state.line))


def _progress(state: ThreadState) -> MapProgress:
    assert state.active is not None
    assert state.active.map is not None
    return state.active.map


def _mapped(state: ThreadState, progress: MapProgress, at: datetime) -> ThreadState:
    assert state.active is not None
    return replace(state, active=replace(state.active, map=progress), last_activity_at=at)


_ENDINGS = {"completed": "complete", "failed": "fail", "cancelled": "cancel"}


def _operated(state: ThreadState, operation: Operation) -> ThreadState:
    return replace(state, operations=(*state.operations, operation)[-OPERATIONS_KEPT:])
