"""A flow as a picture: Mermaid text that people can read and that browsers draw."""

from __future__ import annotations

from collections.abc import Iterator

from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    Edge,
    Effectful,
    ErrorEdge,
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
    WaitNode,
    WorkflowNode,
)
from domain.flow.ways import edges_of

_SHAPES = {
    "decision": ("{", "}"),
    "end": ("([", "])"),
    "fail": ("([", "])"),
    "approval": ("[/", "/]"),
    "receive": (">", "]"),
    "wait": ("((", "))"),
    "send": ("[\\", "\\]"),
    "subflow": ("[[", "]]"),
    "workflow": ("[[", "]]"),
    "spawn": ("[/", "\\]"),
    "fork": ("[/", "\\]"),
    "join": ("[\\", "/]"),
    "map": ("{{", "}}"),
}
_LABEL = 60
_MEANINGFUL = '&<>"#;`\\'
"""Characters that Mermaid or a browser would read as more than text."""


def mermaid(flow: FlowDefinition) -> str:
    """The flow as a Mermaid flowchart.

    Dashed arrows are taken on errors and timeouts, thick ones by the branches of a fork. What undoes a
    node stands beside it, on a dashed line.
    """
    numbers = {node_id: f"n{index}" for index, node_id in enumerate(flow.nodes)}
    lines = ["flowchart TD"]
    for node_id, node in flow.nodes.items():
        opening, closing = _SHAPES.get(_kind(node), ("[", "]"))
        label = "<br/>".join(_escaped(text) for text in _texts(node_id, node))
        lines.append(f'    {numbers[node_id]}{opening}"{label}"{closing}')
    lines.append(f"    start(( )) --> {numbers[flow.start]}")
    for node_id, node in flow.nodes.items():
        lines += _beside(numbers[node_id], node, numbers)
        for name, edges in edges_of(node):
            for edge in edges:
                arrow = "-->" if name == "next" else "-.->"
                text = " ".join(_edge_texts(name, edge))
                lines.append(_arrow(numbers[node_id], arrow, text, numbers[edge.to]))
    return "\n".join(lines) + "\n"


def _beside(number: str, node: NodeBase, numbers: dict[str, str]) -> Iterator[str]:
    if isinstance(node, Effectful) and node.compensate is not None:
        yield f'    {number}u("{_escaped(node.compensate.activity)}")'
        yield _arrow(number, "-.-", "undone by", f"{number}u")
    if isinstance(node, ForkNode) and node.enter in numbers:
        yield _arrow(number, "==>", "branches", numbers[node.enter])


def _arrow(start: str, arrow: str, text: str, end: str) -> str:
    label = f'|"{_escaped(text)}"|' if text else ""
    return f"    {start} {arrow}{label} {end}"


def _kind(node: NodeBase) -> str:
    return str(getattr(node, "kind", ""))


def _texts(node_id: str, node: NodeBase) -> Iterator[str]:
    """The lines of a node's label."""
    yield node.title or node_id
    if node.title and node.title != node_id:
        yield node_id
    match node:
        case ActivityNode():
            yield f"{_where(node.mode)}activity {node.activity}"
        case MapNode():
            yield f"for each {node.as_}: {_where(node.mode)}activity {node.activity}"
        case WorkflowNode():
            yield f"workflow {node.workflow}"
        case HttpNode():
            yield f"{node.method} {node.url}"
        case SubflowNode():
            yield f"subflow {node.flow}"
        case SpawnNode():
            yield f"spawn {node.flow}{_for_each(node)}"
        case ForkNode():
            yield f"fork{_for_each(node)}"
        case JoinNode():
            yield f"join {node.need}{f' of {node.of}' if node.of else ''}"
        case SendNode():
            yield f"send {node.name}"
        case SetNode():
            yield f"set {', '.join([*node.set, *node.append])}"
        case WaitNode():
            yield f"wait {node.for_}" if node.for_ else f"wait until {node.until}"
        case ReceiveNode():
            yield f"receive {node.name or 'any message'}"
        case ApprovalNode():
            yield f"approval: {', '.join(node.choices)}"
        case FailNode():
            yield f"fail {node.code}"
        case _:
            yield _kind(node)


def _where(mode: str) -> str:
    return "" if mode == "remote" else f"{mode} "


def _for_each(node: SpawnNode | ForkNode) -> str:
    return f" for each {node.as_}" if node.each is not None else ""


def _edge_texts(name: str, edge: Edge) -> Iterator[str]:
    if name == "on_timeout":
        yield "timeout"
    elif name == "on_error":
        yield f"error {', '.join(edge.codes)}".strip() if isinstance(edge, ErrorEdge) else "error"
    if edge.when:
        yield edge.when if name == "next" else f"if {edge.when}"


def _escaped(text: str) -> str:
    cut = text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"
    one_line = " ".join(cut.split())
    return "".join(f"#{ord(char)};" if char in _MEANINGFUL else char for char in one_line)
