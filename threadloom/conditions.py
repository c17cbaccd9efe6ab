"""What callers wait for a thread to be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from domain.thread.state import BY_HAND
from threadloom.views import ThreadView

Condition: TypeAlias = str | Collection[str] | Callable[[ThreadView], bool]
"""A status, some statuses, or a test of the thread's view."""


def paused(view: ThreadView) -> bool:
    """Whether nothing is in flight and nothing begins; also of a thread that has ended."""
    return view.ended or (view.status == "paused" and view.as_of is None)


def released(view: ThreadView) -> bool:
    """Whether nothing holds the thread that `resume` lifts."""
    return view.ended or (all(hold.kind not in BY_HAND for hold in view.holds) and view.as_of is None)


def as_test(condition: Condition) -> Callable[[ThreadView], bool]:
    """The condition as a test of a view."""
    if callable(condition):
        return condition
    statuses = frozenset({condition} if isinstance(condition, str) else condition)
    return lambda view: view.status in statuses
