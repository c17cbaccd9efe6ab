"""JSON values: the only data that flows, messages and records carry."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, float, str, a list of these, or a dict of these by str."""

JsonObject: TypeAlias = dict[str, Any]

LARGEST = sys.float_info.max
"""The largest number: any reader may decode a number as a double, and arithmetic must not overflow."""

_KINDS: tuple[type, ...] = (str, bool, int, float, dict, list, type(None))

MAX_DEPTH = 100
"""How deep a value may nest. Pydantic gives up at about 255, and a state wraps values in its own."""


def canonical(value: Json) -> bytes:
    """One byte string per JSON value: keys sorted, no white space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode(
        "utf-8", "surrogatepass"
    )


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def size(value: Json) -> int:
    """Bytes of the value as compact JSON."""
    return len(json.dumps(value, separators=(",", ":"), default=str))


def copied(value: Json) -> Json:
    """A copy that shares nothing with the value which could be changed."""
    if type(value) is dict:
        return {key: copied(part) for key, part in value.items()}
    if type(value) is list:
        return [copied(part) for part in value]
    return value


def is_text(value: str) -> bool:
    """Whether the text can be encoded: half a surrogate pair cannot, and would fail whoever sends or stores it."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_texts(keys: Iterable[Json]) -> bool:
    try:
        return is_text("".join(keys))
    except TypeError:
        return False


def is_json(value: object) -> bool:
    """Whether the value is JSON all the way down, and can be sent, stored and computed with.

    No NaN, no infinity, no number beyond `LARGEST`, no text that cannot be encoded, and not nested
    deeper than `MAX_DEPTH`.
    """
    left: list[tuple[Iterable[Json], int]] = [((value,), 0)]
    while left:
        parts, depth = left.pop()
        for part in parts:
            kind: type | None = type(part)
            # By its type, which is quicker than `isinstance`: this looks at everything.
            if kind not in _KINDS:
                kind = next((base for base in _KINDS if isinstance(part, base)), None)
            if kind is str:
                if not (part.isascii() or is_text(part)):
                    return False
            elif kind is int or kind is float:
                if not -LARGEST <= part <= LARGEST:
                    return False
            elif kind is dict or kind is list:
                if depth == MAX_DEPTH or (kind is dict and not _are_texts(part)):
                    return False
                left.append((part.values() if kind is dict else part, depth + 1))
            elif kind is None:
                return False
    return True
