"""What a thread answers when it is asked about itself.

Descriptions and executions never carry large values, so that they answer whatever the payload store
does: a value over `ELIDED_FROM` bytes is replaced by `{"elided": true, "bytes": n}`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.codec import dump
from domain.flow.model import FlowDefinition
from domain.ids import execution_key
from domain.records import ThreadRow
from domain.thread.active import IN_FLIGHT, ActiveNode
from domain.thread.checkpoint import NodeState
from domain.thread.journal import ExecutionStatus, JournalEntry, executions
from domain.thread.mailbox import mailbox_view
from domain.thread.state import Hold, HoldKind, ThreadState, ThreadStatus
from domain.values import Json, JsonObject, size

ELIDED_FROM = 8 * 1024


def elide(value: Json) -> Json:
    """The value, or how large it is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    length = size(value)
    return value if length <= ELIDED_FROM else {"elided": True, "bytes": length}


def describe(flow: FlowDefinition, state: ThreadState) -> JsonObject:
    """The thread as `thread show` prints it, but for what only Temporal knows of attempts."""
    identity = state.identity
    return {
        "session_id": identity.session_id,
        "thread_id": identity.thread_id,
        "flow": flow.flow,
        "version": flow.version,
        "status": state.status.value,
        "priority": identity.priority,
        "title": identity.title,
        "description": identity.description,
        "origin": identity.origin.value,
        "parent": identity.parent,
        "root": identity.root,
        "depth": identity.depth,
        "progress": progress(flow, state),
        "current_node": current_node(state),
        "waiting_for": waiting_for(state),
        "waiting": waiting(state),
        "holds": [hold(held) for held in state.holds.values()],
        "in_flight": _in_flight(state.active) if state.active is not None and state.active.in_flight else [],
        "mailbox": mailbox_view(state.mailbox, state.mailbox_limits),
        "variables": {name: elide(value) for name, value in state.current.outermost.variables.items()},
        "subflows": subflows(state),
        "metadata": elide(state.metadata),
        "usage": {model: dict(figures) for model, figures in state.current.usage.items()},
        "fork_info": identity.fork_info,
        "copy_info": identity.copy_info,
        "operations": [dump(operation) for operation in state.operations],
        "result": elide(state.outcome.result) if state.outcome else None,
        "error": failure(state),
        "ending": _ending(state),
        "not_undone": list(state.not_undone),
        "steps": state.steps,
        "created_at": identity.created_at.isoformat(),
        "started_at": state.started_at.isoformat() if state.started_at else None,
        "completed_at": state.ended_at.isoformat() if state.ended_at else None,
        "last_activity_at": state.last_activity_at.isoformat(),
    }


def unread_messages(state: ThreadState) -> list[JsonObject]:
    """What is in the mailbox, the oldest first; large bodies are left out."""
    return [{**message.visible(), "body": elide(message.body)} for message in state.mailbox]


def subflows(state: ThreadState) -> list[JsonObject]:
    """The subflows in execution, the outermost first, with the variables they see."""
    frames = (*state.current.callers, state.current)[1:]
    return [
        {
            "node": frame.path,
            "visit": frame.visit,
            "flow": frame.flow,
            "variables": {name: elide(value) for name, value in frame.variables.items()},
        }
        for frame in frames
    ]


def _ending(state: ThreadState) -> JsonObject | None:
    """What is still to be undone before the thread has ended, the next first."""
    if state.ending is None:
        return None
    to_undo = [f"{compensation.node}#{compensation.visit}" for compensation in reversed(state.compensations)]
    return {"status": state.ending.status.value, "to_undo": to_undo}


def list_executions(state: ThreadState) -> list[JsonObject]:
    """Node executions in memory, the one under way last. `seq` is what `@seq` points at."""
    listed = [_execution(state, entry) for entry in executions(state.journal)]
    if state.active is not None:
        active = state.active
        listed.append(
            {
                "seq": state.current.seq + 1,
                "id": active.key,
                "node": active.node,
                "kind": active.kind if active.role == "node" else active.role,
                "visit": active.visit,
                "status": ExecutionStatus.RUNNING.value,
                "attempts": None,
                "started_at": active.started_at.isoformat(),
                "ended_at": None,
                "duration_seconds": None,
                "result": None,
                "error": None,
                "inherited": False,
            }
        )
    return listed


