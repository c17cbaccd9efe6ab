"""What a session's events become in the history."""

from __future__ import annotations

from dataclasses import replace

from domain.records import Fact, RecordType, SessionRow, ThreadRow
from domain.session.entries import ThreadEntry
from domain.session.events import (
    BranchSettled,
    ConfigChanged,
    SessionEvent,
    SessionHeld,
    SessionRestored,
    SessionStarted,
    SessionStatusChanged,
)
from domain.session.recovering import figures
from domain.session.resource_events import ResourcesAllocated, ResourcesDenied, ResourcesReleased
from domain.session.resources import visible
from domain.session.state import SessionState
from domain.session.thread_events import (
    ThreadChanged,
    ThreadCreated,
    ThreadDestroyed,
    ThreadLaunched,
    ThreadRejected,
    ThreadWithdrawn,
)
from domain.thread.state import ThreadStatus
from domain.values import JsonObject

_CREATED = {
    "created": RecordType.THREAD_CREATED,
    "spawned": RecordType.THREAD_CREATED,
    "forked": RecordType.THREAD_FORKED,
    "copied": RecordType.THREAD_COPIED,
}
_ENDED = {
    "completed": RecordType.THREAD_COMPLETED,
    "failed": RecordType.THREAD_FAILED,
    "cancelled": RecordType.THREAD_CANCELLED,
}


def fact(before: SessionState, after: SessionState, event: SessionEvent) -> Fact | None:
    """The record of the event, if it leaves one. What a thread tells of itself, it records itself."""
    match event:
        case SessionStarted(actor=actor, reason=reason):
            # Nothing else in the database tells of the shared variables, should the session be lost.
            shared: JsonObject = {"shared": after.shared} if after.shared else {}
            created = RecordType.SESSION_CREATED
            return Fact(type=created, actor=actor, reason=reason, title=after.title, details=shared)
        case SessionRestored(actor=actor, reason=reason):
            return Fact(type=RecordType.SESSION_RESTORED, actor=actor, reason=reason, details=figures(event))
        case SessionStatusChanged(status=status, actor=actor, reason=reason):
            changed = RecordType.SESSION_CLOSED if status.terminal else RecordType.SESSION_STATUS_CHANGED
            details: JsonObject = {"from": before.status.value, "to": status.value}
            return Fact(type=changed, actor=actor, reason=reason, details=details)
        case ConfigChanged(actor=actor, reason=reason, changes=changes):
            return Fact(type=RecordType.SESSION_CONFIG_CHANGED, actor=actor, reason=reason, details=changes)
        case ThreadCreated(entry=entry, actor=actor, reason=reason):
            return Fact(
                type=_CREATED[entry.origin],
                thread_id=entry.thread_id,
                flow=entry.label,
                actor=actor,
                reason=reason,
                details=_lineage(entry),
                thread=thread_row(after, entry),
            )
        case ThreadWithdrawn(thread_id=thread_id, actor=actor, reason=reason):
            entry = _entry(after, thread_id)
            return Fact(
                type=RecordType.THREAD_CANCELLED,
                thread_id=thread_id,
                flow=f"{entry.flow}@{entry.version}",
                actor=actor,
                reason=reason,
                details={"waited": True},
                thread=thread_row(after, entry),
            )
        case ThreadRejected(thread_id=thread_id, code=code, message=message, at=at):
            error: JsonObject = {"code": code, "message": message, "details": {}}
            never_was = after.find(thread_id) or replace(
                before.threads[thread_id], status=ThreadStatus.FAILED, error=error, ended_at=at, destroyed=True
            )
            return Fact(
                type=RecordType.ERROR,
                thread_id=thread_id,
                details={"code": code, "message": message},
                thread=thread_row(after, never_was),
            )
        case BranchSettled(command_id=command_id, succeeded=False):
            branch = before.preparing[command_id]
            return Fact(
                type=RecordType.ERROR,
                thread_id=branch.source,
                actor=event.actor,
                reason=event.reason,
                title=f"{branch.operation} refused",
                details={
                    "operation": branch.operation,
                    "strategy": branch.strategy,
                    "thread": branch.thread_id,
                    "fork_point": event.point,
                    "error": event.error,
                },
            )
        case SessionHeld(hold=hold) if before.hold is not None:
            # The first hold changes the status, which is recorded; one that outlasts it does not.
            details = {"from": before.status.value, "to": before.status.value, "hold": hold.visible()}
            return Fact(type=RecordType.SESSION_STATUS_CHANGED, actor=hold.actor, reason=hold.reason, details=details)
        case ThreadChanged(thread_id=thread_id, status=status, behind_back=True):
            entry = _entry(after, thread_id)
            by_force = after.ending if after.ending is not None and after.ending.forced else None
            return Fact(
                type=_ENDED[status.value],
                thread_id=thread_id,
                flow=entry.label,
                actor=by_force.actor if by_force else None,
                reason=by_force.reason if by_force else None,
                details={"found": "in Temporal", "error": entry.error},
                thread=thread_row(after, entry),
            )
        case ResourcesAllocated() | ResourcesReleased() | ResourcesDenied():
            return _resource_fact(before, event)
        case ThreadDestroyed(thread_id=thread_id, actor=actor, reason=reason):
            row = thread_row(after, _entry(after, thread_id))
            return Fact(type=RecordType.THREAD_DESTROYED, thread_id=thread_id, actor=actor, reason=reason, thread=row)
        case ThreadLaunched():
            return None
    return None


