"""Does a flow make sense? Edges, names, expressions, schemas: what the models cannot see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from domain.flow.diagnostics import DiagnosticCode, Path, Problem
from domain.flow.durations import parse_duration
from domain.flow.expression_checks import check_expressions
from domain.flow.expressions import is_template
from domain.flow.json_schema import schema_problems
from domain.flow.language.nearby import near
from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    Edge,
    ErrorEdge,
    FlowDefinition,
    NodeBase,
    ReceiveNode,
    SetNode,
    WaitingStep,
    WaitNode,
)
from domain.flow.names import RESERVED
from domain.values import Json


def check_meaning(flow: FlowDefinition, document: Json, *, edges_known: bool = True) -> list[Problem]:
    """All problems of meaning, in the order of the file's parts.

    Args:
        flow: The flow, its defaults applied.
        document: What the flow was made from; names of nodes that it has count as known, also when
            the node itself was too broken for the flow.
        edges_known: Whether the flow has all its edges, so that reachability can be judged.
    """
    nodes = document.get("nodes") if isinstance(document, dict) else None
    known = {str(name) for name in nodes} if isinstance(nodes, dict) else set(flow.nodes)
    return [
        *_check_schemas(flow),
        *_check_names(flow),
        *_check_start(flow, known),
        *(problem for node_id, node in flow.nodes.items() for problem in _check_node(node_id, node, flow, known)),
        *check_expressions(flow, known),
        *_check_ends(flow),
        *(_check_ways(flow) if edges_known and flow.start in flow.nodes else ()),
    ]


def edges_of(node: NodeBase) -> Iterator[tuple[str, Sequence[Edge]]]:
    """The node's lists of edges by the name of their field."""
    for name in ("next", "on_error", "on_timeout"):
        edges = getattr(node, name, None)
        if edges:
            yield name, edges


def _check_schemas(flow: FlowDefinition) -> Iterator[Problem]:
    for name, schema in (("inputs", flow.inputs), ("outputs", flow.outputs)):
        for path, message in schema_problems(schema) if schema is not None else ():
            yield Problem((name, *path), DiagnosticCode.BAD_SCHEMA, message)


def _check_names(flow: FlowDefinition) -> Iterator[Problem]:
    yield from _reserved(("variables",), flow.variables)
    yield from _reserved(("nodes",), flow.nodes)
    for node_id, node in flow.nodes.items():
        if isinstance(node, SetNode):
            yield from _reserved(("nodes", node_id, "set"), node.set)
        elif isinstance(node, WaitingStep) and isinstance(node.save, dict):
            yield from _reserved(("nodes", node_id, "save"), node.save)
        elif isinstance(node, WaitingStep) and node.save in RESERVED:
            yield _reserved_name(("nodes", node_id, "save"), str(node.save), at_key=False)


def _reserved(path: Path, names: Iterable[str]) -> Iterator[Problem]:
    return (_reserved_name((*path, name), name, at_key=True) for name in names if name in RESERVED)


def _reserved_name(path: Path, name: str, *, at_key: bool) -> Problem:
    return Problem(
        path, DiagnosticCode.RESERVED_NAME, f"{name!r} means something else in expressions", "choose another", at_key
    )


