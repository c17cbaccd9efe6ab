"""What the environment says, with its mistakes told as refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from domain.codec import invalid

if TYPE_CHECKING:
    from threadloom.settings import Settings


def read_settings() -> Settings:
    """The settings of the `THREADLOOM_…` variables.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, naming each variable that is wrong.
    """
    # Late: the package imports Temporal's client.
    from threadloom.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        raise invalid("THREADLOOM_ variables", error) from error
