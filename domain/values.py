"""JSON values: the only data that flows, messages and records carry."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, float, str, a list of these, or a dict of these by str."""

JsonObject: TypeAlias = dict[str, Any]

LARGEST = sys.float_info.max
"""The largest number: any reader may decode a number as a double, and arithmetic must not overflow."""

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


def is_text(value: str) -> bool:
    """Whether the text can be encoded: half a surrogate pair cannot, and would fail whoever sends or stores it."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_json(value: object) -> bool:
    """Whether the value is JSON all the way down, and can be sent, stored and computed with.

    No NaN, no infinity, no number beyond `LARGEST`, no text that cannot be encoded, and not nested
    deeper than `MAX_DEPTH`.
    """
    left: list[tuple[object, int]] = [(value, 0)]
    while left:
        part, depth = left.pop()
        if part is None or isinstance(part, bool):
            continue
        if isinstance(part, str):
            if is_text(part):
                continue
            return False
        if isinstance(part, int | float):
            if -LARGEST <= part <= LARGEST:
                continue
            return False
        if depth >= MAX_DEPTH:
            return False
        if isinstance(part, list):
            left.extend((item, depth + 1) for item in part)
        elif isinstance(part, dict) and all(isinstance(key, str) and is_text(key) for key in part):
            left.extend((item, depth + 1) for item in part.values())
        else:
            return False
    return True
