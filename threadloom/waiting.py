"""Waiting for a condition, with a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias, TypeVar

from domain.errors import Code, ThreadloomError

T = TypeVar("T")

Timeout: TypeAlias = float | timedelta | None
"""Seconds or a timedelta; None is without end."""

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5


def seconds(timeout: Timeout) -> float | None:
    """The timeout in seconds."""
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


async def within(timeout: Timeout, look: Callable[[], Awaitable[T]], done: Callable[[T], bool], otherwise: str) -> T:
    """Look again and again until what is seen is as wanted.

    Raises:
        ThreadloomError: `TIMED_OUT` with the message `otherwise`.
    """
    try:
        async with asyncio.timeout(seconds(timeout)):
            pause = _FIRST_PAUSE
            while not done(seen := await look()):
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
            return seen
    except TimeoutError as error:
        raise ThreadloomError(Code.TIMED_OUT, otherwise) from error