def _check_start(flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    if flow.start not in known:
        yield unknown_node(("start",), flow.start, known)


def unknown_node(path: Path, name: str, known: Iterable[str]) -> Problem:
    """The complaint that there is no such node."""
    nearest = near(name, known)
    hint = f"did you mean {nearest[0]!r}?" if nearest else None
    return Problem(path, DiagnosticCode.UNKNOWN_NODE, f"there is no node {name!r}", hint)


def _check_node(node_id: str, node: NodeBase, flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    path: Path = ("nodes", node_id)
    for name, edges in edges_of(node):
        yield from _check_edges((*path, name), edges, known)
        if name == "next" and all(edge.when for edge in edges):
            yield Problem(
                (*path, name),
                DiagnosticCode.DECISION_WITHOUT_DEFAULT,
                f"no edge of {node_id!r} is taken when no condition holds",
                "add an edge without `when`",
                at_key=True,
            )
    if isinstance(node, ActivityNode):
        yield from _check_activity(path, node)
    elif isinstance(node, WaitNode):
        yield from _check_wait(path, node)
    elif isinstance(node, ReceiveNode | ApprovalNode) and node.timeout is None and flow.limits.max_duration is None:
        yield Problem(
            path,
            DiagnosticCode.UNBOUNDED_WAIT,
            f"{node_id!r} may wait for ever",
            "add `timeout`, or `limits.max_duration`",
            at_key=True,
        )


def _check_edges(path: Path, edges: Sequence[Edge], known: set[str]) -> Iterator[Problem]:
    default_seen = False
    for index, edge in enumerate(edges):
        if edge.to not in known:
            yield unknown_node((*path, index, "to"), edge.to, known)
        if edge.when is None and not (isinstance(edge, ErrorEdge) and edge.codes):
            if default_seen:
                yield Problem(
                    (*path, index),
                    DiagnosticCode.DUPLICATE_DEFAULT,
                    f"the edge to {edge.to!r} is a second default and never taken",
                    "give it a `when`",
                )
            default_seen = True


def _check_activity(path: Path, node: ActivityNode) -> Iterator[Problem]:
    if is_template(node.activity) and not node.allowed:
        message = "a templated `activity` needs `allowed`, the names that it may take"
        yield Problem(path, DiagnosticCode.MISSING_FIELD, message, at_key=True)
    if node.effect is None:
        yield Problem(
            path,
            DiagnosticCode.EFFECT_UNDECLARED,
            f"{path[-1]!r} does not say what running it twice would do",
            "add `effect: none`, `idempotent` or `external`",
            at_key=True,
        )


def _check_wait(path: Path, node: WaitNode) -> Iterator[Problem]:
    if node.for_ is not None and not is_template(node.for_):
        try:
            parse_duration(node.for_)
        except ValueError as error:
            yield Problem((*path, "for"), DiagnosticCode.BAD_DURATION, str(error))
    if node.until is not None and not is_template(node.until):
        try:
            datetime.fromisoformat(node.until)
        except ValueError:
            message = f"{node.until[:40]!r} is no instant; write ISO 8601 such as 2030-01-31T08:00:00Z"
            yield Problem((*path, "until"), DiagnosticCode.BAD_VALUE, message)


def _check_ends(flow: FlowDefinition) -> Iterator[Problem]:
    if all(node.leads_on for node in flow.nodes.values()):
        yield Problem(("nodes",), DiagnosticCode.NO_END, "no node ends the thread", "add a node of kind `end`", True)


def _check_ways(flow: FlowDefinition) -> Iterator[Problem]:
    ways: dict[str, set[str]] = {node_id: set() for node_id in flow.nodes}
    for node_id, node in flow.nodes.items():
        for edge in (edge for _, edges in edges_of(node) for edge in edges):
            # An edge to a node that is not there may have meant any.
            ways[node_id].update([edge.to] if edge.to in flow.nodes else flow.nodes)
    back: dict[str, set[str]] = {node_id: set() for node_id in flow.nodes}
    for node_id, targets in ways.items():
        for target in targets:
            back[target].add(node_id)
    ends = {node_id for node_id, node in flow.nodes.items() if not node.leads_on}
    reached, ending = _closure({flow.start}, ways), _closure(ends, back)
    for node_id in flow.nodes:
        path = ("nodes", node_id)
        if node_id not in reached:
            message = f"no way leads from {flow.start!r} to {node_id!r}"
            yield Problem(path, DiagnosticCode.UNREACHABLE_NODE, message, at_key=True)
        elif ends and node_id not in ending:
            message = f"no way leads from {node_id!r} to an end"
            yield Problem(path, DiagnosticCode.DEAD_END, message, at_key=True)


def _closure(start: Iterable[str], targets: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(start)
    while pending:
        node_id = pending.pop()
        if node_id not in found:
            found.add(node_id)
            pending.extend(targets[node_id])
    return found
