"""Amounts of resources: what flows and threads require, and how amounts are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

from domain.ids import ID_PATTERN, NAME_PATTERN

POOL = "pool/"
"""What the name of a resource begins with that is shared by sessions: `pool/<pool>`."""


def _plain(amount: float) -> int | float:
    """The number as people write it: 2, not 2.0."""
    return int(amount) if amount == int(amount) else amount


Amount = Annotated[
    float,
    Field(ge=1e-9, le=1e9, allow_inf_nan=False),
    AfterValidator(_plain),
    PlainSerializer(_plain, return_type=int | float),
]
"""How much of a resource: counted in billionths, so that ten times 0.1 are 1."""

ResourceName = Annotated[str, Field(pattern=rf"^({NAME_PATTERN}|{POOL}{ID_PATTERN})$", max_length=100)]
"""A resource of the session, or `pool/<pool>`."""

Requirements = dict[ResourceName, Amount]
"""What somebody needs, all of it or nothing."""


def units(amount: float) -> int:
    """The amount in billionths. Sums of these are exact, where those of decimal fractions are not."""
    return round(amount * 1_000_000_000)


def amount(of_units: int) -> int | float:
    """The amount that so many billionths are."""
    return _plain(of_units / 1_000_000_000)


def pools(required: Mapping[str, float]) -> list[str]:
    """The pools among the required resources, in the order in which everybody asks for them.

    One order for all: who has some and waits for others waits for later ones only, so nobody waits in a circle.
    """
    return sorted(name.removeprefix(POOL) for name in required if name.startswith(POOL))


def own(required: Mapping[str, float]) -> dict[str, float]:
    """The session's own among the required resources."""
    return {name: needed for name, needed in required.items() if not name.startswith(POOL)}
