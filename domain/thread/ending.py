"""How a node execution ends: what it saves, the edge it takes, and its journal entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import holds, render
from domain.flow.model import (
    ActivityNode,
    DecisionNode,
    Edge,
    EndNode,
    ErrorEdge,
    FlowDefinition,
    ReceiveNode,
    Step,
    WaitingStep,
)
from domain.thread.events import NodeEnded, ThreadEnded, ThreadEvent
from domain.thread.journal import Checkpoint, ExecutionStatus, Failure, JournalEntry
from domain.thread.kinds import Done, Failed, Visit
from domain.thread.scope import Scope
from domain.thread.state import ActiveNode, Outcome, ThreadState, ThreadStatus
from domain.values import MAX_DEPTH, Json, JsonObject, is_json


def visit_of(flow: FlowDefinition, state: ThreadState, active: ActiveNode, now: datetime) -> Visit:
    return Visit(flow=flow, state=state, id=active.node, node=flow.nodes[active.node], number=active.visit, now=now)


def cancelled(flow: FlowDefinition, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    assert state.cancellation is not None
    failure = Failure(
        code=Code.CANCELLED,
        message=state.cancellation.reason or f"cancelled by {state.cancellation.actor}",
        node=state.active.node if state.active else state.current.next,
    )
    events: list[ThreadEvent] = []
    if state.active is not None:
        visit = visit_of(flow, state, state.active, now)
        events.append(NodeEnded(entry=make_entry(visit, state.active, ExecutionStatus.CANCELLED, error=failure)))
    return [*events, ended_as(ThreadStatus.CANCELLED, failure, now)]


def end_node(visit: Visit, active: ActiveNode | None, outcome: Done | Failed) -> list[ThreadEvent]:
    if isinstance(outcome, Failed):
        return _fail_node(visit, active, outcome)
    try:
        return _complete_node(visit, active, outcome)
    except ThreadloomError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.id)
        return _fail_node(visit, active, Failed(failure), result=outcome.result, consumed=outcome.consumed)


def _complete_node(visit: Visit, active: ActiveNode | None, done: Done) -> list[ThreadEvent]:
    node = visit.node
    changed, saved_as = dict(done.changed or {}), None
    save = node.save if isinstance(node, WaitingStep) else None
    if isinstance(save, str):
        saved_as = save
    elif save:
        extra = {"message": done.result} if isinstance(node, ReceiveNode) else {}
        scope = visit.scope(result=done.result, **extra)
        changed.update((name, render(template, scope)) for name, template in save.items())
    _require_shallow(visit, changed)
    usage = None
    if isinstance(node, ActivityNode) and node.usage is not None:
        usage = checked_usage(render(node.usage, visit.scope(result=done.result)))
    entry = make_entry(
        visit,
        active,
        ExecutionStatus.COMPLETED,
        result=done.result,
        changed=changed,
        saved_as=saved_as,
        usage=usage,
    )
    if isinstance(node, EndNode):
        outcome = Outcome(status=ThreadStatus.COMPLETED, result=done.result)
        return [NodeEnded(entry=entry), ThreadEnded(outcome=outcome, at=visit.now)]
    assert isinstance(node, Step | DecisionNode)
    after = visit.state.current.apply(entry)
    edge = _choose(visit, after, node.next)
    if edge is None:
        raise ThreadloomError(Code.NO_EDGE, f"no edge of {visit.id} holds and none is the default")
    return [NodeEnded(entry=replace(entry, next=edge.to), consumed=done.consumed)]


def _require_shallow(visit: Visit, changed: JsonObject) -> None:
    """Refuse a value that nests deeper than JSON here may: nothing that wraps itself could be stored."""
    for name, value in changed.items():
        if not is_json(value):
            raise ThreadloomError(Code.EXPRESSION_ERROR, f"{visit.id}: {name} nests deeper than {MAX_DEPTH}")


def _fail_node(
    visit: Visit, active: ActiveNode | None, failed: Failed, *, result: Json = None, consumed: str | None = None
) -> list[ThreadEvent]:
    entry = make_entry(visit, active, ExecutionStatus.FAILED, result=result, error=failed.failure)
    try:
        edge = _catching(visit, visit.state.current.apply(entry), failed)
    except ThreadloomError as error:
        # The expression of an error edge is itself wrong: that failure is the one to tell.
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.id)
        entry, edge, failed = replace(entry, error=failure), None, Failed(failure)
    if edge:
        return [NodeEnded(entry=replace(entry, next=edge.to), consumed=consumed)]
    ended = NodeEnded(entry=entry, consumed=consumed)
    if visit.state.cancellation:
        # Whoever cancelled the thread wants it cancelled, also when its last activity did not end well.
        return [ended, *cancelled(visit.flow, replace(visit.state, active=None), visit.now)]
    return [ended, ended_as(ThreadStatus.FAILED, failed.failure, visit.now)]


def _catching(visit: Visit, after: Checkpoint, failed: Failed) -> Edge | None:
    node = visit.node
    if failed.timed_out and isinstance(node, WaitingStep):
        edge = _choose(visit, after, node.on_timeout, failed.failure)
        if edge is not None:
            return edge
    edges = node.on_error if isinstance(node, Step | DecisionNode) else []
    caught = [edge for edge in edges if not edge.codes or failed.failure.code in edge.codes]
    return _choose(visit, after, caught, failed.failure)


def ended_as(status: ThreadStatus, failure: Failure, now: datetime) -> ThreadEnded:
    return ThreadEnded(outcome=Outcome(status=status, error=failure), at=now)


def _choose(
    visit: Visit, after: Checkpoint, edges: Iterable[Edge | ErrorEdge], failure: Failure | None = None
) -> Edge | None:
    """The edge to take: those with a condition by priority, then the default, then nothing."""
    extra: JsonObject = {"error": failure.visible()} if failure else {}
    scope = Scope(visit.state, visit.now, visit.id, visit.number, checkpoint=after, extra=extra)
    for edge in _by_priority(edges):
        if edge.when is None or holds(edge.when, scope):
            return edge
    return None


def _by_priority(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Highest priority first, in the order of the file; the default, whatever its priority, last."""
    yield from sorted(edges, key=lambda edge: (_is_default(edge), -edge.priority))


