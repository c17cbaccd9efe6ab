"""What all views are, and parts that several have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _absent(value: object) -> bool:
    return value is None


Sparse = Field(default=None, exclude_if=_absent)
"""A field that is left out of the JSON when there is nothing to say."""


class View(BaseModel):
    """Base of all views. `model_dump(mode="json")` is the JSON that the command line prints."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Failure(View):
    """Why something failed.

    Attributes:
        code: One of `domain.errors.Code`, or a code that a flow or an activity named.
        node: Where it failed; null when at no node.
    """

    code: str
    message: str
    details: dict[str, Any] = {}
    node: str | None = None


class Hold(View):
    """What keeps a session or thread from going on.

    Attributes:
        kind: `session`, `thread`, `start`, `limit`, `records_backlog` or `lost_session`.
        until: When it lifts itself.
    """

    kind: str
    actor: str
    reason: str | None = None
    at: datetime
    until: datetime | None = None
