"""How operators behave: on JSON's types only, with bounds on what they build and a count of what they cost."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language.arguments import integer
from domain.flow.language.budget import CHARACTERS, POINTERS, spend
from domain.flow.language.values import (
    MAX_BITS,
    MAX_ITEMS,
    bounded,
    present,
    spend_on_comparing,
    spend_on_searching,
    text_of,
    type_name,
    whole,
)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unsupported(operator: str, left: Any, right: Any, hint: str = "") -> TypeError:
    return TypeError(f"`{operator}` does not take {type_name(left)} and {type_name(right)}{hint}")


def _add(left: Any, right: Any) -> Any:
    if _is_number(left) and _is_number(right):
        return left + right
    if isinstance(left, str) and isinstance(right, str):
        bounded(len(left) + len(right))
        spend((len(left) + len(right)) // CHARACTERS)
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        bounded(len(left) + len(right))
        spend((len(left) + len(right)) // POINTERS)
        return left + right
    raise _unsupported("+", left, right, "; `~` joins values of any type to text")


def _multiply(left: Any, right: Any) -> Any:
    if _is_number(left) and _is_number(right):
        product = left * right
        return whole(product) if isinstance(product, int) else product
    if isinstance(left, str) and isinstance(right, int) and not isinstance(right, bool):
        bounded(len(left) * max(0, right))
        spend(len(left) * max(0, right) // CHARACTERS)
        return left * right
    raise _unsupported("*", left, right)


def _power(left: Any, right: Any) -> Any:
    if not (_is_number(left) and _is_number(right)):
        raise _unsupported("**", left, right)
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > MAX_BITS:
        raise ValueError("the number is too large")
    result = left**right
    if isinstance(result, complex):
        raise ValueError("the power is not a real number")
    return whole(result) if isinstance(result, int) else result


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise _unsupported("%", left, right, "; for texts there is the filter `format`")
    if _is_number(left) and _is_number(right):
        return left % right
    raise _unsupported("%", left, right)


ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {"+": _add, "*": _multiply, "**": _power, "%": _remainder}


def concatenated(parts: list[Any]) -> str:
    """`a ~ b`: the texts of the parts, one behind the other."""
    texts = [text_of(present(part)) for part in parts]
    bounded(sum(map(len, texts)))
    spend(sum(map(len, texts)) // CHARACTERS)
    return "".join(texts)


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda value, container: value in container,
    "notin": lambda value, container: value not in container,
}


def compared(left: Any, name: str, right: Any) -> bool:
    """A comparison, by Jinja's name for it."""
    left, right = present(left), present(right)
    if name in ("in", "notin"):
        spend_on_searching(left, right)
    else:
        spend_on_comparing(left, right)
    return bool(_COMPARISONS[name](left, right))


def sliced(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`value[start:stop:step]` of a text or list."""
    if not isinstance(present(value), list | tuple | str):
        raise TypeError(f"`[a:b]` takes text or a list, not {type_name(value)}")
    spend(len(value) // (CHARACTERS if isinstance(value, str) else POINTERS))
    return value[slice(*(None if bound is None else integer("[a:b]", bound) for bound in (start, stop, step)))]


def bounded_range(*bounds: Any) -> list[int]:
    """The numbers of Python's `range` as a list.

    Raises:
        ValueError: There are more than `MAX_ITEMS`.
    """
    numbers = range(*(integer("range", bound) for bound in bounds))
    if len(numbers) > MAX_ITEMS:
        raise ValueError(f"`range` would have more than {MAX_ITEMS:,} numbers")
    spend(len(numbers) // POINTERS)
    return list(numbers)