def _resource_fact(before: SessionState, event: ResourcesAllocated | ResourcesReleased | ResourcesDenied) -> Fact:
    if isinstance(event, ResourcesDenied):
        return Fact(type=RecordType.RESOURCE_DENIED, thread_id=event.thread_id, details={"error": event.error})
    if isinstance(event, ResourcesAllocated):
        allocation, details = event.allocation, {}
        type_ = RecordType.RESOURCE_ALLOCATED
    else:
        allocation, details = before.allocations[event.allocation_id], {"cause": event.cause}
        type_ = RecordType.RESOURCE_RELEASED
    return Fact(
        type=type_,
        thread_id=allocation.thread_id,
        actor=event.actor,
        reason=event.reason,
        details={**allocation.visible(before.session_id), **details},
    )


def session_row(state: SessionState) -> SessionRow:
    """The session as the list of sessions shows it."""
    return SessionRow(
        session_id=state.session_id,
        status=state.status.value,
        title=state.title,
        user_id=state.user_id,
        config=state.config.model_dump(mode="json"),
        metadata=state.metadata,
        statistics=statistics(state) | {"threads": state.counts()},
        created_at=state.created_at,
        updated_at=state.updated_at,
        ended_at=state.ended_at,
    )


def thread_row(state: SessionState, entry: ThreadEntry) -> ThreadRow:
    """The thread as its session knows it; the thread itself writes the fuller row."""
    return ThreadRow(
        session_id=state.session_id,
        thread_id=entry.thread_id,
        flow=entry.flow,
        version=entry.version,
        flow_digest=entry.flow_digest,
        status=entry.status.value,
        priority=entry.priority,
        title=entry.title,
        parent=entry.parent,
        root=entry.root,
        depth=entry.depth,
        origin=entry.origin,
        fork_info=entry.fork_info,
        copy_info=entry.copy_info,
        error=entry.error,
        created_at=entry.created_at,
        updated_at=state.updated_at,
        started_at=entry.started_at,
        completed_at=entry.ended_at,
        destroyed=entry.destroyed,
    )


def statistics(state: SessionState) -> JsonObject:
    """The session's statistics as `session stats` prints them."""
    resources = visible(state)["resources"]
    return state.statistics.visible(alive=len(state.threads), limit=state.config.max_threads, resources=resources)


def _entry(state: SessionState, thread_id: str) -> ThreadEntry:
    entry = state.find(thread_id)
    assert entry is not None
    return entry


def _lineage(entry: ThreadEntry) -> JsonObject:
    if entry.fork_info:
        return {"parent": entry.parent, **entry.fork_info}
    if entry.copy_info:
        return {"parent": entry.parent, **entry.copy_info}
    if entry.spawned_by is not None:
        return {"origin": entry.origin, "parent": entry.parent, "on_parent_end": entry.on_parent_end}
    return {}
