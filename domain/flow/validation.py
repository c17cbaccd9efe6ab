"""Does a flow make sense? Edges, names, expressions, schemas: what the models cannot see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from domain.flow.diagnostics import DiagnosticCode, Path, Problem
from domain.flow.expression_checks import check_expressions
from domain.flow.json_schema import MAX_OBJECTS, objects_in, schema_problems
from domain.flow.language.nearby import meant
from domain.flow.model import (
    ApprovalNode,
    Edge,
    ErrorEdge,
    FlowDefinition,
    ForkNode,
    JoinNode,
    MapNode,
    NodeBase,
    SetNode,
    SpawnNode,
    WaitingStep,
)
from domain.flow.names import RESERVED, variables_of
from domain.flow.node_checks import check_call, check_node
from domain.flow.templated import item_names
from domain.flow.ways import check_ways, edges_of
from domain.values import Json

MAX_NODES = 2_000
"""Nodes of a flow: a workflow checks it in one task."""
MOST_PROBLEMS = 500
"""More are not looked for: a file with so many is no flow, and looking for what was meant takes time."""


def check_meaning(flow: FlowDefinition, document: Json, *, edges_known: bool = True) -> list[Problem]:
    """The problems of meaning, in the order of the file's parts; all, unless there are hundreds.

    Args:
        flow: The flow, its defaults applied.
        document: What the flow was made from; names of nodes that it has count as known, also when
            the node itself was too broken for the flow.
        edges_known: Whether the flow has all its edges, so that reachability can be judged.
    """
    if len(flow.nodes) > MAX_NODES:
        message = f"a flow has at most {MAX_NODES:,} nodes"
        return [Problem(("nodes",), DiagnosticCode.BAD_VALUE, message, "move parts into subflows", at_key=True)]
    nodes = document.get("nodes") if isinstance(document, dict) else None
    known = {str(name) for name in nodes} if isinstance(nodes, dict) else set(flow.nodes)
    found = chain(
        _check_schemas(flow),
        _check_names(flow),
        _check_appends(flow),
        _check_start(flow, known),
        _check_hooks(flow, known),
        *(_check_node(node_id, node, flow, known) for node_id, node in flow.nodes.items()),
        check_expressions(flow, known),
        _check_ends(flow),
        check_ways(flow) if edges_known and flow.start in flow.nodes else (),
    )
    return list(islice(found, MOST_PROBLEMS))


def _check_schemas(flow: FlowDefinition) -> Iterator[Problem]:
    schemas: list[tuple[Path, Json]] = [(("inputs",), flow.inputs), (("outputs",), flow.outputs)]
    approvals = ((node_id, node) for node_id, node in flow.nodes.items() if isinstance(node, ApprovalNode))
    schemas += [(("nodes", node_id, "schema"), node.schema_) for node_id, node in approvals]
    objects = 0
    for place, schema in schemas:
        objects += objects_in(schema)
        if objects > MAX_OBJECTS:
            message = f"the flow's schemas have more than {MAX_OBJECTS:,} objects"
            yield Problem(place, DiagnosticCode.BAD_SCHEMA, message, "name what repeats once, in `$defs`")
            return
        for path, message, hint in schema_problems(schema) if schema is not None else ():
            yield Problem((*place, *path), DiagnosticCode.BAD_SCHEMA, message, hint)


def _check_names(flow: FlowDefinition) -> Iterator[Problem]:
    yield from _reserved(("variables",), flow.variables)
    yield from _reserved(("nodes",), flow.nodes)
    for name in ("before_node", "after_node", "on_error"):
        hook = getattr(flow.hooks, name)
        yield from _reserved(("hooks", name, "set"), hook.set if hook is not None else ())
    variables = variables_of(flow)
    for node_id, node in flow.nodes.items():
        path: Path = ("nodes", node_id)
        if isinstance(node, SetNode):
            yield from _reserved((*path, "set"), node.set)
            yield from _reserved((*path, "append"), node.append)
        elif isinstance(node, WaitingStep) and isinstance(node.save, dict):
            yield from _reserved((*path, "save"), node.save)
        elif isinstance(node, WaitingStep) and node.save in RESERVED:
            yield _reserved_name((*path, "save"), str(node.save), at_key=False)
        if isinstance(node, ForkNode):
            yield from _reserved((*path, "set"), node.set)
        if isinstance(node, MapNode | SpawnNode | ForkNode) and node.as_ in item_names(node):
            yield from _check_item(path, node.as_, "as_" in node.model_fields_set, variables)


def _check_appends(flow: FlowDefinition) -> Iterator[Problem]:
    sets = {node_id: node for node_id, node in flow.nodes.items() if isinstance(node, SetNode) and node.append}
    if not sets:
        return
    others = {node_id: node.model_copy(update={"append": {}}) for node_id, node in sets.items()}
    known = variables_of(flow.model_copy(update={"nodes": {**flow.nodes, **others}}))
    for node_id, node in sets.items():
        for name in sorted(node.append.keys() - known - RESERVED):
            message, hint = (
                f"nothing sets {name!r} to a list that could be added to",
                f"add it: `variables: {{{name}: []}}`",
            )
            path: Path = ("nodes", node_id, "append", name)
            yield Problem(path, DiagnosticCode.UNKNOWN_VARIABLE, message, hint, at_key=True)


def _check_item(path: Path, name: str, written: bool, variables: frozenset[str]) -> Iterator[Problem]:
    if name in RESERVED:
        yield _reserved_name((*path, "as"), name, at_key=False)
    elif name in variables:
        place = (*path, "as") if written else path
        message = f"{name!r} is the name of the item here, and of a variable of the flow"
        yield Problem(place, DiagnosticCode.RESERVED_NAME, message, "choose another with `as`", at_key=not written)


def _reserved(path: Path, names: Iterable[str]) -> Iterator[Problem]:
    return (_reserved_name((*path, name), name, at_key=True) for name in names if name in RESERVED)


def _reserved_name(path: Path, name: str, *, at_key: bool) -> Problem:
    message = f"{name!r} means something else in expressions"
    return Problem(path, DiagnosticCode.RESERVED_NAME, message, at_key=at_key)


def _check_start(flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    if flow.start not in known:
        yield _unknown_node(("start",), flow.start, known)


def _check_hooks(flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    for name in ("before_node", "after_node", "on_error"):
        hook = getattr(flow.hooks, name)
        if hook is not None and hook.call is not None:
            yield from check_call(("hooks", name, "call"), hook.call)
        for index, node_id in enumerate(hook.nodes if hook is not None else ()):
            if node_id not in known:
                yield _unknown_node(("hooks", name, "nodes", index), node_id, known)


def _unknown_node(path: Path, name: str, known: set[str]) -> Problem:
    return Problem(path, DiagnosticCode.UNKNOWN_NODE, f"there is no node {name!r}", meant(name, known))


def _check_node(node_id: str, node: NodeBase, flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    path: Path = ("nodes", node_id)
    for name, edges in edges_of(node):
        yield from _check_edges((*path, name), edges, known)
        if name == "next" and all(edge.when for edge in edges):
            yield Problem(
                (*path, name),
                DiagnosticCode.DECISION_WITHOUT_DEFAULT,
                f"no edge of {node_id!r} is taken when no condition holds",
                at_key=True,
            )
    if isinstance(node, ForkNode) and node.flow is None and node.enter not in known:
        yield _unknown_node((*path, "enter"), node.enter, known)
    if isinstance(node, JoinNode) and node.of is not None:
        yield from _check_join((*path, "of"), node.of, flow, known)
    yield from check_node(node_id, node, flow)


def _check_edges(path: Path, edges: Sequence[Edge], known: set[str]) -> Iterator[Problem]:
    default_seen = False
    for index, edge in enumerate(edges):
        if edge.to not in known:
            yield _unknown_node((*path, index, "to"), edge.to, known)
        if edge.when is None and not (isinstance(edge, ErrorEdge) and edge.codes):
            if default_seen:
                yield Problem(
                    (*path, index),
                    DiagnosticCode.DUPLICATE_DEFAULT,
                    f"the edge to {edge.to!r} is a second default and never taken",
                )
            default_seen = True


def _check_join(path: Path, of: str, flow: FlowDefinition, known: set[str]) -> Iterator[Problem]:
    starting = [node_id for node_id, node in flow.nodes.items() if isinstance(node, SpawnNode | ForkNode)]
    if of not in known:
        yield _unknown_node(path, of, known)
    elif of in flow.nodes and of not in starting:
        kind = getattr(flow.nodes[of], "kind", "node")
        hint = f"name a spawn or fork: {', '.join(starting[:5])}" if starting else None
        message = f"{of!r} is a node of kind {kind} and starts no threads"
        yield Problem(path, DiagnosticCode.UNPAIRED_JOIN, message, hint)


def _check_ends(flow: FlowDefinition) -> Iterator[Problem]:
    if all(node.leads_on for node in flow.nodes.values()):
        yield Problem(("nodes",), DiagnosticCode.NO_END, "no node ends the thread", at_key=True)
