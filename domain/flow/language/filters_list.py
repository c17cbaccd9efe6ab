"""Filters over lists. They give new lists and never change the old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from domain.flow.language.arguments import attribute, comparable, integer, items, number, scalar, text
from domain.flow.language.budget import COMPARED, POINTERS, spend
from domain.flow.language.filters_codec import CODEC_FILTERS
from domain.flow.language.filters_object import OBJECT_FILTERS
from domain.flow.language.filters_text import TEXT_FILTERS
from domain.flow.language.filters_time import TIME_FILTERS
from domain.flow.language.nearby import did_you_mean
from domain.flow.language.predicates import PREDICATES
from domain.flow.language.values import Absent, bounded, equality_key, present, text_of

_MAX_LEVELS = 20
_COMPARED_BY_SORT = 20
"""How often sorting compares an item of a list of a million."""
_ITEM_FILTERS = {**TEXT_FILTERS, **TIME_FILTERS, **CODEC_FILTERS, **OBJECT_FILTERS}


def first(value: Any) -> Any:
    """The first item; absent when there is none."""
    found = _sequence("first", value)
    return found[0] if found else Absent(hint="`first` of an empty list")


def last(value: Any) -> Any:
    """The last item; absent when there is none."""
    found = _sequence("last", value)
    return found[-1] if found else Absent(hint="`last` of an empty list")


def as_list(value: Any) -> list[Any]:
    """A list: of a text's characters, an object's keys, or the list's items."""
    if isinstance(present(value), str | Mapping):
        spend(len(value))
        return list(value)
    return list(items("list", value))


