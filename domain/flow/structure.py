"""Does a document have the shape of a flow? The models' complaints in the words of flow files.

A document with mistakes is also mended as far as possible, so that what it means can be checked in
the same pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.flow.diagnostics import HINTS, DiagnosticCode, HintedError, Path, Problem
from domain.flow.language.nearby import meant, near
from domain.flow.mending import mended
from domain.flow.model import FlowDefinition, Node, NodeBase
from domain.flow.places import fit, value_at
from domain.values import Json

KINDS: dict[str, type[NodeBase]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Node)[0])
}
"""The node models by kind."""

MOST_COMPLAINTS = 500
"""Complaints that are put into words: looking for what was meant takes time."""

_TWO_FORMS = (("save", 1), ("headers", 2))
"""Fields of nodes that take a text or an object, and how far below them the models name the form they tried."""

_ALTERNATIVES = (("for", "until"), ("of", "threads"), ("to", "broadcast"), ("json", "body"), ("call", "set"))
"""Fields of which an object has one."""

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "list_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
}

_FORMS = {
    "text": "write text",
    "a duration": HINTS[DiagnosticCode.BAD_DURATION],
    "a whole number": "write it in digits, without quotes",
    "a number": "write it in digits, without quotes",
    "true or false": "write `true` or `false`, without quotes",
    "an object": "write `{key: value}`",
    "a list": "write `[item, item]`",
}
"""How values of a type are written."""

_EXAMPLES = {
    "flow": "flow: <name>",
    "version": 'version: "1"',
    "next": "next: <node>",
    "to": "to: <node>",
    "enter": "enter: <node>",
    "kind": f"kind: <kind>`, one of `{', '.join(sorted(KINDS))}",
    "choices": "choices: [yes, no]",
    "over": 'over: "{{ … }}"',
    "nodes": "nodes: {<node>: {kind: end}}",
}
"""How fields that are required are written."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the structure check found.

    Attributes:
        flow: The flow; where there are problems, the mended one; None when nothing could be mended.
        problems: In the models' order.
        edges_mended: Whether edges were dropped or replaced, so that reachability says nothing.
    """

    flow: FlowDefinition | None
    problems: list[Problem]
    edges_mended: bool


def check_structure(document: Json) -> Structure:
    """Check the document against the models."""
    try:
        return Structure(FlowDefinition.model_validate(document), [], edges_mended=False)
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems = list(dict.fromkeys(filter(None, (_problem(document, detail) for detail in details[:MOST_COMPLAINTS]))))
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), dict):
        return Structure(None, problems, edges_mended=True)
    flow, edges_mended = mended(document, details)
    return Structure(flow, problems, edges_mended)


def _problem(document: Json, detail: ErrorDetails) -> Problem | None:
    location = detail["loc"]
    path = fit(document, location)
    kind = detail["type"]
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    what = f"an item of `{name}`" if path and path[-1] != name else f"`{name}`"
    value = value_at(document, path)
    if _other_form(document, location):
        return None
    if location[3:4] == ("need",):
        path = fit(document, location[:4])
        said = "`need` is 'all', 'any', 'majority' or a whole number from 1"
        return Problem(path, DiagnosticCode.BAD_VALUE, said, "write one of these; `all` is what it is without")
    if location and location[-1] == "[key]":
        return Problem(path, DiagnosticCode.BAD_ID, f"{name[:80]!r} is no name", at_key=True)
    if kind == "missing":
        if path == ("start",):
            return Problem((), DiagnosticCode.NO_START, "the flow does not say where it starts")
        return _missing(path[:-1], name)
    if kind == "extra_forbidden":
        known = _fields(document, path[:-1])
        message = f"there is no field {name[:80]!r} here"
        return Problem(path, DiagnosticCode.UNKNOWN_FIELD, message, meant(name, known, len(known)), at_key=True)
    if kind == "union_tag_not_found":
        return _missing(path, "kind")
    if kind == "union_tag_invalid":
        written = str(value.get("kind") if isinstance(value, dict) else value)
        nearest = near(written, KINDS)
        hint = (f"did you mean {nearest[0]!r}? " if nearest else "") + f"known kinds: {', '.join(sorted(KINDS))}"
        return Problem((*path, "kind"), DiagnosticCode.UNKNOWN_KIND, f"there is no kind {written[:80]!r}", hint)
    if kind in _TYPES:
        message = f"{what} takes {_TYPES[kind]}, not {_described(value)}" if path else f"a flow is {_TYPES[kind]}"
        return Problem(path, DiagnosticCode.WRONG_TYPE, message, _type_hint(name, _TYPES[kind], value))
    if kind == "string_pattern_mismatch":
        return Problem(path, DiagnosticCode.BAD_ID, f"{str(value)[:80]!r} is no valid `{name}`", _id_hint(path))
    if kind == "value_error":
        return _value_error(path, what, value, detail["ctx"]["error"])
    return Problem(path, DiagnosticCode.BAD_VALUE, *_not_allowed(what, detail))


def _not_allowed(what: str, detail: ErrorDetails) -> tuple[str, str | None]:
    """What a value of the right type must be, in our words where pydantic's say less, and what to write."""
    context, value = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "literal_error":
            nearest = near(str(value), re.findall(r"'([^']*)'", context["expected"]))
            hint = f"did you mean {nearest[0]!r}?" if nearest else "write one of these"
            return f"{what} is one of {context['expected']}", hint
        case "greater_than_equal":
            return f"{what} is at least {context['ge']}", f"write {context['ge']} or more"
        case "greater_than":
            return f"{what} is more than {context['gt']}", f"write more than {context['gt']}"
        case "less_than_equal":
            return f"{what} is at most {context['le']}", f"write {context['le']} or less"
        case "string_too_short":
            return f"{what} has at least {context['min_length']} characters", f"it has {len(value)}"
        case "string_too_long":
            return f"{what} has at most {context['max_length']} characters", f"it has {len(value)}"
        case "too_short":
            return f"{what} has at least {context['min_length']} items", f"it has {context['actual_length']}"
        case "too_long":
            return f"{what} has at most {context['max_length']} items", f"it has {context['actual_length']}"
    return f"{what} is not valid: {detail['msg']}", None


