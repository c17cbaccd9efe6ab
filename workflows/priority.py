"""Priorities by name, as Temporal knows them."""

from __future__ import annotations

from temporalio.common import Priority

_KEYS = {"urgent": 1, "high": 2, "normal": 3, "low": 4}


def of_call(name: str | None) -> Priority:
    """The priority of a call; the thread's own by default."""
    return Priority(priority_key=_KEYS[name]) if name else Priority.default


def of_thread(name: str, session_id: str) -> Priority:
    """The priority of all that a thread does. Sessions get equal shares of a busy task queue."""
    return Priority(priority_key=_KEYS[name], fairness_key=session_id)
