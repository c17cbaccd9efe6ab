"""What a thread's events become in the history."""

from __future__ import annotations

from domain.codec import dump
from domain.errors import Code
from domain.records import Fact, RecordType
from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    CloseRequested,
    Compensated,
    FlowBegan,
    FlowDropped,
    FlowEnded,
    HoldLifted,
    HoldPlaced,
    MessageQueued,
    NodeEnded,
    NodeEntered,
    Reminded,
    StagePassed,
    StatusChanged,
    SubflowEntered,
    ThreadEvent,
    ThreadStarted,
    VariablesChanged,
)
from domain.thread.journal import Execution, ExecutionStatus, JournalItem
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
                type=_EXECUTED[entry.status], node=entry.node, visit=entry.visit, details=details, entry=_stored(entry)
            )
        case SubflowEntered(descent=descent):
            details = {"flow": descent.flow}
            return Fact(
                type=RecordType.SUBFLOW_ENTERED,
                node=descent.node,
                visit=descent.visit,
                details=details,
                entry=_stored(descent),
            )
        case FlowBegan() | FlowEnded() | FlowDropped() | CloseRequested():
            return _executing_fact(event)
        case VariablesChanged(change=change):
            details = {"by": change.cause, "variables": sorted(change.set)}
            return Fact(type=RecordType.VARIABLES_CHANGED, node=change.node, details=details, entry=_stored(change))
        case StagePassed(role=role, failure=error) if error is not None:
            details = {"hook": role, "error": elide(error.visible())}
            return Fact(type=RecordType.WARNING, node=event.node, visit=event.visit, details=details)
        case Compensated(compensation=compensation, failure=error):
            details = {"status": "failed" if error else "completed"}
            if error:
                details |= {"code": Code.COMPENSATION_FAILED.value, "error": elide(error.visible())}
            return Fact(
                type=RecordType.NODE_COMPENSATED, node=compensation.node, visit=compensation.visit, details=details
            )
        case Reminded(node=node, visit=visit):
            return Fact(type=RecordType.APPROVAL_REQUESTED, node=node, visit=visit, details={"reminder": True})
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


def _executing_fact(event: FlowBegan | FlowEnded | FlowDropped | CloseRequested) -> Fact:
    """What a thread without a flow of its own tells of those that it is given."""
    match event:
        case FlowBegan(begin=begin, documents=documents, actor=actor, reason=reason):
            entry = _stored(begin) | ({"documents": dict(documents)} if documents else {})
            return Fact(
                type=RecordType.FLOW_STARTED, actor=actor, reason=reason, details=_told(begin.execution), entry=entry
            )
        case FlowEnded(execution=execution, entry=ended):
            completed = ended.status is ExecutionStatus.COMPLETED
            details: JsonObject = {
                **_told(execution),
                "status": ended.status.value,
                "seconds": round((ended.ended_at - ended.started_at).total_seconds(), 3),
            }
            if ended.error is not None:
                details["error"] = elide(ended.error.visible())
            else:
                details["result"] = elide(ended.result)
            return Fact(
                type=RecordType.FLOW_EXECUTED if completed else RecordType.FLOW_FAILED,
                details=details,
                entry=_stored(ended),
                urgent=True,
            )
        case FlowDropped(requested=requested, failure=why):
            details = {**_told(requested.execution), "status": ExecutionStatus.CANCELLED.value, "error": why.visible()}
            return Fact(type=RecordType.FLOW_FAILED, flow=requested.execution.label, details=details)
        case CloseRequested(actor=actor, reason=reason):
            return Fact(type=RecordType.THREAD_CLOSE_REQUESTED, actor=actor, reason=reason, urgent=True)


def _told(execution: Execution) -> JsonObject:
    return {"flow": execution.flow, "version": execution.version, "execution": execution.number, "id": execution.id}


def _stored(item: JournalItem) -> JsonObject:
    """A journal item as the records keep it: most of its fields have their defaults, and there are many of them."""
    return {"type": item.type, **dump(item, exclude_defaults=True)}


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
