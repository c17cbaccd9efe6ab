"""Domain dataclasses to JSON and back: what crosses a message, a continue-as-new or the database."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.errors import Code, ThreadloomError

T = TypeVar("T")


@lru_cache(maxsize=256)
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def dump(value: object, *, exclude: set[str] | None = None, exclude_defaults: bool = False) -> Any:
    """The value as JSON data; without what `load` would give it anyhow, if wanted."""
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json", exclude=exclude, exclude_defaults=exclude_defaults)


def load(cls: type[T], data: object) -> T:
    """The value that `dump` gave, read leniently: unknown fields are ignored.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, with every problem and its place in the details.
    """
    try:
        kind: Any = cls
        value: T = _adapter(kind).validate_python(data)
    except ValidationError as error:
        raise invalid(cls.__name__, error) from error
    return value


def invalid(what: str, error: ValidationError) -> ThreadloomError:
    """The refusal that tells what is wrong with a message."""
    problems = [
        {"at": ".".join(str(part) for part in problem["loc"]) or what, "message": problem["msg"]}
        for problem in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    text = "; ".join(f"{problem['at']}: {problem['message']}" for problem in problems[:3])
    return ThreadloomError(Code.INVALID_ARGUMENT, f"{what}: {text}", {"problems": problems})
