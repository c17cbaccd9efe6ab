"""Filters over objects. They give new ones and never change the old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.flow.language.arguments import attribute, comparable, items, mapping, text
from domain.flow.language.budget import spend
from domain.flow.language.values import Absent, present

_MAX_DEPTH = 50


def keys(value: Any) -> list[Any]:
    """The keys of an object."""
    return list(mapping("keys", value))


def values(value: Any) -> list[Any]:
    """The values of an object."""
    return list(mapping("values", value).values())


def pairs(value: Any) -> list[Any]:
    """Lists of [key, value] of an object."""
    given = mapping("items", value)
    spend(len(given))
    return [[key, member] for key, member in given.items()]


def combine(value: Any, *others: Any, recursive: Any = False) -> dict[str, Any]:
    """One object of all; a later value under the same key wins, or with `recursive` is combined if both are objects."""
    result = dict(mapping("combine", value))
    for other in others:
        _merge(result, mapping("combine", other), bool(recursive), _MAX_DEPTH)
    return result


def dict_to_items(value: Any, key_name: Any = "key", value_name: Any = "value") -> list[Any]:
    """Objects {key, value}, one for each key of an object."""
    first, second = text("dict2items", key_name), text("dict2items", value_name)
    given = mapping("dict2items", value)
    spend(len(given))
    return [{first: key, second: member} for key, member in given.items()]


def items_to_dict(value: Any, key_name: Any = "key", value_name: Any = "value") -> dict[str, Any]:
    """The object that a list of {key, value}, or of [key, value], describes; a later one under the same key wins."""
    first, second = text("items2dict", key_name), text("items2dict", value_name)
    result: dict[str, Any] = {}
    for item in items("items2dict", value):
        if isinstance(item, list) and len(item) == 2:
            key, member = item
        else:
            key, member = attribute(item, [first]), present(attribute(item, [second]))
        spend(2)
        result[text("items2dict", key)] = member
    return result


def dict_sort(value: Any, by: Any = "key", reverse: Any = False) -> list[Any]:
    """Lists of [key, value] of an object in the order of its keys or, with `value`, of its values."""
    if by not in ("key", "value"):
        raise ValueError("`dictsort` sorts by 'key' or 'value'")
    found = pairs(value)
    spend(sum(4 + len(key) // 50 for key, _ in found))
    return sorted(found, key=lambda pair: comparable("dictsort", pair[by == "value"]), reverse=bool(reverse))


def _merge(target: dict[str, Any], other: Mapping[str, Any], recursive: bool, depth: int) -> None:
    if not depth:
        raise ValueError(f"`combine` combines objects that nest at most {_MAX_DEPTH} deep")
    for key, member in other.items():
        before = target.get(key, Absent())
        if recursive and isinstance(before, Mapping) and isinstance(member, Mapping):
            target[key] = dict(mapping("combine", before))
            _merge(target[key], mapping("combine", member), recursive, depth - 1)
        else:
            target[key] = member


OBJECT_FILTERS: Mapping[str, Callable[..., Any]] = {
    "keys": keys,
    "values": values,
    "items": pairs,
    "combine": combine,
    "dict2items": dict_to_items,
    "items2dict": items_to_dict,
    "dictsort": dict_sort,
}
