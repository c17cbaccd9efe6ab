"""What lies ahead of a point in a flow: what will be read, and what will run again."""

from __future__ import annotations

from collections.abc import Iterable

from domain.flow.expressions import expression_references, references
from domain.flow.model import ActivityNode, DecisionNode, Edge, FlowDefinition, Node, Step, WaitingStep
from domain.session.operations.base import BranchWarning
from domain.thread.journal import Checkpoint, JournalItem, executions

RESERVED = frozenset({"input", "nodes", "node", "result", "error", "message", "thread", "session", "now", "index"})
"""Names that expressions see and that are no variables."""


def reachable(flow: FlowDefinition, start: str | None) -> list[str]:
    """Nodes that can be entered from `start` on, itself included, nearest first."""
    found: list[str] = [start] if start in flow.nodes and start is not None else []
    for node_id in found:
        found.extend({edge.to: None for edge in _edges(flow.nodes[node_id]) if edge.to not in found})
    return found


def missing_variables(flow: FlowDefinition, checkpoint: Checkpoint) -> list[BranchWarning]:
    """A warning for each variable that a node ahead reads, and that nothing has set or may set before."""
    ahead = reachable(flow, checkpoint.next)
    set_ahead: set[str] = set()
    for node_id in ahead:
        set_ahead |= _writes(flow.nodes[node_id])
    warnings: dict[str, BranchWarning] = {}
    for node_id in ahead:
        for name in sorted(_reads(flow.nodes[node_id]) - RESERVED - set(checkpoint.variables) - set_ahead):
            message = f"{node_id} reads {name}, which the new thread does not have"
            warnings.setdefault(name, BranchWarning("VARIABLE_MISSING", message))
    return list(warnings.values())


def repeated_effects(flow: FlowDefinition, items: Iterable[JournalItem], checkpoint: Checkpoint) -> list[BranchWarning]:
    """A warning for each node ahead with an effect outside that the source has already had."""
    executed = {entry.node for entry in executions(items) if entry.seq > checkpoint.seq}
    return [
        BranchWarning(
            "EFFECT_REPEATED", f"{node_id} had its effect in the source and may have it again (effect: external)"
        )
        for node_id in reachable(flow, checkpoint.next)
        if node_id in executed
        and isinstance(node := flow.nodes[node_id], ActivityNode)
        and node.declared_effect == "external"
    ]


def _edges(node: Node) -> list[Edge]:
    edges: list[Edge] = []
    if isinstance(node, Step | DecisionNode):
        edges += [*node.next, *node.on_error]
    if isinstance(node, WaitingStep):
        edges += node.on_timeout
    return edges


def _writes(node: Node) -> set[str]:
    written: set[str] = set(getattr(node, "set", {}))
    save = getattr(node, "save", None)
    return written | ({save} if isinstance(save, str) else set(save or {}))


def _reads(node: Node) -> frozenset[str]:
    fields = node.model_dump(mode="python", exclude={"next", "on_error", "on_timeout", "where", "title", "description"})
    names = references([value for value in fields.values() if isinstance(value, str | list | dict)])
    conditions = [edge.when for edge in _edges(node) if edge.when]
    if where := getattr(node, "where", None):
        conditions.append(where)
    return names.union(*(expression_references(condition) for condition in conditions))
