"""What the names hold that no flow gives: objects with these keys and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from domain.flow.model import ApprovalNode, HttpNode, NodeBase, ReceiveNode

Shape: TypeAlias = "Mapping[str, Shape | None]"
"""The keys of an object, and what is under them; None where that is not known before it is there."""

ERROR: Shape = dict.fromkeys(("code", "message", "details", "node"))
NODE: Shape = {**dict.fromkeys(("status", "result", "visits")), "error": ERROR}
"""One of `nodes`."""
MESSAGE: Shape = dict.fromkeys(("id", "name", "type", "body", "sender", "at"))

SHAPES: Mapping[str, Shape] = {
    "node": dict.fromkeys(("id", "visit", "key")),
    "error": ERROR,
    "thread": dict.fromkeys(("id", "root_id", "parent_id", "origin", "usage")),
    "session": dict.fromkeys(("id", "shared")),
    "message": MESSAGE,
}
"""By name. A variable, the input and the result of somebody else's work may hold anything."""

_RESULTS: Mapping[type[NodeBase], Shape] = {
    ApprovalNode: dict.fromkeys(("choice", "actor", "reason", "data", "at")),
    HttpNode: dict.fromkeys(("status", "headers", "body")),
    ReceiveNode: MESSAGE,
}


def shapes_of(node: NodeBase) -> Mapping[str, Shape]:
    """The shapes by name where the node stands: with that of its result, if it is always the same."""
    result = _RESULTS.get(type(node))
    return SHAPES if result is None else {**SHAPES, "result": result}


def missing_key(path: tuple[str, ...], shapes: Mapping[str, Shape]) -> tuple[str, str, Shape] | None:
    """The first key on the path that is never there.

    Args:
        path: A name and keys, as of `nodes.load.error.code`.
        shapes: The shapes by name.

    Returns:
        What has no such key, as an expression says it, the key, and the keys that there are; None when
        each may be there. Whether `nodes` has a node is not asked.
    """
    start = 2 if path[0] == "nodes" else 1
    shape = NODE if path[0] == "nodes" else shapes.get(path[0])
    for at in range(start, len(path)):
        if shape is None:
            return None
        if path[at] not in shape:
            return ".".join(path[:at]), path[at], shape
        shape = shape[path[at]]
    return None