def _missing(path: Path, name: str) -> Problem:
    hint = f"add `{_EXAMPLES.get(name, f'{name}: …')}`"
    return Problem(path, DiagnosticCode.MISSING_FIELD, f"the field `{name}` is missing", hint, at_key=True)


def _value_error(path: Path, what: str, value: Json, error: ValueError) -> Problem:
    if isinstance(error, HintedError):
        if isinstance(value, str):
            return Problem(path, DiagnosticCode.BAD_DURATION, error.message, error.hint)
        hint = _type_hint(str(path[-1]), "a duration", value)
        return Problem(path, DiagnosticCode.WRONG_TYPE, f"{what} takes a duration, not {_described(value)}", hint)
    both = "is both" in str(error) or any({one, other} <= value.keys() for one, other in _ALTERNATIVES)
    code = DiagnosticCode.BAD_VALUE if both else DiagnosticCode.MISSING_FIELD
    return Problem(path, code, str(error), "leave one of them out" if both else "add one of them", at_key=True)


def _other_form(document: Json, location: tuple[str | int, ...]) -> bool:
    """Whether a complaint is about a form of a field, a text or an object, that the file does not use there."""
    for field, below in _TWO_FORMS:
        if location[3:4] == (field,) and len(location) > 3 + below:
            value = value_at(document, fit(document, location[: 3 + below]))
            return isinstance(value, dict) != str(location[3 + below]).startswith(("dict", "Secret"))
    return False


def _described(value: Json) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


def _type_hint(name: str, expected: str, value: Json) -> str:
    if name in ("when", "where"):
        return "expressions are texts: put quotes around it"
    if name in ("next", "on_error", "on_timeout"):
        return "write the id of a node, or `{to: <node>}`"
    if value is None:
        return "give it a value, or leave it out"
    if expected in ("text", "a duration") and isinstance(value, bool | int | float):
        written = str(value).lower()
        return f'quote it: "{written}s"' if name in _DURATIONS else f'quote it: "{written}"'
    return _FORMS[expected]


def _id_hint(path: Path) -> str:
    if path[-1] == "flow" and len(path) > 1:
        return "write `name` or `name@version`, each with letters, digits, dots, dashes and underscores"
    if path in (("flow",), ("version",)):
        return "write letters, digits, dots, dashes and underscores, at most 64, the first a letter or digit"
    if path[-1] == "code" or "codes" in path or "non_retryable" in path:
        return "write a letter, then letters, digits, dots and underscores, at most 100"
    return "write a letter or underscore, then letters, digits and underscores, at most 64"


_DURATIONS = frozenset(
    {
        "timeout",
        "start_to_close",
        "schedule_to_start",
        "heartbeat",
        "for",
        "max_duration",
        "initial_interval",
        "maximum_interval",
        "interval",
        "remind",
        "time",
    }
)


def _fields(document: Json, path: Path) -> list[str]:
    """The names that the object at the path may have."""
    model: type[BaseModel] = FlowDefinition
    for index, step in enumerate(path):
        if index == 1 and path[0] == "nodes":
            model = KINDS[value_at(document, (*path[:2], "kind"))]
            continue
        annotations = [field.annotation for name, field in model.model_fields.items() if (field.alias or name) == step]
        model = next(chain.from_iterable(map(_models_in, annotations)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field of that type can hold, in lists, objects or by themselves."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
