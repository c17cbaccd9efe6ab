"""Values that must travel as they are."""

from __future__ import annotations

from dataclasses import dataclass

from domain.values import Json


@dataclass(frozen=True, slots=True)
class Inline:
    """An argument for a worker that does not share the payload store; the converter marks its payload."""

    value: Json


@dataclass(frozen=True, slots=True)
class OrInline:
    """A value of the product's own that travels as it is, up to a limit, when the payload store is away."""

    value: object


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What the converter gives a workflow for a payload that nobody can read, instead of failing its task."""

    reason: str
