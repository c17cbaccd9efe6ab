"""The tests that expressions may use after `is`, and in `select` and its kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language import arguments
from domain.flow.language.budget import spend
from domain.flow.language.filters_time import parse_instant
from domain.flow.language.patterns import MAX_PATTERN_TEXT, cost, found, pattern_problem
from domain.flow.language.values import (
    Absent,
    equality_key,
    present,
    spend_on_comparing,
    spend_on_searching,
    type_name,
)


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
    spend_on_searching(present(value), present(container))
    if isinstance(container, str):
        return arguments.text("in", value) in container
    if isinstance(container, list | tuple | Mapping):
        return value in container
    raise TypeError(f"`in` takes text, a list or an object, not {type_name(container)}")


def _contains(container: Any, value: Any) -> bool:
    return _in(value, container)


def _eq(value: Any, other: Any) -> bool:
    spend_on_comparing(present(value), present(other))
    return bool(value == other)


def _ne(value: Any, other: Any) -> bool:
    return not _eq(value, other)


def _ordered(name: str, value: Any) -> Any:
    spend_on_comparing(value, value)
    return arguments.comparable(name, value)


def _lt(value: Any, other: Any) -> bool:
    return bool(_ordered("lt", value) < _ordered("lt", other))


def _le(value: Any, other: Any) -> bool:
    return bool(_ordered("le", value) <= _ordered("le", other))


def _gt(value: Any, other: Any) -> bool:
    return bool(_ordered("gt", value) > _ordered("gt", other))


def _ge(value: Any, other: Any) -> bool:
    return bool(_ordered("ge", value) >= _ordered("ge", other))


def _upper(value: Any) -> bool:
    return arguments.text("upper", value).isupper()


def _lower(value: Any) -> bool:
    return arguments.text("lower", value).islower()


def _all(value: Any) -> bool:
    return all(arguments.items("all", value))


def _any(value: Any) -> bool:
    return any(arguments.items("any", value))


def _subset(value: Any, other: Any) -> bool:
    keys = {equality_key(item) for item in arguments.items("subset", other)}
    return all(equality_key(item) in keys for item in arguments.items("subset", value))


def _superset(value: Any, other: Any) -> bool:
    return _subset(other, value)


def _before(value: Any, other: Any) -> bool:
    return parse_instant("before", value) < parse_instant("before", other)


def _after(value: Any, other: Any) -> bool:
    return parse_instant("after", value) > parse_instant("after", other)


def _search(value: Any, pattern: Any) -> bool:
    return _found("search", value, arguments.text("search", pattern))


def _match(value: Any, pattern: Any) -> bool:
    written = arguments.text("match", pattern)
    if problem := pattern_problem(written):
        raise ValueError(f"`match`: {problem}")
    return _found("match", value, rf"\A(?:{written})")


def _found(name: str, value: Any, pattern: str) -> bool:
    source = arguments.text(name, value)
    if problem := pattern_problem(pattern):
        raise ValueError(f"`{name}`: {problem}")
    if len(source) > MAX_PATTERN_TEXT:
        raise ValueError(f"`{name}` takes a text of at most {MAX_PATTERN_TEXT:,} characters")
    spend(10 * cost(pattern, source))
    return found(pattern, source)


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
    "upper": _upper,
    "lower": _lower,
    "match": _match,
    "search": _search,
    "all": _all,
    "any": _any,
    "subset": _subset,
    "superset": _superset,
    "before": _before,
    "after": _after,
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
