"""How a node execution ends: what it saves, the way on, its journal entry; and how a flow ends with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.changing import replace
from domain.errors import Code, ThreadloomError
from domain.flow.expressions import holds, render
from domain.flow.model import (
    ActivityCalling,
    DecisionNode,
    Edge,
    Effectful,
    EndNode,
    ErrorEdge,
    FailNode,
    Hook,
    ReceiveNode,
    Step,
    WaitingStep,
)
from domain.flow.schema import check_output
from domain.thread.active import ActiveNode, Compensation, HookDue
from domain.thread.checkpoint import Checkpoint
from domain.thread.events import EndingBegan, NodeEnded, ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.executing import ended
from domain.thread.journal import ExecutionStatus, Failure, JournalEntry
from domain.thread.kinds.outside import compensation_of
from domain.thread.kinds.visit import Done, Failed, Visit, timed_out
from domain.thread.program import Program
from domain.thread.scope import Scope
from domain.thread.state import Outcome, Returned, ThreadState, ThreadStatus
from domain.values import MAX_DEPTH, Json, JsonObject, is_json


def visit_of(program: Program, state: ThreadState, active: ActiveNode, now: datetime) -> Visit:
    """The visit of the node in execution, which is always one of the innermost flow."""
    flow, node = program.at(state.current), active.node.rpartition("/")[2]
    return Visit(program, flow, state, state.current, node, flow.nodes[node], active.visit, now)


def end_node(visit: Visit, active: ActiveNode | None, outcome: Done | Failed) -> list[ThreadEvent]:
    """The end of the node; when its flow ends with it, also that of the subflow node or thread around it."""
    node_ended = _ended(visit, active, outcome)
    after = evolve(visit.state, node_ended)
    # A hook runs in the flow of its node, so the flow is left only behind it.
    return [node_ended, *(returned(visit.program, after, visit.now) if after.hook is None else ())]


def returned(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """What follows when the innermost flow has ended: the end of its subflow node, or of the thread."""
    if state.returned is None:
        return []
    outcome = state.returned.outcome
    inner = state.current
    if not inner.callers:
        return finish(state, outcome, compensate=state.returned.compensate, now=now)
    visit = caller_visit(program, state, now)
    if outcome.status is ThreadStatus.COMPLETED:
        return end_node(visit, None, Done(outcome.result))
    if inner.deadline is not None and inner.deadline <= now:
        return end_node(visit, None, timed_out(visit))
    assert outcome.error is not None
    return end_node(visit, None, Failed(outcome.error))


def caller_visit(program: Program, state: ThreadState, now: datetime) -> Visit:
    """The visit of the subflow node that executes the innermost flow."""
    inner, outer = state.current, state.current.ascend()
    flow, node = program.at(outer), inner.path.rpartition("/")[2]
    return Visit(program, flow, state, outer, node, flow.nodes[node], inner.visit, now)


def finish(state: ThreadState, outcome: Outcome, *, compensate: bool, now: datetime) -> list[ThreadEvent]:
    """The end of the thread, or of the flow that it was given; its beginning when something is to be undone first."""
    if state.cancellation and outcome.status is not ThreadStatus.CANCELLED:
        # Whoever cancelled the thread wants it cancelled, also when its last activity did not end well.
        failed = outcome.status is ThreadStatus.FAILED
        outcome = cancelled_outcome(state) if failed else outcome
    if compensate and state.compensations:
        return [EndingBegan(outcome=outcome, compensate=True, at=now)]
    return ended(state, outcome, now)


def cancelled(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """The end of a thread that was cancelled, and of the node it stands at."""
    assert state.cancellation is not None
    compensate = state.cancellation.compensate
    outcome = cancelled_outcome(state)
    events: list[ThreadEvent] = []
    if state.active is not None and state.active.role == "node":
        visit = visit_of(program, state, state.active, now)
        entry = make_entry(visit, state.active, ExecutionStatus.CANCELLED, error=outcome.error)
        events.append(NodeEnded(entry=entry))
        state = evolve(state, events[0])
    return [*events, *finish(state, outcome, compensate=compensate, now=now)]


def cancelled_outcome(state: ThreadState) -> Outcome:
    assert state.cancellation is not None
    failure = Failure(
        code=Code.CANCELLED,
        message=state.cancellation.reason or f"cancelled by {state.cancellation.actor}",
        node=state.active.node if state.active else state.current.next_path,
    )
    return Outcome(status=ThreadStatus.CANCELLED, error=failure)


def failed_outcome(failure: Failure) -> Outcome:
    return Outcome(status=ThreadStatus.FAILED, error=failure)


def _ended(visit: Visit, active: ActiveNode | None, outcome: Done | Failed) -> NodeEnded:
    if isinstance(outcome, Failed):
        return _failed(visit, active, outcome)
    try:
        return _completed(visit, active, outcome)
    except ThreadloomError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.path)
        return _failed(visit, active, Failed(failure), done=outcome)


def _completed(visit: Visit, active: ActiveNode | None, done: Done) -> NodeEnded:
    node = visit.node
    changed, saved_as = dict(done.changed or {}), None
    save = node.save if isinstance(node, WaitingStep) else None
    if isinstance(save, str):
        saved_as = save
    elif save:
        extra = {"message": done.result} if isinstance(node, ReceiveNode) else {}
        scope = visit.scope(result=done.result, **extra)
        changed.update((name, render(template, scope)) for name, template in save.items())
    _require_shallow(visit, {**changed, **(done.appended or {})})
    usage = None
    if isinstance(node, ActivityCalling) and node.usage is not None:
        usage = checked_usage(render(node.usage, visit.scope(result=done.result)))
    entry = make_entry(
        visit,
        active,
        ExecutionStatus.COMPLETED,
        result=done.result,
        changed=changed,
        appended=done.appended,
        saved_as=saved_as,
        usage=usage,
    )
    after = visit.at.apply(entry)
    if isinstance(node, EndNode):
        check_output(visit.flow, done.result)
        outcome = Outcome(status=ThreadStatus.COMPLETED, result=done.result)
        return _told(visit, entry, done=done, returned=Returned(outcome=outcome, compensate=node.compensate))
    assert isinstance(node, Step | DecisionNode)
    edge = _choose(visit, after, node.next)
    if edge is None:
        raise ThreadloomError(Code.NO_EDGE, f"no edge of {visit.path} holds and none is the default")
    compensation = None
    if isinstance(node, Effectful):
        compensation = compensation_of(visit, node, _scope(visit, after, {"result": done.result}))
    return _told(visit, replace(entry, next=edge.to), done=done, compensation=compensation)


def _require_shallow(visit: Visit, changed: JsonObject) -> None:
    """Refuse a value that nests deeper than JSON here may: nothing that wraps itself could be stored."""
    for name, value in changed.items():
        if not is_json(value):
            raise ThreadloomError(Code.EXPRESSION_ERROR, f"{visit.path}: {name} nests deeper than {MAX_DEPTH}")


def _failed(visit: Visit, active: ActiveNode | None, failed: Failed, done: Done | None = None) -> NodeEnded:
    result = done.result if done else None
    entry = make_entry(visit, active, ExecutionStatus.FAILED, result=result, error=failed.failure)
    done = Done(consumed=done.consumed if done else failed.consumed, dismissed=failed.dismissed)
    try:
        if not failed.final and (way := _way_out(visit, entry, failed)):
            return _told(visit, way, done=done)
    except ThreadloomError as error:
        # The expression of an edge is itself wrong: that failure is the one to tell.
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.path)
        entry, failed = replace(entry, error=failure), Failed(failure)
    compensate = visit.node.compensate if isinstance(visit.node, FailNode) else True
    outcome = failed_outcome(failed.failure)
    return _told(visit, entry, done=done, returned=Returned(outcome=outcome, compensate=compensate))


def _way_out(visit: Visit, entry: JournalEntry, failed: Failed) -> JournalEntry | None:
    """The entry of a failure that an edge catches, or that the flow's policy goes on from."""
    node, after = visit.node, visit.at.apply(entry)
    edge = _catching(visit, after, failed)
    if edge is not None:
        return replace(entry, next=edge.to)
    policy = visit.flow.error_policy
    if policy.action == "stop" or not isinstance(node, Step | DecisionNode):
        return None
    if policy.action == "retry":
        before = visit.at.nodes.get(visit.id)
        retried = (before.retried if before else 0) + 1
        return replace(entry, next=visit.id, retried=retried) if retried < policy.maximum_attempts else None
    if policy.action == "skip":
        entry = replace(entry, status=ExecutionStatus.SKIPPED)
    edge = _choose(visit, visit.at.apply(entry), node.next, failed.failure)
    return replace(entry, next=edge.to) if edge is not None else None


