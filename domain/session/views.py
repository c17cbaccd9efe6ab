"""What a session answers when it is asked about itself."""

from __future__ import annotations

from domain.session.state import SessionState, ThreadEntry
from domain.thread.state import ThreadStatus
from domain.values import JsonObject


def describe(state: SessionState) -> JsonObject:
    """The session as `session show` prints it; while pausing, with what it still waits for."""
    return {
        "session_id": state.session_id,
        "status": state.status.value,
        "title": state.title,
        "user_id": state.user_id,
        "metadata": state.metadata,
        "created_at": state.created_at.isoformat(),
        "updated_at": state.updated_at.isoformat(),
        "last_activity_at": state.last_activity_at.isoformat(),
        "ended_at": state.ended_at.isoformat() if state.ended_at else None,
        "config": state.config.model_dump(mode="json"),
        "threads": state.counts(),
        "activity": {"message_count": state.statistics.message_count},
        "holds": [state.hold.visible()] if state.hold else [],
        "not_paused_yet": _not_paused_yet(state),
        "preparing": [
            {"operation": branch.operation, "source": branch.source, "thread_id": branch.thread_id}
            for branch in state.preparing.values()
        ],
    }


def _not_paused_yet(state: SessionState) -> list[str]:
    if state.hold is None:
        return []
    return [entry.thread_id for entry in state.alive() if entry.status is not ThreadStatus.PAUSED]


def list_threads(state: SessionState) -> list[JsonObject]:
    """Threads as their session knows them, in the order of their creation."""
    return [thread(entry) for entry in state.threads.values() if not entry.destroyed]


def find_thread(state: SessionState, thread_id: str) -> JsonObject | None:
    """The thread of this id, destroyed or not, and whether its workflow was started; None without one."""
    entry = state.threads.get(thread_id)
    return None if entry is None else {**thread(entry), "started": entry.started}


def thread(entry: ThreadEntry) -> JsonObject:
    """One thread as its session knows it."""
    return {
        "thread_id": entry.thread_id,
        "flow": entry.flow,
        "version": entry.version,
        "status": entry.status.value,
        "priority": entry.priority,
        "title": entry.title,
        "parent": entry.parent,
        "root": entry.root,
        "depth": entry.depth,
        "origin": entry.origin,
        "created_at": entry.created_at.isoformat(),
        "started_at": entry.started_at.isoformat() if entry.started_at else None,
        "completed_at": entry.ended_at.isoformat() if entry.ended_at else None,
        "error": entry.error,
    }


def tree(state: SessionState) -> JsonObject:
    """Threads by lineage: {session_id, status, roots: [{thread_id, flow, status, origin, point, children}]}."""
    nodes: dict[str, JsonObject] = {
        entry.thread_id: {
            "thread_id": entry.thread_id,
            "flow": entry.flow,
            "version": entry.version,
            "status": entry.status.value,
            "origin": entry.origin,
            "fork_point": entry.fork_info["fork_point"] if entry.fork_info else None,
            "children": [],
        }
        for entry in state.threads.values()
        if not entry.destroyed
    }
    roots: list[JsonObject] = []
    for entry in state.threads.values():
        if entry.destroyed:
            continue
        siblings = nodes[entry.parent]["children"] if entry.parent is not None and entry.parent in nodes else roots
        siblings.append(nodes[entry.thread_id])
    return {"session_id": state.session_id, "status": state.status.value, "roots": roots}
