"""Where a flow holds expressions, and which names each of them sees beside those that all see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from domain.flow.diagnostics import Path
from domain.flow.model import (
    ActivityCalling,
    ActivityNode,
    ApprovalNode,
    Call,
    Edge,
    Effectful,
    EndNode,
    FailNode,
    FlowDefinition,
    ForkNode,
    HttpNode,
    JoinNode,
    MapNode,
    NodeBase,
    ReceiveNode,
    SendNode,
    SetNode,
    SpawnNode,
    SubflowNode,
    WaitingStep,
    WaitNode,
    WorkflowNode,
)
from domain.values import Json

_TEMPLATES: Mapping[type[NodeBase], tuple[str, ...]] = {
    ActivityNode: ("activity", "args"),
    MapNode: ("over",),
    WorkflowNode: ("workflow", "args", "id"),
    HttpNode: ("url", "query", "headers", "json_", "body"),
    SetNode: ("set", "append"),
    WaitNode: ("for_", "until"),
    ApprovalNode: ("prompt", "context"),
    SendNode: ("to", "session", "name", "body"),
    SpawnNode: ("each",),
    JoinNode: ("threads",),
    SubflowNode: ("input",),
    ForkNode: ("each",),
    EndNode: ("result",),
    FailNode: ("message", "details"),
}
"""Fields of nodes that are templates without names of their own."""

_PER_ITEM: Mapping[type[NodeBase], tuple[str, ...]] = {
    MapNode: ("activity", "args"),
    SpawnNode: ("id", "input"),
    ForkNode: ("id", "set"),
}
"""Fields that are rendered for each item of a list."""

_RESULT = frozenset({"result"})
_MESSAGE = frozenset({"message"})


@dataclass(frozen=True, slots=True)
class Site:
    """A template, or a bare expression, in a flow.

    Attributes:
        path: Where it stands, in the flow or in the node that was asked for.
        names: What it sees beside the flow's variables and the names that are visible everywhere.
    """

    path: Path
    value: Json
    bare: bool = False
    names: frozenset[str] = frozenset()


def sites_of(node: NodeBase) -> Iterator[Site]:
    """Everything in the node that holds expressions, or may."""
    for name in _TEMPLATES.get(type(node), ()):
        yield from _site(node, name)
    for name in _PER_ITEM.get(type(node), ()):
        yield from _site(node, name, item_names(node))
    if isinstance(node, ReceiveNode) and node.where is not None:
        yield Site(("where",), node.where, bare=True, names=_MESSAGE)
    if isinstance(node, WaitingStep) and isinstance(node.save, dict):
        yield from _site(node, "save", _RESULT | _MESSAGE if isinstance(node, ReceiveNode) else _RESULT)
    if isinstance(node, ActivityCalling):
        yield from _site(node, "usage", _RESULT)
    if isinstance(node, Effectful) and node.compensate is not None:
        yield from _call(("compensate",), node.compensate, _RESULT)
    for name in ("next", "on_error", "on_timeout"):
        edges: list[Edge] = getattr(node, name, [])
        yield from (Site((name, at, "when"), edge.when, bare=True) for at, edge in enumerate(edges) if edge.when)


def hook_sites(flow: FlowDefinition) -> Iterator[Site]:
    """Everything in the flow's hooks that holds expressions, or may."""
    for name in ("before_node", "after_node", "on_error"):
        hook = getattr(flow.hooks, name)
        if hook is not None and hook.call is not None:
            yield from _call(("hooks", name, "call"), hook.call)
        if hook is not None and hook.set:
            yield Site(("hooks", name, "set"), hook.set)


def item_names(node: NodeBase) -> frozenset[str]:
    """The names of the item, if there is a list of them, and of its place, where the node renders for each item."""
    if isinstance(node, MapNode) or (isinstance(node, SpawnNode | ForkNode) and node.each is not None):
        return frozenset({node.as_, "index"})
    return frozenset({"index"}) if isinstance(node, SpawnNode | ForkNode) else frozenset()


def _site(node: BaseModel, name: str, names: frozenset[str] = frozenset()) -> Iterator[Site]:
    value = getattr(node, name)
    if value is not None:
        yield Site((type(node).model_fields[name].alias or name,), value, names=names)


def _call(path: Path, call: Call, names: frozenset[str] = frozenset()) -> Iterator[Site]:
    yield Site((*path, "args"), call.args, names=names)
