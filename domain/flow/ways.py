"""Which node can come after which: the ways of a flow, and what they miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from domain.flow.diagnostics import DiagnosticCode, Problem
from domain.flow.model import Edge, FlowDefinition, ForkNode, JoinNode, NodeBase

_ANYWHERE = ""
"""Where a way to a node that is not there leads: it may have meant any."""


def edges_of(node: NodeBase) -> Iterator[tuple[str, Sequence[Edge]]]:
    """The node's lists of edges by the name of their field."""
    for name in ("next", "on_error", "on_timeout"):
        edges = getattr(node, name, None)
        if edges:
            yield name, edges


def targets_of(node: NodeBase) -> Iterator[str]:
    """The nodes that can come after this one, in this thread or in a branch that it starts."""
    yield from (edge.to for _, edges in edges_of(node) for edge in edges)
    if isinstance(node, ForkNode) and node.flow is None:
        yield node.enter


def check_ways(flow: FlowDefinition) -> Iterator[Problem]:
    """Nodes that nothing leads to or that lead nowhere, and joins that what they wait for never precedes."""
    ways: dict[str, AbstractSet[str]] = {_ANYWHERE: flow.nodes.keys()}
    for node_id, node in flow.nodes.items():
        ways[node_id] = {target if target in flow.nodes else _ANYWHERE for target in targets_of(node)}
    back: dict[str, set[str]] = {node_id: set() for node_id in ways}
    for node_id, targets in ways.items():
        for target in targets:
            back[target].add(node_id)
    ends = {node_id for node_id, node in flow.nodes.items() if not node.leads_on}
    reached, ending = _closure({flow.start}, ways), _closure(ends, back)
    for node_id, node in flow.nodes.items():
        path = ("nodes", node_id)
        if node_id not in reached:
            message = f"no way leads from {flow.start!r} to {node_id!r}"
            yield Problem(path, DiagnosticCode.UNREACHABLE_NODE, message, at_key=True)
        elif ends and node_id not in ending:
            message = f"no way leads from {node_id!r} to an end"
            yield Problem(path, DiagnosticCode.DEAD_END, message, at_key=True)
        elif isinstance(node, JoinNode) and node.of in flow.nodes and node_id not in _closure({node.of}, ways):
            message = f"no way leads from {node.of!r} to this join of its threads"
            hint = f"lead an edge from {node.of!r}, or a node behind it, to {node_id!r}"
            yield Problem((*path, "of"), DiagnosticCode.UNPAIRED_JOIN, message, hint)


def _closure(start: Iterable[str | None], targets: Mapping[str, AbstractSet[str]]) -> set[str]:
    found: set[str] = set()
    pending = [node_id for node_id in start if node_id is not None]
    while pending:
        node_id = pending.pop()
        if node_id not in found:
            found.add(node_id)
            pending.extend(targets[node_id])
    return found
