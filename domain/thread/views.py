"""What a thread answers when it is asked about itself.

Descriptions and executions never carry large values, so that they answer whatever the payload store
does: a value over `ELIDED_FROM` bytes is replaced by `{"elided": true, "bytes": n}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
from typing import Any

from domain.codec import dump
from domain.flow.model import FlowDefinition
from domain.ids import execution_key
from domain.records import ThreadRow
from domain.thread.active import ActiveNode
from domain.thread.checkpoint import Checkpoint
from domain.thread.frame import NodeState
from domain.thread.journal import Execution, ExecutionStatus, Failure, JournalEntry, JournalItem, executions
from domain.thread.mailbox import mailbox_view
from domain.thread.state import Hold, ThreadState, ThreadStatus
from domain.thread.waiting import current_node, waiting, waiting_for
from domain.values import Json, JsonObject, size

ELIDED_FROM = 8 * 1024


def elide(value: Json) -> Json:
    """The value, or how large it is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    length = size(value)
    return value if length <= ELIDED_FROM else {"elided": True, "bytes": length}


def describe(flow: FlowDefinition | None, state: ThreadState) -> JsonObject:
    """The thread as `thread show` prints it, but for what only Temporal knows of attempts.

    Args:
        flow: Its own flow, or the one that it executes; None while it executes none.
        state: The thread.
    """
    identity = state.identity
    own = None if identity.flowless else flow
    return {
        "session_id": identity.session_id,
        "thread_id": identity.thread_id,
        "flow": own.flow if own else None,
        "version": own.version if own else None,
        "status": state.status.value,
        "priority": identity.priority,
        "title": identity.title,
        "description": identity.description,
        "origin": identity.origin.value,
        "parent": identity.parent,
        "root": identity.root,
        "depth": identity.depth,
        "progress": progress(flow, state) if flow or state.outcome else None,
        "current_node": current_node(state),
        "waiting_for": waiting_for(state),
        "waiting": waiting(state),
        "holds": [hold(held) for held in state.holds.values()],
        "in_flight": _in_flight(state.active) if state.active is not None and state.active.in_flight else [],
        "mailbox": mailbox_view(state.mailbox, state.mailbox_limits),
        "variables": {name: elide(value) for name, value in state.current.outermost.variables.items()},
        "subflows": subflows(state),
        "execution": under_way(state.current) if state.outcome is None else None,
        "last_execution": last_execution(state.current),
        "in_line": len(state.line),
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


def under_way(current: Checkpoint) -> JsonObject | None:
    """The flow that a thread without one of its own executes: {number, id, flow, version, started_at}."""
    if current.execution is None:
        return None
    began = current.outermost.started_at
    return {**_named(current.execution), "started_at": began.isoformat() if began else None}


def last_execution(current: Checkpoint) -> JsonObject | None:
    """The last flow that such a thread has executed: {number, id, flow, version, status, result, error, …}."""
    last = current.last
    if last is None:
        return None
    return {
        **_named(last.execution),
        "status": last.status.value,
        "result": elide(last.result),
        "error": _failure(last.error),
        "started_at": last.started_at.isoformat(),
        "ended_at": last.ended_at.isoformat(),
    }


def execution_outcome(state: ThreadState, wanted: int | str) -> JsonObject | None:
    """Where the execution of a flow stands, its result whole: {number, id, flow, version, status, result, error}.

    Args:
        state: The thread.
        wanted: The execution's number, or its id.

    Returns:
        None for an execution that the thread does not know, or no longer remembers.
    """
    in_line = next((each.execution for each in state.line if _is(each.execution, wanted)), None)
    if in_line is not None:
        return {**_named(in_line), "status": "pending", "result": None, "error": None}
    return journal_outcome(state.base, state.journal, wanted)


def journal_outcome(base: Checkpoint, items: Iterable[JournalItem], wanted: int | str) -> JsonObject | None:
    """Where the execution of a flow stood behind the items, as `execution_outcome` tells it."""
    current = base
    for current in accumulate(items, Checkpoint.apply, initial=base):
        last = current.last
        if last is not None and _is(last.execution, wanted):
            error = last.error.visible() if last.error else None
            return {**_named(last.execution), "status": last.status.value, "result": last.result, "error": error}
    if current.execution is None or not _is(current.execution, wanted):
        return None
    return {**_named(current.execution), "status": "running", "result": None, "error": None}


def _is(execution: Execution, wanted: int | str) -> bool:
    return wanted == (execution.id if isinstance(wanted, str) else execution.number)


def _named(execution: Execution) -> JsonObject:
    return {"number": execution.number, "id": execution.id, "flow": execution.flow, "version": execution.version}


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
    return _failure(state.outcome.error) if state.outcome else None


def _failure(error: Failure | None) -> JsonObject | None:
    return replace(error, details=elide(error.details)).visible() if error is not None else None


def progress(flow: FlowDefinition | None, state: ThreadState) -> int:
    """Per cent of the flow's nodes that were executed; 100 only for a completed thread."""
    if state.status is ThreadStatus.COMPLETED:
        return 100
    if flow is None:
        return 0
    done = sum(1 for node in state.current.outermost.nodes if node in flow.nodes)
    return min(99, round(100 * done / len(flow.nodes)))


def hold(held: Hold) -> JsonObject:
    """A hold as people read it."""
    return {
        "kind": held.kind.value,
        "actor": held.actor,
        "reason": held.reason,
        "at": held.at.isoformat(),
        "until": held.until.isoformat() if held.until else None,
    }


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


def thread_row(flow: FlowDefinition | None, flow_digest: str, state: ThreadState) -> ThreadRow:
    """The thread as the list of threads shows it; arguments as for `describe`."""
    identity = state.identity
    own = None if identity.flowless else flow
    return ThreadRow(
        session_id=identity.session_id,
        thread_id=identity.thread_id,
        flow=own.flow if own else None,
        version=own.version if own else None,
        flow_digest=flow_digest or None,
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
