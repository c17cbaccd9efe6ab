"""What a thread's events become in the history."""

from __future__ import annotations

from domain.codec import dump
from domain.records import Fact, RecordType
from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    HoldLifted,
    HoldPlaced,
    MessageQueued,
    NodeEnded,
    NodeEntered,
    StatusChanged,
    ThreadEvent,
    ThreadStarted,
)
from domain.thread.journal import ExecutionStatus
from domain.thread.state import ThreadState, ThreadStatus
from domain.thread.views import elide, failure
from domain.values import JsonObject

_EXECUTED = {
    ExecutionStatus.COMPLETED: RecordType.NODE_EXECUTED,
    ExecutionStatus.SKIPPED: RecordType.NODE_SKIPPED,
    ExecutionStatus.FAILED: RecordType.NODE_FAILED,
    ExecutionStatus.CANCELLED: RecordType.NODE_FAILED,
}
_STATUS = {
    ThreadStatus.PAUSED: RecordType.THREAD_PAUSED,
    ThreadStatus.COMPLETED: RecordType.THREAD_COMPLETED,
    ThreadStatus.FAILED: RecordType.THREAD_FAILED,
    ThreadStatus.CANCELLED: RecordType.THREAD_CANCELLED,
}


def fact(state: ThreadState, event: ThreadEvent) -> Fact | None:
    """The record of the event, if it leaves one; `state` is the state after it."""
    match event:
        case ThreadStarted():
            return Fact(type=RecordType.THREAD_STARTED)
        case NodeEnded(entry=entry):
            details: JsonObject = {"status": entry.status.value, "next": entry.next, "kind": entry.kind}
            if entry.error:
                details["error"] = elide(entry.error.visible())
            return Fact(
                type=_EXECUTED[entry.status], node=entry.node, visit=entry.visit, details=details, entry=dump(entry)
            )
        case NodeEntered(active=active) if active.waiting.kind == "approval":
            return Fact(
                type=RecordType.APPROVAL_REQUESTED,
                node=active.node,
                visit=active.visit,
                details=elide(active.waiting.expects),
                urgent=True,
            )
        case ApprovalDecided(node=node, visit=visit, answer=answer):
            return Fact(
                type=RecordType.APPROVAL_DECIDED,
                node=node,
                visit=visit,
                actor=answer["actor"],
                reason=answer["reason"],
                details={"choice": answer["choice"]},
            )
        case MessageQueued(message=message):
            details = {"id": message.id, "name": message.name, "type": message.type}
            return Fact(type=RecordType.MESSAGE_SENT, actor=message.sender, details=details)
        case HoldPlaced(hold=hold) if state.in_flight or state.status is ThreadStatus.PAUSED:
            # Otherwise the thread is paused at once, and that is what is recorded.
            told = (
                RecordType.THREAD_PAUSED if state.status is ThreadStatus.PAUSED else RecordType.THREAD_PAUSE_REQUESTED
            )
            details = {"hold": hold.kind.value, "until": hold.until.isoformat() if hold.until else None}
            return Fact(type=told, actor=hold.actor, reason=hold.reason, details=details, urgent=True)
        case HoldLifted(kind=kind, actor=actor, reason=reason):
            details = {"hold": kind.value, "still_held_by": [other.value for other in state.holds]}
            return Fact(type=RecordType.THREAD_RESUMED, actor=actor, reason=reason, details=details, urgent=True)
        case CancelRequested(cancellation=cancellation):
            return Fact(
                type=RecordType.THREAD_CANCEL_REQUESTED,
                actor=cancellation.actor,
                reason=cancellation.reason,
                urgent=True,
            )
        case StatusChanged(status=status) if status in _STATUS:
            return _status_fact(state, event)
    return None


def _status_fact(state: ThreadState, event: StatusChanged) -> Fact:
    told = _STATUS[event.status]
    actor, reason, details = event.actor, event.reason, JsonObject()
    if told is RecordType.THREAD_PAUSED and state.holds:
        held = next(reversed(list(state.holds.values())))
        actor, reason = held.actor, held.reason
        details["holds"] = [hold.kind.value for hold in state.holds.values()]
    if told is RecordType.THREAD_CANCELLED and state.cancellation:
        actor, reason = state.cancellation.actor, state.cancellation.reason
    if error := failure(state):
        details["error"] = error
    return Fact(type=told, actor=actor, reason=reason, details=details, urgent=True)
