"""Filters over text, numbers and JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language.arguments import integer, number, text
from domain.flow.language.values import Absent, bounded, compact_json, plain, present, text_of, type_name, whole
from domain.values import Json

_CONVERSION = re.compile(r"%(?:%|[-+ 0]{0,3}\d{0,3}(?:\.\d{1,2})?(?P<kind>[sdfgex]))")
_NUMBER = re.compile(r"\s*[+-]?\d[\d_]{0,300}\s*\Z")
_UNGIVEN: Any = object()


def default(value: Any, other: Any = "", boolean: Any = False) -> Any:
    """The other value when the first is absent; with `true` also when it is empty, null, false or 0."""
    return other if isinstance(value, Absent) or (boolean and not value) else value


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


def to_json(value: Any) -> str:
    """Compact JSON text."""
    return compact_json(plain(present(value)))


def from_json(value: Any) -> Json:
    """The value that a JSON text describes."""
    try:
        return plain(json.loads(text("fromjson", value)))
    except json.JSONDecodeError as error:
        raise ValueError(f"`fromjson` finds no JSON: {error}") from None


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
    return source.replace(before, after)


def split(value: Any, separator: Any = None) -> list[str]:
    """The parts between the separators; without one, the words."""
    return text("split", value).split(None if separator is None else text("split", separator))


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
    "string": string,
    "int": to_int,
    "float": to_float,
    "tojson": to_json,
    "fromjson": from_json,
    "abs": absolute,
    "round": rounded,
    "upper": upper,
    "lower": lower,
    "capitalize": capitalize,
    "title": title,
    "trim": trim,
    "replace": replace,
    "split": split,
    "truncate": truncate,
    "format": formatted,
    "length": length,
}
