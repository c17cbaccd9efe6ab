"""The names that expressions of a flow can use, and where."""

from __future__ import annotations

from domain.flow.language.environment import FUNCTIONS, KEYWORDS
from domain.flow.model import FlowDefinition, NodeBase, SetNode, WaitingStep

EVERYWHERE = frozenset({"input", "nodes", "node", "error", "thread", "session", "now"})
"""Names that every expression of a node can use, beside the flow's variables."""

SOMETIMES = {
    "result": "`result` exists only in `save` and `usage`",
    "message": "`message` exists only in `where` and in the `save` of a receive",
}
"""Names that some expressions can use, and which."""

RESERVED = EVERYWHERE | SOMETIMES.keys() | {"index"} | FUNCTIONS | KEYWORDS
"""Names that no node and no variable can have."""


def variables_of(flow: FlowDefinition) -> frozenset[str]:
    """The names of all variables that the flow declares, or that some node saves or sets."""
    return frozenset(flow.variables).union(*(written_by(node) for node in flow.nodes.values()))


def written_by(node: NodeBase) -> frozenset[str]:
    """The names of the variables that the node saves or sets."""
    if isinstance(node, SetNode):
        return frozenset(node.set)
    if isinstance(node, WaitingStep) and node.save is not None:
        return frozenset([node.save] if isinstance(node.save, str) else node.save)
    return frozenset()
