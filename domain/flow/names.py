"""The names that a flow gives, and those that its expressions can use anyway."""

from __future__ import annotations

from domain.flow.language.environment import FUNCTIONS, KEYWORDS
from domain.flow.model import FlowDefinition, ForkNode, NodeBase, SetNode, WaitingStep

EVERYWHERE = frozenset({"input", "nodes", "node", "error", "thread", "session", "now"})
"""Names that every expression of a node can use, beside the flow's variables."""

SOMETIMES = {
    "result": "`result` exists only in `save`, `usage` and `compensate`",
    "message": "`message` exists only in `where` and in the `save` of a receive",
    "index": "`index` exists only in what a map, spawn or fork renders for each item",
}
"""Names that some expressions can use, and which."""

RESERVED = EVERYWHERE | SOMETIMES.keys() | FUNCTIONS | KEYWORDS
"""Names that no node, no variable and no item can have."""


def variables_of(flow: FlowDefinition) -> frozenset[str]:
    """The names of all variables that the flow declares, or that a node, a hook or the start of a branch sets."""
    hooks = (flow.hooks.before_node, flow.hooks.after_node, flow.hooks.on_error)
    return frozenset(flow.variables).union(
        *(written_by(node) for node in flow.nodes.values()),
        *(node.set for node in flow.nodes.values() if isinstance(node, ForkNode)),
        *(hook.set for hook in hooks if hook is not None),
    )


def written_by(node: NodeBase) -> frozenset[str]:
    """The names of the variables that the node saves or sets in its own thread."""
    if isinstance(node, SetNode):
        return frozenset([*node.set, *node.append])
    if isinstance(node, WaitingStep) and node.save is not None:
        return frozenset([node.save] if isinstance(node.save, str) else node.save)
    return frozenset()
