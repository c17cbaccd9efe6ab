"""Regular expressions that run in linear time: those of pydantic-core, without look-around and back-references."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 500
MAX_PATTERN_TEXT = 10_000
"""Characters of a text that a pattern is tried on."""
_MAX_STATES = 2_000
_TOKEN = re.compile(
    r"""\\. | \[\^?\]?(?:\\.|[^\]\\])*\] | \{(?P<least>\d+)(?:,(?P<most>\d*))?\} | .""", re.DOTALL | re.VERBOSE
)
"""What takes one character, or repeats what is before it."""


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern cannot be used; None when it can."""
    if len(pattern) > MAX_PATTERN:
        return f"a pattern has at most {MAX_PATTERN} characters"
    if _states(pattern) > _MAX_STATES:
        return "the pattern repeats too often"
    try:
        _matcher(pattern)
    except (SchemaError, ValueError):
        return "the pattern is malformed, or uses look-around or back-references"
    return None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern, which has no problem, is found anywhere in the text."""
    return _matcher(pattern).isinstance_python(text)


def cost(pattern: str, text: str) -> int:
    """What looking for the pattern can take at most, in units of about four microseconds."""
    return 1 + len(text) * _states(pattern) // 200


@lru_cache(maxsize=256)
def _states(pattern: str) -> int:
    """About how many states the pattern's automaton has: the single characters of it, repeats written out."""
    sizes, last = [0], [0]
    for token in _TOKEN.finditer(pattern):
        if token[0] == "(":
            sizes.append(0)
            last.append(0)
        elif token[0] == ")" and len(sizes) > 1:
            last.pop()
            last[-1] = max(1, sizes.pop())
            sizes[-1] += last[-1]
        elif token["least"]:
            times = max(1, int(token["least"][:6]) + (token["most"] == ""), int((token["most"] or "0")[:6]))
            sizes[-1] += last[-1] * (times - 1)
            last[-1] *= times
        else:
            last[-1] = 1
            sizes[-1] += 1
    return sum(sizes)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
