"""The work of every job: one addition, so that what is measured is what runs it."""

from __future__ import annotations

from temporalio import activity

INLINE_INCREMENT = "increment@1"
"""The name under which flows call `add_one` inside the workflow."""


def add_one(number: int) -> int:
    return number + 1


@activity.defn(name="increment")
async def increment(number: int) -> int:
    return number + 1
