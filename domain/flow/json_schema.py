"""JSON Schema (2020-12) that can neither reach out nor hang: for data of unknown origin, inside workflows.

What makes a schema unsafe is refused when the flow is loaded: references out of the document, and
keywords whose evaluation cannot be bounded. What remains is evaluated with a budget; patterns run in
linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Registry

from domain.flow.diagnostics import Path
from domain.flow.language.nearby import near
from domain.flow.language.patterns import MAX_PATTERN_TEXT, cost, found, pattern_problem
from domain.flow.language.values import equality_key
from domain.values import Json, JsonObject

MOST_PROBLEMS = 20
STEPS = 100_000
"""Keywords that one check may evaluate: well below what a workflow task may take."""
MAX_OBJECTS = 2_000
"""Objects in the schemas of one flow: checking that they are schemas takes about a fifth of a millisecond each."""
MAX_DEPTH = 100
"""Keywords evaluated inside each other. Beyond Python's own limit of recursion, the compiled library that
resolves references would end the process rather than raise an exception."""
_SHOWN = 200

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_IN_OBJECT = ("properties", "$defs", "definitions", "dependentSchemas")
_IN_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_REFUSED = ("patternProperties", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "$anchor")


class _BudgetError(Exception):
    """The check has gone as far as it may; the message says why it ends."""


@dataclass(slots=True)
class _Budget:
    """What one check has used."""

    steps: int = 0
    depth: int = 0

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > STEPS:
            raise _BudgetError("the value is too large for a schema of this kind: the check was given up")


_budget: ContextVar[_Budget] = ContextVar("budget")


def _counted(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        budget = _budget.get()
        budget.spend(1)
        budget.depth += 1
        try:
            if budget.depth > MAX_DEPTH:
                raise _BudgetError("the value or the schema nests too deeply")
            yield from keyword(validator, value, instance, schema) or ()
        finally:  # also when the caller has seen enough after the first error
            budget.depth -= 1

    return check


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    _budget.get().spend(cost(pattern, instance))
    if len(instance) > MAX_PATTERN_TEXT:
        yield ValidationError(f"the text has more than {MAX_PATTERN_TEXT:,} characters and the schema a pattern for it")
    elif not found(pattern, instance):
        yield ValidationError(f"{_shortened(instance)!r} does not match {pattern!r}")


def _unique_items(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    _budget.get().spend(1)
    if wanted and isinstance(instance, list) and len({equality_key(item) for item in instance}) < len(instance):
        yield ValidationError("the list has equal items")


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        **{name: _counted(keyword) for name, keyword in Draft202012Validator.VALIDATORS.items()},
        "pattern": _pattern,
        "uniqueItems": _unique_items,
    },
)
_NOWHERE: Registry[Any] = Registry()
_META = _Validator(Draft202012Validator.META_SCHEMA, registry=REGISTRY)


class InputSchema:
    """A schema that was found safe, ready to check values."""

    def __init__(self, schema: JsonObject) -> None:
        self._validator = _Validator(schema, registry=_NOWHERE)

    def problems(self, value: Json) -> list[tuple[Path, str]]:
        """Path and message of the value's first problems; none when it fits. Never raises."""
        return _problems(self._validator, value)


class SchemaProblem(NamedTuple):
    """What is wrong with a schema, and where in it."""

    path: Path
    message: str
    hint: str | None = None


def schema_problems(schema: Json) -> list[SchemaProblem]:
    """What is wrong with a schema, or unsafe in it. Never raises."""
    if objects_in(schema) > MAX_OBJECTS:
        return [SchemaProblem((), f"a schema has at most {MAX_OBJECTS:,} objects")]
    refused = list(islice(_refused(schema), MOST_PROBLEMS))
    places = {problem.path for problem in refused}  # of what we say better than the schema of schemas
    malformed = [SchemaProblem(*problem) for problem in _problems(_META, schema) if problem[0] not in places]
    return [*malformed, *refused][:MOST_PROBLEMS]


def objects_in(value: Json) -> int:
    """How many objects are in the value, at all depths."""
    count = 0
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            count += 1
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return count


def _problems(validator: Any, value: Json) -> list[tuple[Path, str]]:
    token = _budget.set(_Budget())
    try:
        found = islice(validator.iter_errors(value), MOST_PROBLEMS)
        return list(dict.fromkeys((tuple(error.absolute_path), _shortened(error.message)) for error in found))
    except _BudgetError as error:
        return [((), str(error))]
    except Exception as error:  # data of unknown origin; whatever it does to the check, it does not fit
        said = "it nests too deeply" if isinstance(error, RecursionError) else type(error).__name__
        return [((), f"the value cannot be checked: {said}")]
    finally:
        _budget.reset(token)


def _refused(schema: Json) -> Iterator[SchemaProblem]:
    """What is unsafe, and what the schema of schemas has no good words for. The schema may be malformed."""
    places = dict(_subschemas(schema))
    for path, part in places.items():
        if not isinstance(part, dict):
            continue
        for keyword in _REFUSED:
            if keyword in part:
                hint = "write it without" if keyword.startswith("$") else "name the keys in `properties`"
                yield SchemaProblem((*path, keyword), f"`{keyword}` is not supported", hint)
        if "$id" in part and path:
            yield SchemaProblem((*path, "$id"), "`$id` is supported at the top only", "leave it out")
        reference, pattern = part.get("$ref"), part.get("pattern")
        if isinstance(reference, str) and _target(reference) not in places:
            message = f"{reference[:100]!r} is no schema in this document"
            yield SchemaProblem((*path, "$ref"), message, "write '#/$defs/…'")
        if isinstance(pattern, str) and (unusable := pattern_problem(pattern)):
            yield SchemaProblem((*path, "pattern"), unusable, "write a simpler one")
        if "type" in part and (problem := _type_problem(part["type"])):
            yield SchemaProblem((*path, "type"), *problem)


def _type_problem(value: Json) -> tuple[str, str] | None:
    types = value if isinstance(value, list) else [value]
    hint = f"types are {', '.join(_TYPES)}"
    for name in types:
        if name not in _TYPES:
            nearest = near(str(name), _TYPES)
            return f"{_shortened(repr(name))} is no type", f"did you mean {nearest[0]!r}? {hint}" if nearest else hint
    if not types or len(set(types)) < len(types):
        return "a list of types has one or more, each once", hint
    return None


def _subschemas(schema: Json) -> Iterator[tuple[Path, Json]]:
    pending: list[tuple[Path, Json]] = [((), schema)]
    while pending:
        path, part = pending.pop()
        yield path, part
        if not isinstance(part, dict):
            continue
        for keyword in _IN_OBJECT:
            members = part.get(keyword)
            if isinstance(members, dict):
                pending.extend(((*path, keyword, name), member) for name, member in members.items())
        for keyword in _IN_LIST:
            items = part.get(keyword)
            if isinstance(items, list):
                pending.extend(((*path, keyword, index), item) for index, item in enumerate(items))
        pending.extend(((*path, keyword), part[keyword]) for keyword in _SINGLE if keyword in part)


def _target(reference: str) -> Path | None:
    """The path that a reference inside the document names; None for any other."""
    if reference == "#":
        return ()
    if not reference.startswith("#/") or "%" in reference:
        return None
    steps = [step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/")]
    return tuple(
        int(step) if step.isdecimal() and index and steps[index - 1] in _IN_LIST else step
        for index, step in enumerate(steps)
    )


def _shortened(message: str) -> str:
    return message if len(message) <= _SHOWN else message[: _SHOWN - 1] + "…"
