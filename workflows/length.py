"""How long a run may become before the next one begins."""

from __future__ import annotations

from temporalio import workflow

HISTORY_BYTES = 2 * 1024 * 1024
"""Size of a run's history after which the next run begins."""

DRAIN_EVENTS = 500
"""Events beyond the limit after which new commands are asked to come again, so that handlers can finish."""

AWAY_EVENTS = 20_000
AWAY_BYTES = 20 * 1024 * 1024
"""History of a run that goes on while the database is away, after which it starts nothing more."""

SIGNALS = 5_000
"""Signals to one run after which the next one begins, whatever else: Temporal takes 10,000, and then none."""


def longer_than(events: int, size: int) -> bool:
    """Whether the run's history has so many events or bytes."""
    info = workflow.info()
    return info.get_current_history_length() >= events or info.get_current_history_size() >= size