def _is_default(edge: Edge) -> bool:
    return edge.when is None and not (isinstance(edge, ErrorEdge) and edge.codes)


def make_entry(
    visit: Visit,
    active: ActiveNode | None,
    status: ExecutionStatus,
    *,
    result: Json = None,
    error: Failure | None = None,
    changed: JsonObject | None = None,
    saved_as: str | None = None,
    usage: JsonObject | None = None,
) -> JournalEntry:
    return JournalEntry(
        seq=visit.state.current.seq + 1,
        node=visit.id,
        kind=visit.node.kind,
        visit=visit.number,
        status=status,
        started_at=active.started_at if active else visit.now,
        ended_at=visit.now,
        result=result,
        error=error,
        changed=changed or {},
        saved_as=saved_as,
        usage=usage,
    )


MOST_USED = 1e15
"""Tokens, or cost, of one activity: beyond it the figure is a mistake."""


def checked_usage(usage: Json) -> JsonObject | None:
    """Usage {model, tokens, cost} as an activity reported it; None for none.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when it has another shape, or figures that nobody can have used.
    """
    if usage is None:
        return None
    if isinstance(usage, dict) and all(_is_amount(usage.get(name, 0)) for name in ("tokens", "cost")):
        return {
            "model": str(usage.get("model") or "unknown")[:200],
            "tokens": usage.get("tokens", 0),
            "cost": usage.get("cost", 0),
        }
    raise ThreadloomError(
        Code.EXPRESSION_ERROR,
        f"`usage` must give {{model, tokens, cost}} with numbers from 0 to {MOST_USED:.0e}, or null",
    )


def _is_amount(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_USED
