"""What lies ahead of a point in a flow: what will be read, and what will run again."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from domain.flow.expressions import expression_references, references
from domain.flow.model import ActivityNode, Edge, FlowDefinition, Node
from domain.flow.names import RESERVED, written_by
from domain.flow.validation import edges_of
from domain.session.operations.base import BranchWarning
from domain.thread.journal import Checkpoint
from domain.thread.state import ActiveNode


def reachable(flow: FlowDefinition, start: str | None) -> list[str]:
    """Nodes that can be entered from `start` on, itself included, nearest first."""
    found: list[str] = [start] if start in flow.nodes and start is not None else []
    for node_id in found:
        found.extend({edge.to: None for edge in _edges(flow.nodes[node_id]) if edge.to not in found})
    return found


def missing_variables(flow: FlowDefinition, checkpoint: Checkpoint) -> list[BranchWarning]:
    """A warning for each variable that a node ahead reads, and that nothing has set or may set before."""
    ahead = reachable(flow, checkpoint.next)
    set_ahead = frozenset[str]().union(*(written_by(flow.nodes[node_id]) for node_id in ahead))
    warnings: dict[str, BranchWarning] = {}
    for node_id in ahead:
        for name in sorted(_reads(flow.nodes[node_id]) - RESERVED - set(checkpoint.variables) - set_ahead):
            message = f"{node_id} reads {name}, which the new thread does not have"
            warnings.setdefault(name, BranchWarning("VARIABLE_MISSING", message))
    return list(warnings.values())


def repeated_effects(
    flow: FlowDefinition, start: str | None, executed: AbstractSet[str], active: ActiveNode | None
) -> list[BranchWarning]:
    """A warning for each node ahead of `start` with an effect outside that the source has had, or is having.

    Args:
        flow: The flow that goes on.
        start: Where it goes on.
        executed: Nodes that the source executed and the new thread does not take as done.
        active: The node that the source is executing.
    """
    had = executed | ({active.node} if active else set())
    return [
        BranchWarning(
            "EFFECT_REPEATED", f"{node_id} was executed in the source and may have its effect again (effect: external)"
        )
        for node_id in reachable(flow, start)
        if node_id in had
        and isinstance(node := flow.nodes[node_id], ActivityNode)
        and node.declared_effect == "external"
    ]


def _edges(node: Node) -> list[Edge]:
    return [edge for _, edges in edges_of(node) for edge in edges]


def _reads(node: Node) -> frozenset[str]:
    fields = node.model_dump(mode="python", exclude={"next", "on_error", "on_timeout", "where", "title", "description"})
    names = references([value for value in fields.values() if isinstance(value, str | list | dict)])
    conditions = [edge.when for edge in _edges(node) if edge.when]
    if where := getattr(node, "where", None):
        conditions.append(where)
    return names.union(*(expression_references(condition) for condition in conditions))
