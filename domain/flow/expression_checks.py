"""Are the expressions of a flow well formed, and does every name in them exist where it is used?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import ThreadloomError
from domain.flow.diagnostics import DiagnosticCode, Path, Problem
from domain.flow.expressions import MAX_DEPTH, expression_references, expressions_in, path_references
from domain.flow.language.nearby import meant
from domain.flow.model import FlowDefinition
from domain.flow.names import EVERYWHERE, SOMETIMES, variables_of
from domain.flow.shapes import SHAPES, Shape, missing_key, shapes_of
from domain.flow.templated import Site, hook_sites, sites_of
from domain.values import Json, JsonObject

MAX_EXPRESSIONS = 3_000
"""Expressions of a flow. A workflow parses them all in one task, at about an eighth of a millisecond each."""
MAX_CHARACTERS = 200_000
"""Characters of all expressions of a flow together."""

_ONLY_INPUT = "`variables` see only `input`: compute it in a `set` node"
_ELSEWHERE = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"})
"""Keywords of a schema that may bring in properties from elsewhere."""


def check_expressions(flow: FlowDefinition, nodes: Iterable[str]) -> Iterator[Problem]:
    """The problems of every expression of the flow.

    Args:
        flow: The flow, mended where it was broken.
        nodes: The ids that count as known in `nodes.<id>`.
    """
    check = _Check(frozenset(nodes), _properties(flow.inputs))
    yield from check.site((), Site(("variables",), flow.variables), frozenset({"input"}), _ONLY_INPUT)
    visible = EVERYWHERE | variables_of(flow)
    for site in hook_sites(flow):
        yield from check.site((), site, visible)
    for node_id, node in flow.nodes.items():
        shapes = shapes_of(node)
        for site in sites_of(node):
            yield from check.site(("nodes", node_id), site, visible | site.names, shapes=shapes)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an expression sees, and what to do about a name that may be a good one elsewhere."""

    visible: frozenset[str]
    shapes: Mapping[str, Shape]
    elsewhere: str | None


class _Check:
    """Checks the expressions of a flow, and counts them."""

    def __init__(self, nodes: frozenset[str], inputs: frozenset[str] | None) -> None:
        self._nodes = nodes
        self._inputs = inputs
        self._expressions = 0
        self._characters = 0

    def site(
        self,
        path: Path,
        site: Site,
        visible: frozenset[str],
        hint: str | None = None,
        shapes: Mapping[str, Shape] = SHAPES,
    ) -> Iterator[Problem]:
        """The problems of all texts at the site, each at its own path, with these names to use.

        Args:
            path: Where the node is, or nothing.
            site: What is checked.
            visible: The names that can be used there.
            hint: What to do about any other name, where it may be a good one elsewhere.
            shapes: What names hold of which that is known.
        """
        place = (*path, *site.path)
        if self._is_full():
            return
        seen = _Seen(visible, shapes, hint)
        if site.bare:
            yield from self._expression(place, site.value, seen)
        else:
            yield from self._template(place, site.value, seen)
        if self._is_full():
            message = (
                f"the flow has more than {MAX_EXPRESSIONS:,} expressions, or {MAX_CHARACTERS:,} characters of them"
            )
            yield Problem(place, DiagnosticCode.BAD_EXPRESSION, message, "move parts into subflows")

    def _is_full(self) -> bool:
        return self._expressions > MAX_EXPRESSIONS or self._characters > MAX_CHARACTERS

    def _template(self, path: Path, template: Json, seen: _Seen) -> Iterator[Problem]:
        pending: deque[tuple[Path, Any]] = deque([(path, template)])
        while pending and not self._is_full():
            place, value = pending.popleft()
            if len(place) - len(path) > MAX_DEPTH:
                message = f"the template nests deeper than {MAX_DEPTH}"
                yield Problem(path, DiagnosticCode.BAD_EXPRESSION, message, "make it flatter")
                return
            if isinstance(value, str):
                try:
                    expressions = expressions_in(value)
                except ThreadloomError as error:
                    yield _malformed(place, error)
                    continue
                for expression in expressions:
                    yield from self._expression(place, expression, seen)
            elif isinstance(value, list):
                pending.extend(((*place, index), item) for index, item in enumerate(value))
            elif isinstance(value, dict):
                pending.extend(((*place, key), member) for key, member in value.items())

    def _expression(self, path: Path, expression: str, seen: _Seen) -> Iterator[Problem]:
        self._expressions += 1
        self._characters += len(expression)
        if self._is_full():
            return
        try:
            names = expression_references(expression)
        except ThreadloomError as error:
            bare = path[-1] in ("when", "where") and "{{" in expression
            yield _malformed(path, error, "a condition is written without `{{ }}`" if bare else None)
            return
        for name in sorted(names - seen.visible):
            message = f"{name!r} does not exist here" if seen.elsewhere else f"nothing sets {name!r}"
            known = [*sorted(seen.visible - EVERYWHERE), *sorted(EVERYWHERE)]
            hint = seen.elsewhere or SOMETIMES.get(name) or meant(name, known)
            yield Problem(path, DiagnosticCode.UNKNOWN_VARIABLE, message, hint)
        yield from self._keys(path, path_references(expression), seen)

    def _keys(self, path: Path, read: frozenset[tuple[str, ...]], seen: _Seen) -> Iterator[Problem]:
        """The problems of the keys that an expression reads of names that exist there."""
        for name in sorted(_first_keys(read, "nodes") - self._nodes):
            yield Problem(path, DiagnosticCode.UNKNOWN_NODE, f"there is no node {name!r}", meant(name, self._nodes))
        missing = {found[:2]: found[2] for each in sorted(read) if (found := missing_key(each, seen.shapes))}
        for (holder, key), shape in missing.items():
            if holder.partition(".")[0] in seen.visible:
                message = f"`{holder}` has no key {key!r}"
                yield Problem(path, DiagnosticCode.UNKNOWN_VARIABLE, message, meant(key, shape.keys()))
        if self._inputs is not None:
            for name in sorted(_first_keys(read, "input") - self._inputs):
                message = f"`inputs` declares no {name!r}"
                yield Problem(path, DiagnosticCode.UNKNOWN_INPUT, message, meant(name, self._inputs))


def _first_keys(read: frozenset[tuple[str, ...]], name: str) -> frozenset[str]:
    return frozenset(path[1] for path in read if path[0] == name)


def _properties(inputs: JsonObject | None) -> frozenset[str] | None:
    """The keys of the input that a schema declares; None when it may have others that are meant."""
    properties = (inputs or {}).get("properties")
    if inputs is None or not isinstance(properties, dict) or not _ELSEWHERE.isdisjoint(inputs):
        return None
    return frozenset(properties) if inputs.get("additionalProperties") in (None, False) else None


def _malformed(path: Path, error: ThreadloomError, hint: str | None = None) -> Problem:
    return Problem(path, DiagnosticCode.BAD_EXPRESSION, error.message, hint or error.details.get("hint"))
