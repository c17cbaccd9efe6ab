"""A flow as a picture: Mermaid text that people can read and that browsers draw."""

from __future__ import annotations

from collections.abc import Iterator

from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    Edge,
    ErrorEdge,
    FailNode,
    FlowDefinition,
    NodeBase,
    ReceiveNode,
    SetNode,
    WaitNode,
)
from domain.flow.validation import edges_of

_SHAPES = {
    "decision": ("{", "}"),
    "end": ("([", "])"),
    "fail": ("([", "])"),
    "approval": ("[/", "/]"),
    "receive": (">", "]"),
    "wait": ("((", "))"),
}
_LABEL = 60
_MEANINGFUL = '&<>"#;`\\'
"""Characters that Mermaid or a browser would read as more than text."""


def mermaid(flow: FlowDefinition) -> str:
    """The flow as a Mermaid flowchart. Dashed arrows are taken on errors and timeouts."""
    numbers = {node_id: f"n{index}" for index, node_id in enumerate(flow.nodes)}
    lines = ["flowchart TD"]
    for node_id, node in flow.nodes.items():
        opening, closing = _SHAPES.get(_kind(node), ("[", "]"))
        label = "<br/>".join(_escaped(text) for text in _texts(node_id, node))
        lines.append(f'    {numbers[node_id]}{opening}"{label}"{closing}')
    lines.append(f"    start(( )) --> {numbers[flow.start]}")
    for node_id, node in flow.nodes.items():
        for name, edges in edges_of(node):
            for edge in edges:
                arrow = "-->" if name == "next" else "-.->"
                text = " ".join(_edge_texts(name, edge))
                label = f'|"{_escaped(text)}"|' if text else ""
                lines.append(f"    {numbers[node_id]} {arrow}{label} {numbers[edge.to]}")
    return "\n".join(lines) + "\n"


def _kind(node: NodeBase) -> str:
    return str(getattr(node, "kind", ""))


def _texts(node_id: str, node: NodeBase) -> Iterator[str]:
    """The lines of a node's label."""
    yield node.title or node_id
    if node.title and node.title != node_id:
        yield node_id
    match node:
        case ActivityNode():
            yield f"activity {node.activity}"
        case SetNode():
            yield f"set {', '.join(node.set)}"
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
