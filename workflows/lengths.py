"""How long the run of a workflow may become."""

from __future__ import annotations

from temporalio import workflow

STEPS_PER_TASK = 100
"""Steps without a wait before the workflow task is ended, so that messages get their turn."""

INPUTS_PER_TASK = 500
"""Inputs in a row after which the workflow task is ended: thousands may have come while no worker ran."""

STEPS_PER_MILLISECOND = 3_000
"""Steps of expressions, as `domain.flow.language.budget` counts them."""

COMPUTED_PER_TASK = 200 * STEPS_PER_MILLISECOND
"""What a workflow task computes before it is ended. Counted, not timed: a replay has to end it there again."""

HISTORY_BYTES = 2 * 1024 * 1024
"""Size of a run's history after which the next run begins."""

SIGNALS = 5_000
AWAY_SIGNALS = 9_000
"""Signals of a run after which the next one begins, and while the database is away: Temporal takes ten thousand,
does not warn before, and refuses the rest."""

DRAIN_EVENTS = 500
"""Events beyond the limit after which new commands are asked to come again, so that handlers can finish."""

AWAY_EVENTS = 20_000
AWAY_BYTES = 20 * 1024 * 1024
"""History of a run that goes on while the database is away, after which it starts nothing more."""


def longer_than(events: int, size: int) -> bool:
    """Whether the run's history has so many events, or so many bytes."""
    info = workflow.info()
    return info.get_current_history_length() >= events or info.get_current_history_size() >= size