def _execution(state: ThreadState, entry: JournalEntry) -> JsonObject:
    return execution(state.identity.thread_id, entry)


def execution(thread_id: str, entry: JournalEntry) -> JsonObject:
    """One execution. `attempts` of an activity or a request is filled in by who can read Temporal's history."""
    return {
        "seq": entry.seq,
        "id": execution_key(thread_id, entry.node, entry.visit),
        "node": entry.node,
        "kind": entry.kind,
        "visit": entry.visit,
        "status": entry.status.value,
        "attempts": None if entry.kind in ("activity", "http") else 1,
        "started_at": entry.started_at.isoformat(),
        "ended_at": entry.ended_at.isoformat(),
        "duration_seconds": round((entry.ended_at - entry.started_at).total_seconds(), 3),
        "result": elide(entry.result),
        "error": entry.error.visible() if entry.error else None,
        "next": entry.next,
        "changed": entry.written,
        "usage": entry.usage,
        "inherited": entry.inherited,
    }


def node_execution(state: ThreadState, node: str) -> NodeState | None:
    """The last execution of a node of the thread's own flow."""
    return state.current.outermost.nodes.get(node)


def failure(state: ThreadState) -> JsonObject | None:
    """Why the thread did not complete."""
    if state.outcome is None or state.outcome.error is None:
        return None
    error = state.outcome.error
    return replace(error, details=elide(error.details)).visible()


def progress(flow: FlowDefinition, state: ThreadState) -> int:
    """Per cent of the flow's nodes that were executed; 100 only for a completed thread."""
    if state.status is ThreadStatus.COMPLETED:
        return 100
    done = sum(1 for node in state.current.outermost.nodes if node in flow.nodes)
    return min(99, round(100 * done / len(flow.nodes)))


def current_node(state: ThreadState) -> str | None:
    """The node in execution, or else the next one."""
    if state.outcome:
        return None
    return state.active.node if state.active else state.current.next_path


def hold(held: Hold) -> JsonObject:
    """A hold as people read it."""
    return {
        "kind": held.kind.value,
        "actor": held.actor,
        "reason": held.reason,
        "at": held.at.isoformat(),
        "until": held.until.isoformat() if held.until else None,
    }


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
    if active is None or active.waiting.kind in IN_FLIGHT:
        return None
    return _awaited_data(active)


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


def _in_flight(active: ActiveNode) -> list[JsonObject]:
    """What is in flight; attempt, state and worker are filled in by who can ask Temporal."""
    places: tuple[int | None, ...] = active.map.running if active.map is not None else (None,)
    return [_call(active, place) for place in places]


def _call(active: ActiveNode, place: int | None) -> JsonObject:
    expects: dict[str, Any] = active.waiting.expects
    suffix = f"/{place}" if place is not None else "" if active.role == "node" else f"/{active.role}"
    found = {
        "id": f"{active.node}#{active.visit}{suffix}",
        "node": active.node,
        "visit": active.visit,
        "role": active.role,
        "activity": expects.get("activity"),
        "task_queue": expects.get("task_queue"),
        "state": "scheduled",
        "attempt": 1,
        "maximum_attempts": expects.get("maximum_attempts") or None,
        "since": active.started_at.isoformat(),
        "next_attempt_at": None,
        "last_failure": None,
        "worker": None,
    }
    if place is not None:
        found["item"] = place
    if active.waiting.kind == "workflow":
        found |= {"workflow": expects["workflow"], "workflow_id": expects["id"]}
    return found


def thread_row(flow: FlowDefinition, flow_digest: str, state: ThreadState) -> ThreadRow:
    """The thread as the list of threads shows it."""
    identity = state.identity
    return ThreadRow(
        session_id=identity.session_id,
        thread_id=identity.thread_id,
        flow=flow.flow,
        version=flow.version,
        flow_digest=flow_digest,
        status=state.status.value,
        priority=identity.priority,
        title=identity.title,
        parent=identity.parent,
        root=identity.root,
        depth=identity.depth,
        origin=identity.origin.value,
        progress=progress(flow, state),
        current_node=current_node(state),
        waiting=waiting(state),
        fork_info=identity.fork_info,
        copy_info=identity.copy_info,
        result=elide(state.outcome.result) if state.outcome else None,
        error=failure(state),
        created_at=identity.created_at,
        updated_at=state.last_activity_at,
        started_at=state.started_at,
        completed_at=state.ended_at,
    )
