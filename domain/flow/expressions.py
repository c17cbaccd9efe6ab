"""Expressions and templates of flow files: evaluation over data, and nothing else.

A template is any JSON value whose texts may hold `{{ expressions }}`. Only the flow file is a
template; the data it meets is never evaluated. Everything that goes wrong, whatever the expression
or the data, is a `ThreadloomError` with `EXPRESSION_ERROR` that names the expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, UndefinedError, nodes
from jinja2.runtime import Context

from domain.errors import Code, ThreadloomError
from domain.flow.diagnostics import HintedError
from domain.flow.language import templates
from domain.flow.language.budget import CHARACTERS, Budget, spend
from domain.flow.language.environment import (
    ENVIRONMENT,
    FUNCTIONS,
    RESULT,
    compile_tree,
    parse_expression,
)
from domain.flow.language.nearby import did_you_mean
from domain.flow.language.operators import bounded_range
from domain.flow.language.values import bounded, plain, text_of, type_name
from domain.values import Json

_SHOWN = 200
MAX_DEPTH = 100
"""How deep lists and objects may nest in a template."""
_TYPE_NAMES = {
    "NoneType": "null",
    "bool": "boolean",
    "int": "number",
    "float": "number",
    "str": "text",
    "list": "list",
    "dict": "object",
}
_PYTHON_TYPE = re.compile(rf"'({'|'.join(_TYPE_NAMES)})'")


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A well-formed expression, and what it mentions."""

    names: tuple[str, ...]
    paths: frozenset[tuple[str, ...]]
    direct: bool


@dataclass(frozen=True, slots=True)
class _Compiled:
    """An expression ready to run. Compiling takes several times as long as parsing: a flow is checked without."""

    source: str
    names: tuple[str, ...]
    direct: bool
    root: Callable[[Context], Iterator[str]]


def render(template: Json, scope: Mapping[str, Json]) -> Json:
    """The template with every expression in it replaced by its value.

    A text that is one expression and nothing else takes the value with its type; inside a text,
    texts stand as they are and everything else as compact JSON. Parts without expressions are not
    copied.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR`.
    """
    with Budget():
        return _render(template, scope, MAX_DEPTH)


def evaluate(expression: str, scope: Mapping[str, Json]) -> Json:
    """The value of a bare expression, as plain JSON. Only the names it uses are looked up in the scope.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR`.
    """
    with Budget():
        return _run(_compiled(expression), scope)


def holds(expression: str, scope: Mapping[str, Json]) -> bool:
    """Whether a bare expression is true.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR`; also when the value is no boolean.
    """
    value = evaluate(expression, scope)
    if isinstance(value, bool):
        return value
    raise _error(expression, f"a condition gives true or false, not {type_name(value)}")


def references(template: Json) -> frozenset[str]:
    """The names from the scope that a template uses.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when an expression in it is malformed.
    """
    return frozenset(name for expression in expressions_in(template) for name in expression_references(expression))


def expression_references(expression: str) -> frozenset[str]:
    """The names from the scope that a bare expression uses.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when it is malformed.
    """
    return frozenset(_parsed(expression).names)


def path_references(expression: str) -> frozenset[tuple[str, ...]]:
    """The names from the scope with the keys that are read of them, and all that is passed on the way.

    `nodes.a.result + rows[0].n` reads `("nodes", "a")` and `("nodes", "a", "result")`: keys count as far as
    they are written down.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when it is malformed.
    """
    return _parsed(expression).paths


def expressions_in(template: Json) -> list[str]:
    """The expressions of a template at all depths.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when a text in it cannot be cut into expressions.
    """
    return [
        part.expression
        for text in _texts(template)
        if templates.has_marks(text)
        for part in _parts(text)
        if isinstance(part, templates.Placeholder)
    ]


def is_template(value: Json) -> bool:
    """Whether rendering the value would do more than return it."""
    return any(templates.has_marks(text) for text in _texts(value))


def _texts(template: Json) -> Iterator[str]:
    pending = [template]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            pending.extend(reversed(value))
        elif isinstance(value, dict):
            pending.extend(reversed(value.values()))


def _render(template: Json, scope: Mapping[str, Json], depth: int) -> Json:
    if isinstance(template, str):
        return _render_text(template, scope) if templates.has_marks(template) else template
    if not isinstance(template, list | dict) or not template:
        return template
    if not depth:
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"the template nests deeper than {MAX_DEPTH}")
    if isinstance(template, list):
        items = [_render(item, scope, depth - 1) for item in template]
        return template if all(map(_same, items, template)) else items
    members = {key: _render(member, scope, depth - 1) for key, member in template.items()}
    return template if all(map(_same, members.values(), template.values())) else members


