"""Instants that come from outside: all time in the product is UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def as_utc(instant: datetime) -> datetime:
    """The instant in UTC; one without an offset counts as UTC already.

    An instant at the edge of the calendar that has no equal in UTC stays in its place there, a few
    hours off: nobody waits for it, and it must not fail.
    """
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return instant.replace(tzinfo=UTC)
