"""Entering a node, and looking again while it waits, kind by kind."""

from __future__ import annotations

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.language.values import text_of
from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    DecisionNode,
    EndNode,
    FailNode,
    ForkNode,
    HttpNode,
    JoinNode,
    MapNode,
    ReceiveNode,
    SendNode,
    SetNode,
    SpawnNode,
    SubflowNode,
    WaitNode,
    WorkflowNode,
)
from domain.flow.schema import check_input
from domain.thread.active import ActiveNode
from domain.thread.kinds import outside, threads, waits
from domain.thread.kinds.visit import Blocked, Descended, Done, Failed, Visit, timed_out
from domain.thread.snapshot import initial_variables
from domain.values import JsonObject

SUBFLOW_DEPTH = 20
"""How deep subflows may nest, recursion included."""


def enter(visit: Visit) -> Done | Failed | Blocked | Descended:
    """Begin the node. Raises `ThreadloomError` for what the flow's author got wrong."""
    match visit.node:
        case SetNode() as node:
            return _set(visit, node)
        case DecisionNode():
            return Done()
        case ActivityNode() as node:
            return outside.activity(visit, node)
        case MapNode() as node:
            return outside.over(visit, node)
        case HttpNode() as node:
            return outside.http(visit, node)
        case SendNode() as node:
            return outside.send(visit, node)
        case WorkflowNode() as node:
            return outside.workflow(visit, node)
        case WaitNode() as node:
            return waits.wait(visit, node)
        case ReceiveNode() as node:
            return waits.receive(visit, node)
        case ApprovalNode() as node:
            return waits.approval(visit, node)
        case SpawnNode() as node:
            return threads.spawn(visit, node)
        case ForkNode() as node:
            return threads.fork(visit, node)
        case JoinNode() as node:
            return threads.join(visit, node)
        case SubflowNode() as node:
            return _descend(visit, node)
        case EndNode() as node:
            return Done(render(node.result, visit.scope()))
        case FailNode() as node:
            return _fail(visit, node)


def poll(visit: Visit, active: ActiveNode) -> Done | Failed | Blocked | None:
    """Look whether a waiting node has what it waits for; None when it has to wait on."""
    found = waits.look(visit, active)
    if found is not None:
        return found
    node, waiting = visit.node, active.waiting
    if isinstance(node, MapNode) and active.map is not None and (result := outside.mapped(visit, node, active.map)):
        return result
    if isinstance(node, JoinNode) and (gathered := threads.gathered(visit, node, active)):
        return gathered
    if waiting.deadline is not None and waiting.deadline <= visit.now and not active.in_flight:
        over_time = timed_out(visit)
        if isinstance(node, JoinNode):
            return Failed(over_time.failure, timed_out=True, dismissed=threads.dismissed(node, active))
        return over_time
    return None


def _set(visit: Visit, node: SetNode) -> Done:
    scope = visit.scope()
    changed = {name: render(template, scope) for name, template in node.set.items()}
    appended = {name: [render(item, scope) for item in listed] for name, listed in node.append.items()}
    for name in appended:
        if not isinstance(visit.at.variables.get(name), list):
            raise ThreadloomError(Code.EXPRESSION_ERROR, f"{visit.id} appends to {name}, which is no list")
    return Done(changed=changed, appended=appended)


def _descend(visit: Visit, node: SubflowNode) -> Failed | Descended:
    if len(visit.at.callers) >= SUBFLOW_DEPTH:
        return visit.fail(Code.SUBFLOW_TOO_DEEP, f"{visit.path} would be subflow {SUBFLOW_DEPTH + 1} deep")
    flow = visit.program.named(node.flow)
    given = render(node.input, visit.scope())
    check_input(flow, given)
    limits = [limit for limit in (node.timeout, flow.limits.max_duration) if limit is not None]
    return Descended(
        flow=node.flow,
        input=given,
        variables=initial_variables(flow, given),
        start=flow.start,
        deadline=visit.deadline(min(limits, default=None)),
    )


def _fail(visit: Visit, node: FailNode) -> Failed:
    scope = visit.scope()
    message = node.message if node.message is None else text_of(render(node.message, scope))
    details = render(node.details, scope)
    told: JsonObject | None = details if isinstance(details, dict) or details is None else {"details": details}
    failed = visit.fail(node.code, message or node.title or f"the flow failed at {visit.path}", told)
    return Failed(failed.failure, final=True)