def _same(one: object, other: object) -> bool:
    return one is other


def _render_text(text: str, scope: Mapping[str, Json]) -> Json:
    parts = _parts(text)
    if len(parts) == 1 and isinstance(parts[0], templates.Placeholder):
        return evaluate(parts[0].expression, scope)
    texts = [_text(part, scope) for part in parts]
    try:
        bounded(sum(map(len, texts)))
        spend(sum(map(len, texts)) // CHARACTERS)
    except ValueError as error:
        raise _error(text, str(error)) from None
    return "".join(texts)


def _text(part: str | templates.Placeholder, scope: Mapping[str, Json]) -> str:
    if isinstance(part, str):
        return part
    compiled = _compiled(part.expression)
    try:
        return text_of(_run(compiled, scope))
    except (ValueError, TypeError, RecursionError) as error:
        raise _error(part.expression, _said(error)) from None


def _run(compiled: _Compiled, scope: Mapping[str, Json]) -> Json:
    try:
        values: dict[str, Any] = {"range": bounded_range}
        for name in compiled.names:
            try:
                values[name] = scope[name]
            except KeyError:
                continue
        context = Context(ENVIRONMENT, values, None, {})
        for _ in compiled.root(context):
            pass
        value = context.vars[RESULT]
        return value if compiled.direct and type(value) in (dict, list) else plain(value)
    except UndefinedError as error:
        said = str(error)
        absent = next((name for name in compiled.names if said == f"{name!r} is not defined"), None)
        raise _error(compiled.source, said + (did_you_mean(absent, scope) if absent else "")) from None
    except Exception as error:  # whatever the data was, the flow sees one kind of failure
        raise _error(compiled.source, _said(error)) from None


@lru_cache(maxsize=4_096)
def _parsed(expression: str) -> _Parsed:
    tree = _tree(expression)
    # Sorted, as a scope may compute its entries, and a replay must do so in the same order.
    names = tuple(sorted({node.name for node in _all(tree, nodes.Name) if node.name not in FUNCTIONS}))
    paths = frozenset(filter(None, map(_path, _all(tree, (nodes.Getattr, nodes.Getitem)))))
    return _Parsed(names, paths, _is_direct(tree))


@lru_cache(maxsize=4_096)
def _compiled(expression: str) -> _Compiled:
    parsed = _parsed(expression)
    try:
        return _Compiled(expression, parsed.names, parsed.direct, compile_tree(_tree(expression)))
    except Exception as error:  # Python's compiler has limits of its own
        raise _error(expression, _said(error)) from None


def _tree(expression: str) -> nodes.Expr:
    try:
        templates.check_brackets(expression)
        return parse_expression(expression)
    except TemplateSyntaxError as error:
        raise _error(expression, error.message or "it is no expression") from None
    except HintedError as error:
        raise _error(expression, error.message, error.hint) from None
    except Exception as error:  # the parser has limits of its own
        raise _error(expression, _said(error)) from None


@lru_cache(maxsize=4_096)
def _parts(text: str) -> tuple[str | templates.Placeholder, ...]:
    try:
        parts = templates.split(text)
    except ValueError as error:
        raise _error(text, str(error)) from None
    # A block scalar of YAML ends with a line break that nobody means.
    if len(parts) == 2 and isinstance(parts[0], templates.Placeholder) and parts[1] == "\n":
        parts.pop()
    return tuple(parts)


def _all(tree: nodes.Expr, kind: Any) -> Iterator[Any]:
    if isinstance(tree, kind):
        yield tree
    yield from tree.find_all(kind)


def _path(node: nodes.Node) -> tuple[str, ...]:
    """The name and the keys of a look-up; nothing where one of them is computed, or is no text."""
    keys: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if not isinstance(key, str):
            return ()
        keys.append(key)
        node = node.node
    return (node.name, *reversed(keys)) if isinstance(node, nodes.Name) else ()


def _is_direct(node: nodes.Node) -> bool:
    """Whether the value is a part of the scope as it is, which is JSON already."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
            return False
        node = node.node
    return isinstance(node, nodes.Name)


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "it or its data nests too deeply"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, ThreadloomError):
        return error.message
    return _PYTHON_TYPE.sub(lambda match: _TYPE_NAMES[match[1]], str(error)) or type(error).__name__


def _error(expression: str, reason: str, hint: str | None = None) -> ThreadloomError:
    shown = expression if len(expression) <= _SHOWN else expression[: _SHOWN - 1] + "…"
    details = {"expression": shown, "reason": reason, **({"hint": hint} if hint else {})}
    return ThreadloomError(Code.EXPRESSION_ERROR, f"`{shown}`: {reason}", details)
