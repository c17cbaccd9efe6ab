"""The tests that expressions may use after `is`, and in `select` and its kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language import arguments
from domain.flow.language.values import Absent, present, type_name


def _defined(value: Any) -> bool:
    return not isinstance(value, Absent)


def _undefined(value: Any) -> bool:
    return isinstance(value, Absent)


def _none(value: Any) -> bool:
    return present(value) is None


def _boolean(value: Any) -> bool:
    return isinstance(present(value), bool)


def _string(value: Any) -> bool:
    return isinstance(present(value), str)


def _number(value: Any) -> bool:
    return isinstance(present(value), int | float) and not isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(present(value), int) and not isinstance(value, bool)


def _float(value: Any) -> bool:
    return isinstance(present(value), float)


def _list(value: Any) -> bool:
    return isinstance(present(value), list | tuple)


def _mapping(value: Any) -> bool:
    return isinstance(present(value), Mapping)


def _empty(value: Any) -> bool:
    if isinstance(present(value), str | list | tuple | Mapping):
        return len(value) == 0
    raise TypeError(f"`empty` takes text, a list or an object, not {type_name(value)}")


def _true(value: Any) -> bool:
    return present(value) is True


def _false(value: Any) -> bool:
    return present(value) is False


def _odd(value: Any) -> bool:
    return arguments.integer("odd", value) % 2 == 1


def _even(value: Any) -> bool:
    return arguments.integer("even", value) % 2 == 0


def _divisible_by(value: Any, divisor: Any) -> bool:
    return arguments.integer("divisibleby", value) % arguments.integer("divisibleby", divisor) == 0


def _starts_with(value: Any, prefix: Any) -> bool:
    return arguments.text("startswith", value).startswith(arguments.text("startswith", prefix))


def _ends_with(value: Any, suffix: Any) -> bool:
    return arguments.text("endswith", value).endswith(arguments.text("endswith", suffix))


def _in(value: Any, container: Any) -> bool:
    if isinstance(present(container), str):
        return arguments.text("in", value) in container
    if isinstance(container, list | tuple | Mapping):
        return present(value) in container
    raise TypeError(f"`in` takes text, a list or an object, not {type_name(container)}")


def _contains(container: Any, value: Any) -> bool:
    return _in(value, container)


def _eq(value: Any, other: Any) -> bool:
    return bool(present(value) == present(other))


def _ne(value: Any, other: Any) -> bool:
    return not _eq(value, other)


def _lt(value: Any, other: Any) -> bool:
    return bool(arguments.comparable("lt", value) < arguments.comparable("lt", other))


def _le(value: Any, other: Any) -> bool:
    return bool(arguments.comparable("le", value) <= arguments.comparable("le", other))


def _gt(value: Any, other: Any) -> bool:
    return bool(arguments.comparable("gt", value) > arguments.comparable("gt", other))


def _ge(value: Any, other: Any) -> bool:
    return bool(arguments.comparable("ge", value) >= arguments.comparable("ge", other))


PREDICATES: Mapping[str, Callable[..., bool]] = {
    "defined": _defined,
    "undefined": _undefined,
    "none": _none,
    "boolean": _boolean,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "float": _float,
    "list": _list,
    "mapping": _mapping,
    "empty": _empty,
    "true": _true,
    "false": _false,
    "odd": _odd,
    "even": _even,
    "divisibleby": _divisible_by,
    "startswith": _starts_with,
    "endswith": _ends_with,
    "in": _in,
    "contains": _contains,
    "eq": _eq,
    "ne": _ne,
    "lt": _lt,
    "le": _le,
    "gt": _gt,
    "ge": _ge,
}
"""By the names that Jinja gives them, where it has them."""
