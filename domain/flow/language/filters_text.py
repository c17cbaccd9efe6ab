"""Filters over text and numbers, and those that choose a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language.arguments import integer, number, text
from domain.flow.language.budget import CHARACTERS, spend
from domain.flow.language.values import Absent, bounded, present, text_of, type_name, whole

_CONVERSION = re.compile(r"%(?:%|[-+ 0]{0,3}\d{0,3}(?:\.\d{1,2})?(?P<kind>[sdfgex]))")
_NUMBER = re.compile(r"\s*[+-]?\d[\d_]{0,300}\s*\Z")
_UNGIVEN: Any = object()
_TRUE = (True, "true", "yes", "on", "1")
_FALSE = (False, None, "false", "no", "off", "0", "")


def default(value: Any, other: Any = "", boolean: Any = False) -> Any:
    """The other value when the first is absent; with `true` also when it is empty, null, false or 0."""
    return other if isinstance(value, Absent) or (boolean and not value) else value


def ternary(value: Any, yes: Any, no: Any, nothing: Any = _UNGIVEN) -> Any:
    """The first value when the condition is true, the second when it is false, the third, if given, for null."""
    if present(value) is None and nothing is not _UNGIVEN:
        return nothing
    return yes if value else no


def string(value: Any) -> str:
    """The value's text, as it would stand inside a text."""
    return text_of(present(value))


def to_int(value: Any, default: Any = _UNGIVEN) -> Any:
    """The whole number that a text or number gives, rounded towards zero; the default when it gives none."""
    present(value)
    if isinstance(value, str) and _NUMBER.match(value):
        return int(value)
    try:
        if isinstance(value, str | float | int):
            return whole(int(float(value))) if not isinstance(value, int) else int(value)
    except (ValueError, OverflowError):
        pass
    if default is not _UNGIVEN:
        return default
    raise ValueError(f"`int` finds no number in {_shown(value)}")


def to_float(value: Any, default: Any = _UNGIVEN) -> Any:
    """The number that a text or number gives; the default when it gives none."""
    present(value)
    try:
        if isinstance(value, str | float | int) and math.isfinite(found := float(value)):
            return found
    except (ValueError, OverflowError):
        pass
    if default is not _UNGIVEN:
        return default
    raise ValueError(f"`float` finds no number in {_shown(value)}")


def to_bool(value: Any) -> bool:
    """True for true, 1, `true`, `yes`, `on` and `1`; false for false, 0, `false`, `no`, `off`, `0`, empty and null."""
    written = value.strip().lower() if isinstance(present(value), str) else value
    if isinstance(written, str | bool | int | float | None):
        if written in _TRUE:
            return True
        if written in _FALSE:
            return False
    raise ValueError(f"`bool` finds no boolean in {_shown(value)}")


def absolute(value: Any) -> Any:
    """The number without its sign."""
    return abs(number("abs", value))


def rounded(value: Any, precision: Any = 0, method: Any = "common") -> float:
    """The number with that many decimals: `common` (half to even), `ceil` or `floor`. Always with a decimal point."""
    digits = integer("round", precision)
    if not -15 <= digits <= 15:
        raise ValueError("`round` takes a precision from -15 to 15")
    if method == "common":
        return float(round(number("round", value), digits))
    if method not in ("ceil", "floor"):
        raise ValueError("`round` takes 'common', 'ceil' or 'floor'")
    scale = 10.0**digits
    return float(getattr(math, method)(number("round", value) * scale) / scale)


def upper(value: Any) -> str:
    """The text in capital letters."""
    return text("upper", value).upper()


def lower(value: Any) -> str:
    """The text in small letters."""
    return text("lower", value).lower()


def capitalize(value: Any) -> str:
    """The text with its first letter in capital, the rest small."""
    return text("capitalize", value).capitalize()


def title(value: Any) -> str:
    """The text with each word's first letter in capital."""
    return text("title", value).title()


def trim(value: Any, characters: Any = None) -> str:
    """The text without white space, or the given characters, at both ends."""
    return text("trim", value).strip(None if characters is None else text("trim", characters))


def replace(value: Any, old: Any, new: Any) -> str:
    """The text with every occurrence of one text replaced by another."""
    source, before, after = text("replace", value), text("replace", old), text("replace", new)
    if not before:
        raise ValueError("`replace` needs a text to look for")
    bounded(len(source) + source.count(before) * max(0, len(after) - len(before)))
    spend(source.count(before) * (1 + len(after) // CHARACTERS) // 8)
    return source.replace(before, after)


def split(value: Any, separator: Any = None) -> list[str]:
    """The parts between the separators; without one, the words."""
    parts = text("split", value).split(None if separator is None else text("split", separator))
    spend(len(parts))
    return parts


def split_lines(value: Any) -> list[str]:
    """The lines of the text, without their ends."""
    lines = text("splitlines", value).splitlines()
    spend(len(lines))
    return lines


def truncate(value: Any, length: Any = 255, end: Any = "…") -> str:
    """The text cut to that many characters, the end mark included, when it is longer."""
    source, limit, mark = text("truncate", value), integer("truncate", length), text("truncate", end)
    if limit < len(mark):
        raise ValueError("`truncate` needs room for its end mark")
    return source if len(source) <= limit else source[: limit - len(mark)] + mark


def formatted(value: Any, *values: Any) -> str:
    """The values put into the text's `%s %d %f %g %e %x`, with widths up to 999 and up to 99 decimals."""
    template = text("format", value)
    conversions = list(_CONVERSION.finditer(template))
    if sum(1 if match[0] != "%%" else 2 for match in conversions) != template.count("%"):
        raise ValueError("`format` knows %s %d %f %g %e %x and %%, with width and precision")
    kinds = [match["kind"] for match in conversions if match["kind"]]
    if len(kinds) != len(values):
        raise ValueError(f"`format` needs {len(kinds)} values for {_shown(template)}, not {len(values)}")
    given = tuple(
        text_of(item) if kind == "s" else number("format", item) for kind, item in zip(kinds, values, strict=True)
    )
    bounded(len(template) + sum(len(item) if isinstance(item, str) else 400 for item in given) + 999 * len(kinds))
    return template % given


def length(value: Any) -> int:
    """The count of characters, items or keys."""
    if isinstance(present(value), str | list | tuple | Mapping):
        return len(value)
    raise TypeError(f"`length` takes text, a list or an object, not {type_name(value)}")


def _shown(value: Any) -> str:
    return repr(value[:40]) if isinstance(value, str) else type_name(value)


TEXT_FILTERS: Mapping[str, Callable[..., Any]] = {
    "default": default,
    "ternary": ternary,
    "string": string,
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
    "abs": absolute,
    "round": rounded,
    "upper": upper,
    "lower": lower,
    "capitalize": capitalize,
    "title": title,
    "trim": trim,
    "replace": replace,
    "split": split,
    "splitlines": split_lines,
    "truncate": truncate,
    "format": formatted,
    "length": length,
    "count": length,
}
