"""Values that must travel as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.values import Json

INLINE_KEY = "threadloom-inline"
"""Metadata of a payload that must not go to the payload store: its reader does not share it."""

OR_INLINE_KEY = "threadloom-or-inline"
"""Metadata of a payload of the product's own, which may travel as it is when the payload store is away."""


@dataclass(frozen=True, slots=True)
class Inline:
    """An argument for a worker that does not share the payload store; the converter marks its payload."""

    payload_mark: ClassVar[str] = INLINE_KEY

    value: Json


@dataclass(frozen=True, slots=True)
class OrInline:
    """A value of the product's own that travels as it is, up to a limit, when the payload store is away."""

    payload_mark: ClassVar[str] = OR_INLINE_KEY

    value: object


Marked = Inline | OrInline


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What the converter gives a workflow for a payload that nobody can read, instead of failing its task."""

    reason: str