def reverse(value: Any) -> Any:
    """The items, or a text's characters, from the last to the first."""
    sequence = _sequence("reverse", value)
    spend(1 + len(sequence) // POINTERS)
    return sequence[::-1]


def join(value: Any, separator: Any = "", attribute: Any = None) -> str:
    """One text of the items, or of what they have under a key, with the separator between."""
    between = text("join", separator)
    total, parts = 0, []
    for item in _picked("join", value, attribute):
        spend(1)
        parts.append(text_of(present(item)))
        total += len(parts[-1]) + len(between)
        bounded(total)
    return between.join(parts)


def sort(value: Any, reverse: Any = False, attribute: Any = None) -> list[Any]:
    """The items in order of themselves or of what they have under a key. Equal ones keep their order."""
    source = items("sort", value)
    keys = [comparable("sort", key) for key in _picked("sort", source, attribute)]
    spend(sum(1 + len(key) * _COMPARED_BY_SORT // COMPARED if isinstance(key, str) else 1 for key in keys))
    order = sorted(range(len(source)), key=keys.__getitem__, reverse=bool(reverse))
    return [source[index] for index in order]


def unique(value: Any, attribute: Any = None) -> list[Any]:
    """The items without those that equal an earlier one, or have an equal value under a key."""
    source = items("unique", value)
    firsts: dict[Any, Any] = {}
    for item, key in zip(source, _picked("unique", source, attribute), strict=True):
        firsts.setdefault(equality_key(key), item)
    return list(firsts.values())


def smallest(value: Any, attribute: Any = None) -> Any:
    """The smallest item, by itself or by what it has under a key; absent when there is none."""
    return _extreme("min", min, value, attribute)


def largest(value: Any, attribute: Any = None) -> Any:
    """The largest item, by itself or by what it has under a key; absent when there is none."""
    return _extreme("max", max, value, attribute)


def total(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The sum of the numbers, or of those that the items have under a key."""
    return sum((number("sum", item) for item in _picked("sum", value, attribute)), number("sum", start))


def average(value: Any, attribute: Any = None) -> Any:
    """The mean of the numbers, or of those that the items have under a key; absent when there is none."""
    source = items("avg", value)
    return total(source, attribute) / len(source) if source else Absent(hint="`avg` of an empty list")


def mapped(value: Any, name: Any = None, *args: Any, attribute: Any = None, default: Any = None, **named: Any) -> Any:
    """What the items have under a key, or what a filter for single values makes of each."""
    source = items("map", value)
    if attribute is not None:
        if name is not None or named:
            raise TypeError("`map` takes a filter's name or `attribute`, not both")
        picked = _picked("map", source, attribute)
        if default is None:
            return [present(item) for item in picked]
        other = scalar("map", default)
        return [other if isinstance(item, Absent) else item for item in picked]
    if name not in _ITEM_FILTERS or name == "default":
        known = sorted(_ITEM_FILTERS.keys() - {"default"})
        raise ValueError(f"`map` knows no filter {name!r}{did_you_mean(str(name), known)}")
    arguments = [scalar("map", argument) for argument in args]
    options = {key: scalar("map", argument) for key, argument in named.items()}
    results = []
    characters = 0
    for item in source:
        spend(4)
        results.append(_ITEM_FILTERS[name](item, *arguments, **options))
        characters += len(results[-1]) if isinstance(results[-1], str) else 0
        bounded(characters)
    return results


def select(value: Any, *test: Any) -> list[Any]:
    """The items that pass a test; without one, those that are not empty, null, false or 0."""
    return _selected("select", value, None, test, True)


def reject(value: Any, *test: Any) -> list[Any]:
    """The items that do not pass a test."""
    return _selected("reject", value, None, test, False)


def select_by(value: Any, attribute: Any, *test: Any) -> list[Any]:
    """The items whose value under a key passes a test."""
    return _selected("selectattr", value, attribute, test, True)


def reject_by(value: Any, attribute: Any, *test: Any) -> list[Any]:
    """The items whose value under a key does not pass a test."""
    return _selected("rejectattr", value, attribute, test, False)


def batch(value: Any, size: Any) -> list[Any]:
    """Lists of that many items each; the last may be shorter."""
    source, count = items("batch", value), integer("batch", size)
    if count < 1:
        raise ValueError("`batch` takes a size of at least 1")
    return [source[index : index + count] for index in range(0, len(source), count)]


def flatten(value: Any, levels: Any = 1) -> list[Any]:
    """The items of the lists inside the list, that many levels deep; other items as they are."""
    depth = integer("flatten", levels)
    if not 1 <= depth <= _MAX_LEVELS:
        raise ValueError(f"`flatten` takes 1 to {_MAX_LEVELS} levels")
    found = items("flatten", value)
    for _ in range(depth):
        parts = [item if isinstance(item, list) else [item] for item in found]
        count = sum(map(len, parts))
        bounded(count)
        spend(len(found) + count)
        found = list(chain.from_iterable(parts))
    return found


def zipped(value: Any, *others: Any) -> list[Any]:
    """Lists of the items at the same place of each list, as many as the shortest has."""
    return [list(row) for row in zip(items("zip", value), *(items("zip", other) for other in others), strict=False)]


def group(value: Any, attribute: Any) -> list[Any]:
    """Lists of [value, items], one for each value that items have under a key, in the order of first appearance."""
    source = items("groupby", value)
    spend(2 * len(source))
    groups: dict[Any, list[Any]] = {}
    for item, key in zip(source, _picked("groupby", source, attribute), strict=True):
        groups.setdefault(equality_key(key), [present(key), []])[1].append(item)
    return list(groups.values())


def union(value: Any, other: Any) -> list[Any]:
    """The distinct items of both lists."""
    return unique([*items("union", value), *items("union", other)])


def intersect(value: Any, other: Any) -> list[Any]:
    """The distinct items that both lists have."""
    keys = {equality_key(item) for item in items("intersect", other)}
    return [item for item in unique(value) if equality_key(item) in keys]


def difference(value: Any, other: Any) -> list[Any]:
    """The distinct items of the first list that the other has not."""
    keys = {equality_key(item) for item in items("difference", other)}
    return [item for item in unique(value) if equality_key(item) not in keys]


def symmetric_difference(value: Any, other: Any) -> list[Any]:
    """The distinct items that only one of the lists has, those of the first list first."""
    return [*difference(value, other), *difference(other, value)]


def _sequence(name: str, value: Any) -> Any:
    return value if isinstance(present(value), str | list) else items(name, value)


def _picked(name: str, value: Any, path: Any) -> list[Any]:
    source = items(name, value)
    if path is None:
        return source
    steps = str(scalar(name, path)).split(".")
    spend(len(source) * len(steps))
    return [attribute(item, steps) for item in source]


def _extreme(name: str, choose: Any, value: Any, path: Any) -> Any:
    source = items(name, value)
    if not source:
        return Absent(hint=f"`{name}` of an empty list")
    found = [comparable(name, key) for key in _picked(name, source, path)]
    spend(sum(1 + len(key) // COMPARED if isinstance(key, str) else 1 for key in found))
    return source[choose(range(len(source)), key=found.__getitem__)]


def _selected(name: str, value: Any, path: Any, test: tuple[Any, ...], wanted: bool) -> list[Any]:
    source = items(name, value)
    picked = _picked(name, source, path)
    if not test:
        return [item for item, key in zip(source, picked, strict=True) if bool(present(key)) is wanted]
    predicate, *arguments = test
    if predicate not in PREDICATES:
        raise ValueError(f"`{name}` knows no test {predicate!r}{did_you_mean(str(predicate), PREDICATES)}")
    passes = PREDICATES[predicate]
    spend(len(source))
    return [item for item, key in zip(source, picked, strict=True) if passes(key, *arguments) is wanted]


LIST_FILTERS: Mapping[str, Callable[..., Any]] = {
    "first": first,
    "last": last,
    "list": as_list,
    "reverse": reverse,
    "join": join,
    "sort": sort,
    "unique": unique,
    "min": smallest,
    "max": largest,
    "sum": total,
    "avg": average,
    "map": mapped,
    "select": select,
    "reject": reject,
    "selectattr": select_by,
    "rejectattr": reject_by,
    "batch": batch,
    "flatten": flatten,
    "zip": zipped,
    "groupby": group,
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
}
