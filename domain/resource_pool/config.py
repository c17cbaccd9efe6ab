"""A pool's configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.flow.model import PositiveDuration
from domain.resources import Amount


class PoolConfig(BaseModel):
    """What a pool has, and how long it believes a thread that it does not hear of.

    Attributes:
        capacity: How much there is; counted in billionths.
        lease: After so long a thread that holds a lease, or waits for one, is looked for in Temporal.
        continue_as_new_after: Events of a run's history after which the pool continues as new.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    capacity: Amount
    lease: PositiveDuration = Field(default="5m", validate_default=True)
    continue_as_new_after: Annotated[int, Field(ge=50, le=20_000)] = 2_000


def make_config(changes: object, base: PoolConfig | None = None) -> PoolConfig:
    """The configuration that follows from an existing one, or from the defaults, and changes to it.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, naming each field that is wrong.
    """
    if not isinstance(changes, dict):
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a pool's configuration is a JSON object")
    start = base.model_dump(mode="json") if base else {}
    try:
        return PoolConfig.model_validate({**start, **changes})
    except ValidationError as error:
        raise invalid("config", error) from error
