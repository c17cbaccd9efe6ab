"""`evolve(state, event) → state`: the only place where a thread's state changes."""

from __future__ import annotations

from dataclasses import replace

from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    HoldLifted,
    HoldPlaced,
    JournalArchived,
    MessageQueued,
    NodeEnded,
    NodeEntered,
    StatusChanged,
    ThreadEnded,
    ThreadEvent,
    ThreadStarted,
)
from domain.thread.journal import fold
from domain.thread.state import OPERATIONS_KEPT, HoldKind, Operation, ThreadState


def evolve(state: ThreadState, event: ThreadEvent) -> ThreadState:
    """The state after the event; the state given is never changed."""
    match event:
        case NodeEnded(entry=entry, consumed=consumed):
            mailbox = state.mailbox
            if consumed is not None:
                # Senders choose ids, so another message may have the same one; that one stays.
                place = [message.id for message in mailbox].index(consumed)
                mailbox = (*mailbox[:place], *mailbox[place + 1 :])
            return replace(
                state,
                journal=(*state.journal, entry),
                current=state.current.apply(entry),
                active=None,
                mailbox=mailbox,
                steps=state.steps + 1,
                last_activity_at=entry.ended_at,
            )
        case NodeEntered(active=active):
            return replace(state, active=active, last_activity_at=active.started_at)
        case HoldPlaced(hold=hold):
            held = replace(state, holds={**state.holds, hold.kind: hold}, last_activity_at=hold.at)
            return _operated(held, Operation(type="pause", actor=hold.actor, reason=hold.reason, at=hold.at))
        case HoldLifted(kind=kind, actor=actor, reason=reason, at=at):
            holds = {other: hold for other, hold in state.holds.items() if other != kind}
            waived = state.limits_waived or kind is HoldKind.LIMIT
            lifted = replace(state, holds=holds, limits_waived=waived, last_activity_at=at)
            return _operated(lifted, Operation(type="resume", actor=actor, reason=reason, at=at))
        case MessageQueued(message=message):
            return replace(state, mailbox=(*state.mailbox, message), last_activity_at=message.at)
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
            gone = [entry for entry in state.journal if entry.seq <= through]
            return replace(state, base=fold(state.base, gone), journal=state.journal[len(gone) :])
        case ThreadStarted(at=at):
            started = replace(state, started_at=at, last_activity_at=at)
            return _operated(started, Operation(type="start", actor=None, reason=None, at=at))
        case ThreadEnded(outcome=outcome, at=at):
            ended = replace(state, outcome=outcome, ended_at=at, active=None, holds={}, last_activity_at=at)
            return _operated(ended, Operation(type=_ENDINGS[outcome.status], actor=None, reason=None, at=at))
        case StatusChanged(status=status):
            return replace(state, status=status)


_ENDINGS = {"completed": "complete", "failed": "fail", "cancelled": "cancel"}


def _operated(state: ThreadState, operation: Operation) -> ThreadState:
    return replace(state, operations=(*state.operations, operation)[-OPERATIONS_KEPT:])
