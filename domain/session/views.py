"""What a session answers when it is asked about itself."""

from __future__ import annotations

from domain.resources import POOL
from domain.session.entries import ThreadEntry
from domain.session.queue import line, takes_place
from domain.session.state import SessionState, not_paused
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
        "not_paused_yet": not_paused(state) if state.hold else [],
        "queue": {"waiting": len(state.queue), "taken": _taken(state)},
        "preparing": [
            {"operation": branch.operation, "source": branch.source, "thread_id": branch.thread_id}
            for branch in state.preparing.values()
        ],
    }


def _taken(state: SessionState) -> int:
    """How many running places are taken."""
    return sum(takes_place(state, entry) for entry in state.threads.values())


def list_threads(state: SessionState) -> list[JsonObject]:
    """Threads as their session knows them, in the order of their creation; of old ones only the database knows."""
    return [thread(state, entry) for entry in state.known()]


def thread(state: SessionState, entry: ThreadEntry) -> JsonObject:
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
        **_turn(state, entry),
    }


def _turn(state: SessionState, entry: ThreadEntry) -> JsonObject:
    """What a thread waits for that has not begun."""
    queued = state.queue.get(entry.thread_id)
    if entry.thread_id in state.launching:
        waiting = {"kind": "queue", "node": None, "since": entry.created_at.isoformat()}
        return {"waiting": waiting, "waiting_for": "its workflow to start", "holds": []}
    if queued is None:
        return {"waiting": None, "waiting_for": None, "holds": []}
    waiting = {"kind": "queue", "node": None, "since": entry.created_at.isoformat()}
    pool = next((name for name, granted in state.leases.get(entry.thread_id, {}).items() if not granted), None)
    if queued.hold is None and pool is not None:
        waits = {**waiting, "kind": "pool", "pool": pool}
        return {"waiting": waits, "waiting_for": f"{entry.requires[POOL + pool]} of pool {pool}", "holds": []}
    if queued.hold is not None:
        return {
            "waiting": {**waiting, "kind": "hold", "since": queued.hold["at"]},
            "waiting_for": f"{queued.hold['actor']} to resume it; it has not begun",
            "holds": [queued.hold],
        }
    return {"waiting": waiting, "waiting_for": "its turn to start", "holds": []}


def one_thread(state: SessionState, thread_id: object) -> JsonObject | None:
    """One thread as its session knows it, with its place in the queue; None when it is not in memory."""
    entry = state.find(thread_id) if isinstance(thread_id, str) else None
    if entry is None:
        return None
    shown = thread(state, entry) | {"started": entry.started}
    if entry.thread_id in state.queue and shown["waiting"]["kind"] == "queue":
        place = line(state).index(entry.thread_id) + 1
        shown["waiting"] |= {"place": place, "of": len(state.queue)}
        shown["waiting_for"] = f"its turn to start: place {place} of {len(state.queue)}"
    return shown


def tree(state: SessionState) -> JsonObject:
    """Threads by lineage: {session_id, status, roots: [{thread_id, flow, status, origin, point, children}]}."""
    known = state.known()
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
        for entry in known
    }
    roots: list[JsonObject] = []
    for entry in known:
        siblings = nodes[entry.parent]["children"] if entry.parent is not None and entry.parent in nodes else roots
        siblings.append(nodes[entry.thread_id])
    return {"session_id": state.session_id, "status": state.status.value, "roots": roots}
