"""Are the expressions of a flow well formed, and does every name in them exist where it is used?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from domain.errors import ThreadloomError
from domain.flow.diagnostics import DiagnosticCode, Path, Problem
from domain.flow.expressions import MAX_DEPTH, expression_references, expressions_in, node_references
from domain.flow.language.nearby import near
from domain.flow.model import Edge, FlowDefinition, NodeBase, ReceiveNode
from domain.flow.names import EVERYWHERE, SOMETIMES, variables_of
from domain.values import Json

_TEMPLATES = ("activity", "args", "set", "for_", "until", "prompt", "context", "result", "message", "details")
"""Fields of nodes that are templates without names of their own."""


def check_expressions(flow: FlowDefinition, nodes: Iterable[str]) -> Iterator[Problem]:
    """The problems of every expression of the flow.

    Args:
        flow: The flow, mended where it was broken.
        nodes: The ids that count as known in `nodes.<id>`.
    """
    known = frozenset(nodes)
    for name, template in flow.variables.items():
        yield from _Check(frozenset({"input"}), known).template(("variables", name), template)
    visible = EVERYWHERE | variables_of(flow)
    for node_id, node in flow.nodes.items():
        yield from _check_node(("nodes", node_id), node, visible, known)


def _check_node(path: Path, node: NodeBase, visible: frozenset[str], nodes: frozenset[str]) -> Iterator[Problem]:
    check = _Check(visible, nodes)
    for name in _TEMPLATES:
        value = getattr(node, name, None)
        if value is not None:
            yield from check.template((*path, name.rstrip("_")), value)
    for name in ("next", "on_error", "on_timeout"):
        edges: list[Edge] = getattr(node, name, [])
        for index, edge in enumerate(edges):
            if edge.when is not None:
                yield from check.expression((*path, name, index, "when"), edge.when)
    is_receive = isinstance(node, ReceiveNode)
    after = _Check(visible | {"result"} | ({"message"} if is_receive else set()), nodes)
    for name in ("save", "usage"):
        value = getattr(node, name, None)
        if value is not None and not (name == "save" and isinstance(value, str)):
            yield from after.template((*path, name), value)
    if isinstance(node, ReceiveNode) and node.where is not None:
        yield from _Check(visible | {"message"}, nodes).expression((*path, "where"), node.where)


class _Check:
    """Checks expressions of one place, where some names are visible."""

    def __init__(self, visible: frozenset[str], nodes: frozenset[str]) -> None:
        self._visible = visible
        self._nodes = nodes

    def template(self, path: Path, template: Json) -> Iterator[Problem]:
        """The problems of all texts of a template, each at its own path."""
        pending: deque[tuple[Path, Any]] = deque([(path, template)])
        while pending:
            place, value = pending.popleft()
            if len(place) - len(path) > MAX_DEPTH:
                yield Problem(path, DiagnosticCode.BAD_EXPRESSION, f"the template nests deeper than {MAX_DEPTH}")
                return
            if isinstance(value, str):
                try:
                    expressions = expressions_in(value)
                except ThreadloomError as error:
                    yield _malformed(place, error)
                    continue
                for expression in expressions:
                    yield from self.expression(place, expression)
            elif isinstance(value, list):
                pending.extend(((*place, index), item) for index, item in enumerate(value))
            elif isinstance(value, dict):
                pending.extend(((*place, key), member) for key, member in value.items())

    def expression(self, path: Path, expression: str) -> Iterator[Problem]:
        """The problems of one expression."""
        try:
            names = expression_references(expression)
            nodes = node_references(expression)
        except ThreadloomError as error:
            bare = path[-1] in ("when", "where") and "{{" in expression
            yield _malformed(path, error, "a condition is written without `{{ }}`" if bare else None)
            return
        for name in sorted(names - self._visible):
            nearest = near(name, self._visible)
            hint = SOMETIMES.get(name) or (f"did you mean {nearest[0]!r}?" if nearest else None)
            yield Problem(path, DiagnosticCode.UNKNOWN_VARIABLE, f"nothing sets {name!r}", hint)
        for name in sorted(nodes - self._nodes):
            nearest = near(name, self._nodes)
            hint = f"did you mean {nearest[0]!r}?" if nearest else None
            yield Problem(path, DiagnosticCode.UNKNOWN_NODE, f"there is no node {name!r}", hint)


def _malformed(path: Path, error: ThreadloomError, hint: str | None = None) -> Problem:
    return Problem(path, DiagnosticCode.BAD_EXPRESSION, error.message, hint)
