"""What expressions compute with: JSON values, their text, and the bounds on what an expression may build."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined
from jinja2.utils import missing

from domain.flow.language.budget import CHARACTERS, COMPARED, POINTERS, spend
from domain.flow.language.nearby import did_you_mean
from domain.values import LARGEST, Json, is_text

MAX_TEXT = 4_000_000
"""Characters that one expression may build; more could not be sent to anybody."""

MAX_ITEMS = 10_000
"""Items that `range` may make."""

MAX_NODES = 500_000
"""Values, at all depths, in the result of one expression. Shared parts count each time they appear."""

MAX_BITS = 1_024
"""Bits of a whole number: beyond it, readers that decode numbers as doubles see infinity."""

_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "an object",
}

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""The one form in which JSON stands in text. An encoder kept, as making one costs more than using it."""


class Absent(StrictUndefined):
    """A name or key that is not there: any use of it fails, except by `default` and `is defined`."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"{self._undefined_name!r} is not defined"
        name: Any = self._undefined_name
        if isinstance(self._undefined_obj, Mapping):
            return f"the object has no key {name!r}{did_you_mean(str(name), self._undefined_obj)}"
        return f"{type_name(self._undefined_obj)} has no key {name!r}"


def present(value: Any) -> Any:
    """The value, or the failure that its absence is."""
    if isinstance(value, Absent):
        value._fail_with_undefined_error()
    return value


def type_name(value: object) -> str:
    """The value's type in JSON's words, with its article."""
    return _NAMES.get(type(value), "an object" if isinstance(value, Mapping) else "no JSON value")


def bounded(characters: int) -> None:
    """Raise `ValueError` when a text of that many characters must not be built."""
    if characters > MAX_TEXT:
        raise ValueError(f"the text would have more than {MAX_TEXT:,} characters")


def encodable(text: str) -> str:
    """The text, or `ValueError` when it holds half a surrogate pair."""
    if not is_text(text):
        raise ValueError("the text holds half a surrogate pair, which cannot be sent")
    return text


def whole(value: int) -> int:
    """The number, or `ValueError` when it has more digits than other programs can read."""
    if not -LARGEST <= value <= LARGEST:
        raise ValueError("the number is too large")
    return value


def plain(value: Any) -> Json:
    """The value as plain JSON; itself, uncopied, when it is that already.

    Raises:
        ValueError: It is larger than the bounds, or holds NaN or an infinity.
        TypeError: It holds something that is not JSON.
        jinja2.UndefinedError: It holds something absent.
    """
    if value is None or type(value) is bool:
        return value
    copy_needed = False
    characters, nodes = 0, 1
    pending = [value]
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is str:
            characters += len(item)
            bounded(characters)
            encodable(item)
        elif item is None or kind is bool:
            continue
        elif kind is int:
            whole(item)
        elif kind is float:
            if not math.isfinite(item):
                raise ValueError("the result is not a finite number")
        elif kind is list or kind is tuple:
            copy_needed = copy_needed or kind is tuple
            nodes = _counted(nodes + len(item))
            spend(len(item))
            pending.extend(item)
        elif isinstance(item, Mapping):
            copy_needed = copy_needed or kind is not dict
            nodes = _counted(nodes + len(item))
            spend(len(item))
            for key, member in item.items():
                if type(key) is not str:
                    raise TypeError(f"the keys of an object are text, not {type_name(key)}")
                characters += len(key)
                encodable(key)
                pending.append(member)
        else:
            present(item)
            raise TypeError("the result is not JSON")
    return _copied(value) if copy_needed else value


def text_of(value: Any) -> str:
    """The text of a value inside text: text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return encodable(value)
    spend(4)
    return compact_json(plain(value))


def equality_key(value: Any) -> Any:
    """A hashable stand-in: two values have equal ones when they are equal as JSON (1 is 1.0, and not true)."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, str):
        spend(2 + len(value) // COMPARED)
        return value
    if isinstance(value, list | tuple):
        spend(2 + 2 * len(value))
        return (list, tuple(equality_key(item) for item in value))
    if isinstance(value, Mapping):
        spend(4 + 4 * len(value))
        return (dict, frozenset((key, equality_key(member)) for key, member in value.items()))
    return present(value)


def spend_on_comparing(value: Any, other: Any) -> None:
    """Count what comparing two values can cost at most."""
    if isinstance(value, str) or isinstance(other, str):
        sizes = [len(text) for text in (value, other) if isinstance(text, str)]
        spend(1 + min(sizes) // COMPARED)
    elif isinstance(value, list | tuple | Mapping) and isinstance(other, list | tuple | Mapping):
        smaller = min(value, other, key=len)
        spend(_weight(smaller))


def spend_on_searching(value: Any, container: Any) -> None:
    """Count what finding a value in a text, a list or the keys of an object can cost at most."""
    if isinstance(container, str):
        spend(1 + len(container) // CHARACTERS)
    elif isinstance(container, list | tuple):
        if isinstance(value, list | tuple | Mapping):
            spend(_weight(container))
        else:
            compared = len(value) // COMPARED if isinstance(value, str) else 0
            spend(1 + len(container) // POINTERS + len(container) * compared)


def _weight(value: Any) -> int:
    """Steps that reading a value through takes; what it takes to find out is spent on the way."""
    total = 0
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            total += len(item) // COMPARED
        elif isinstance(item, list | tuple | Mapping):
            spend(len(item))
            total += len(item)
            pending.extend(item)
            if isinstance(item, Mapping):
                pending.extend(item.values())
    return 1 + total


def _counted(nodes: int) -> int:
    if nodes > MAX_NODES:
        raise ValueError(f"the result has more than {MAX_NODES:,} values")
    return nodes


def _copied(value: Any) -> Json:
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _copied(member) for key, member in value.items()}
    return value
