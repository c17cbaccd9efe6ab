"""Errors of our own activities as Temporal failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

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
        Code.THREAD_NOT_STARTED,
    }
)
"""What may be over at the next attempt."""


@contextmanager
def as_failure() -> Iterator[None]:
    """Carry a `ThreadloomError` as a failure with its code; only passing ones are tried again.

    The others are answers to a command, and no trouble of the worker: its log does not tell of them.
    """
    try:
        yield
    except ThreadloomError as error:
        final = error.code not in PASSING
        category = ApplicationErrorCategory.BENIGN if final else ApplicationErrorCategory.UNSPECIFIED
        raise ApplicationError(
            error.message, error.details, type=error.code, non_retryable=final, category=category
        ) from error
