"""What a thread waits for, in words and as data."""

from __future__ import annotations

from domain.thread.active import IN_FLIGHT, ActiveNode
from domain.thread.state import Hold, HoldKind, ThreadState
from domain.values import JsonObject


def current_node(state: ThreadState) -> str | None:
    """The node in execution, or else the next one."""
    if state.outcome:
        return None
    return state.active.node if state.active else state.current.next_path


def waiting(state: ThreadState) -> JsonObject | None:
    """What the thread waits for, as data; None while it works or has ended.

    An approval comes before a hold: it can be decided meanwhile, and somebody should.
    """
    if state.outcome:
        return None
    active = state.active
    if active is not None and _asks(active):
        found = _awaited_data(active)
        return found | {"choices": active.waiting.expects["choices"], "assignees": active.waiting.expects["assignees"]}
    if state.holds:
        held = next(iter(state.holds.values()))
        until = min((other.until for other in state.holds.values() if other.until), default=None)
        return _waiting("hold", current_node(state), held.at.isoformat(), until=until.isoformat() if until else None)
    if active is None and _awaits_flow(state):
        last = state.current.last
        since = max(last.ended_at, state.started_at) if last and state.started_at else state.started_at
        return _waiting("flow", None, since.isoformat() if since else "", until=None)
    if active is None or active.waiting.kind in IN_FLIGHT:
        return None
    return _awaited_data(active)


def _awaits_flow(state: ThreadState) -> bool:
    return state.idle and state.started_at is not None and not state.line and not state.closing


def _awaited_data(active: ActiveNode) -> JsonObject:
    awaited = active.waiting
    ends = min((at for at in (awaited.due, awaited.deadline) if at), default=None)
    found = _waiting(awaited.kind, active.node, awaited.since.isoformat(), until=ends.isoformat() if ends else None)
    if awaited.kind == "join":
        found |= {"threads": _missing(active), "need": awaited.expects["need"]}
    return found


def _missing(active: ActiveNode) -> list[str]:
    """The threads that a join still waits for."""
    return [thread for thread in active.waiting.expects["threads"] if thread not in active.standings]


def _waiting(kind: str, node: str | None, since: str, *, until: str | None) -> JsonObject:
    return {"kind": kind, "node": node, "since": since, **({"until": until} if until else {})}


def waiting_for(state: ThreadState) -> str | None:
    """What the thread waits for, in words; None while it works or has ended."""
    if state.outcome:
        return None
    reasons = [_held_by(held) for held in state.holds.values()]
    active = state.active
    if active is not None and (not reasons or _asks(active)) and (awaited := _awaited(active)):
        reasons.insert(0, awaited)
    if not reasons and _awaits_flow(state):
        return "a flow to execute"
    return "; ".join(reasons) or None


def _asks(active: ActiveNode) -> bool:
    """Whether somebody can still answer: also while the thread is held."""
    return active.waiting.kind == "approval" and active.answer is None


_HELD_BY = {
    HoldKind.START: "to be started",
    HoldKind.THREAD: "to be resumed",
    HoldKind.SESSION: "its session to be resumed",
    HoldKind.LIMIT: "to be resumed after a limit of its flow",
    HoldKind.RECORDS_BACKLOG: "the database to take its records",
    HoldKind.LOST_SESSION: "its session to be recovered",
}


def _held_by(held: Hold) -> str:
    why = f": {held.reason}" if held.reason else ""
    return f"{_HELD_BY[held.kind]} (held by {held.actor} at {held.at:%Y-%m-%d %H:%M:%S} UTC{why})"


def _awaited(active: ActiveNode) -> str | None:
    node, awaited = active.node, active.waiting
    deadline = f", until {awaited.deadline:%Y-%m-%d %H:%M:%S} UTC" if awaited.deadline else ""
    match awaited.kind:
        case "timer" if active.role == "backoff":
            return f"{node} to be tried again at {awaited.due:%Y-%m-%d %H:%M:%S} UTC"
        case "session":
            return f"its session to start threads at {node}"
        case "join":
            threads, need = _missing(active), awaited.expects["need"]
            shown = ", ".join(threads[:5]) + (f" and {len(threads) - 5} more" if len(threads) > 5 else "")
            return f"threads at {node} ({need} of {len(awaited.expects['threads'])} needed): {shown}{deadline}"
        case "timer":
            return f"the time {awaited.due:%Y-%m-%d %H:%M:%S} UTC at {node}"
        case "message":
            name = awaited.expects.get("name")
            return f"a message {f'named {name} ' if name else ''}at {node}{deadline}"
        case "approval":
            people = ", ".join(awaited.expects["assignees"])
            choices = ", ".join(awaited.expects["choices"])
            return f"an approval{f' by {people}' if people else ''} at {node} ({choices}){deadline}"
        case _:
            return None
