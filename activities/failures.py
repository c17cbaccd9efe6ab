"""Errors of our own activities as Temporal failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from domain.errors import Code, ThreadloomError

PASSING = frozenset(
    {
        Code.DATABASE_UNREACHABLE,
        Code.HTTP_TIMEOUT,
        Code.HTTP_UNREACHABLE,
        Code.JOURNAL_INCOMPLETE,
        Code.NO_WORKER,
        Code.SESSION_BUSY,
        Code.SNAPSHOT_UNAVAILABLE,
    }
)
"""What may be over at the next attempt."""


@contextmanager
def as_failure() -> Iterator[None]:
    """Carry a `ThreadloomError` as a failure with its code; only passing ones are tried again."""
    try:
        yield
    except ThreadloomError as error:
        raise ApplicationError(
            error.message, error.details, type=error.code, non_retryable=error.code not in PASSING
        ) from error
