"""The peers' step, apart from ours because their environment has no temporalio."""

from __future__ import annotations


def add_one(number: int) -> int:
    return number + 1
