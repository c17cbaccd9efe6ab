"""What filters and tests accept, as small checks whose messages name the filter.

Who asks for a text, a list or an object reads it through, and is charged for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.flow.language.budget import CHARACTERS, spend
from domain.flow.language.values import Absent, present, type_name


def text(name: str, value: Any) -> str:
    """The value when it is text; else `TypeError`."""
    if isinstance(present(value), str):
        spend(1 + len(value) // CHARACTERS)
        return str(value)
    raise TypeError(f"`{name}` takes text, not {type_name(value)}")


def number(name: str, value: Any) -> int | float:
    """The value when it is a number; else `TypeError`. Booleans are none."""
    if isinstance(present(value), int | float) and not isinstance(value, bool):
        return value  # type: ignore[no-any-return]
    raise TypeError(f"`{name}` takes a number, not {type_name(value)}")


def integer(name: str, value: Any) -> int:
    """The value when it is a whole number; else `TypeError`."""
    if isinstance(number(name, value), int):
        return int(value)
    raise TypeError(f"`{name}` takes a whole number here")


def items(name: str, value: Any) -> list[Any]:
    """The value when it is a list; else `TypeError`."""
    if isinstance(present(value), list | tuple):
        spend(1 + len(value))
        return value if isinstance(value, list) else list(value)
    raise TypeError(f"`{name}` takes a list, not {type_name(value)}")


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """The value when it is an object; else `TypeError`."""
    if isinstance(present(value), Mapping):
        spend(1 + len(value))
        return value  # type: ignore[no-any-return]
    raise TypeError(f"`{name}` takes an object, not {type_name(value)}")


def scalar(name: str, value: Any) -> Any:
    """The value when it is no list and no object; else `TypeError`."""
    if isinstance(present(value), str | int | float | None):
        return value
    raise TypeError(f"`{name}` takes a text, a number, a boolean or null here, not {type_name(value)}")


def attribute(value: Any, path: Sequence[str]) -> Any:
    """What keys and indices lead to, one after the other, or an `Absent`. Never an attribute of the object."""
    for part in path:
        if isinstance(value, Mapping):
            value = value[part] if part in value else Absent(obj=value, name=part)
        elif isinstance(value, list) and part.isdecimal() and len(part) < 10:
            value = value[int(part)] if int(part) < len(value) else Absent(obj=value, name=part)
        else:
            value = Absent(obj=present(value), name=part)
    return value


def comparable(name: str, value: Any) -> Any:
    """The value when texts or numbers can be ordered by it; else `TypeError`."""
    if isinstance(present(value), str | int | float) and not isinstance(value, bool):
        return value
    raise TypeError(f"`{name}` compares numbers or texts, not {type_name(value)}")