def _catching(visit: Visit, after: Checkpoint, failed: Failed) -> Edge | None:
    node = visit.node
    if failed.timed_out and isinstance(node, WaitingStep):
        edge = _choose(visit, after, node.on_timeout, failed.failure)
        if edge is not None:
            return edge
    edges = node.on_error if isinstance(node, Step | DecisionNode) else []
    caught = [edge for edge in edges if not edge.codes or failed.failure.code in edge.codes]
    return _choose(visit, after, caught, failed.failure)


def _choose(
    visit: Visit, after: Checkpoint, edges: Iterable[Edge | ErrorEdge], failure: Failure | None = None
) -> Edge | None:
    """The edge to take: those with a condition by priority, then the default, then nothing."""
    scope = _scope(visit, after, {"error": failure.visible()} if failure else {})
    for edge in _by_priority(edges):
        if edge.when is None or holds(edge.when, scope):
            return edge
    return None


def _scope(visit: Visit, after: Checkpoint, extra: JsonObject) -> Scope:
    return Scope(visit.state, visit.now, visit.path, visit.number, checkpoint=after, extra=extra)


def _by_priority(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Highest priority first, in the order of the file; the default, whatever its priority, last."""
    yield from sorted(edges, key=lambda edge: (_is_default(edge), -edge.priority))


def _is_default(edge: Edge) -> bool:
    return edge.when is None and not (isinstance(edge, ErrorEdge) and edge.codes)


def _told(
    visit: Visit,
    entry: JournalEntry,
    *,
    done: Done,
    compensation: Compensation | None = None,
    returned: Returned | None = None,
) -> NodeEnded:
    return NodeEnded(
        entry=entry,
        consumed=done.consumed,
        compensation=compensation,
        hook=_hook_due(visit, entry),
        dismissed=done.dismissed,
        returned=returned,
    )


def _hook_due(visit: Visit, entry: JournalEntry) -> HookDue | None:
    hooks = visit.flow.hooks
    if entry.error is not None:
        due = HookDue(role="on_error", node=visit.path, visit=visit.number, error=entry.error)
        return due if is_for(hooks.on_error, visit.id) else None
    if visit.node.leads_on and is_for(hooks.after_node, visit.id):
        return HookDue(role="after_node", node=visit.path, visit=visit.number)
    return None


def is_for(hook: Hook | None, node: str) -> bool:
    """Whether there is a hook, and the node is one that it is for."""
    return hook is not None and (not hook.nodes or node in hook.nodes)


def make_entry(
    visit: Visit,
    active: ActiveNode | None,
    status: ExecutionStatus,
    *,
    result: Json = None,
    error: Failure | None = None,
    changed: JsonObject | None = None,
    appended: dict[str, list[Json]] | None = None,
    saved_as: str | None = None,
    usage: JsonObject | None = None,
) -> JournalEntry:
    inner = visit.state.current
    began = active.started_at if active else visit.now
    descended = inner.path == visit.path
    if descended:
        began = inner.started_at or began
    return JournalEntry(
        seq=inner.seq + 1,
        node=visit.path,
        kind=visit.node.kind,
        visit=visit.number,
        status=status,
        started_at=began,
        ended_at=visit.now,
        result=result,
        error=error,
        changed=changed or {},
        appended=appended or {},
        saved_as=saved_as,
        usage=usage,
        begun=inner.begun if descended else None,
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
