from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.errors import ThreadloomError
from threadloom.waiting import within


async def test_what_holds_at_once_needs_one_look() -> None:
    looks: list[int] = []

    async def look() -> int:
        looks.append(1)
        return len(looks)

    assert await within(None, look, lambda seen: seen == 1, "not yet") == 1
    assert await within(timedelta(seconds=30), look, lambda seen: seen == 4, "not yet") == 4


@pytest.mark.parametrize("timeout", [0.05, timedelta(milliseconds=50), 0])
async def test_what_never_holds_times_out(timeout: float | timedelta) -> None:
    async def look() -> str:
        await asyncio.sleep(0)
        return "never"

    with pytest.raises(ThreadloomError, match="TIMED_OUT: s is not paused yet"):
        await within(timeout, look, lambda seen: seen == "ever", "s is not paused yet")


async def test_a_look_that_hangs_times_out_too() -> None:
    async def look() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ThreadloomError, match="TIMED_OUT"):
        await within(0.05, look, lambda _: True, "not yet")
