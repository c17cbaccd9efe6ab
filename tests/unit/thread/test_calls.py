"""What a call may do, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.thread.calls import RetryRule

SECOND = timedelta(seconds=1)


def rule_of(interval: timedelta, coefficient: float, longest: timedelta | None, attempts: int) -> RetryRule:
    return RetryRule(
        initial_interval=interval,
        backoff_coefficient=coefficient,
        maximum_interval=longest,
        maximum_attempts=attempts,
        non_retryable=("BAD",),
    )


@pytest.mark.parametrize(
    ("coefficient", "longest", "attempts", "interval", "left"),
    [
        (2.0, None, 3, 2 * SECOND, 2),
        (2.0, None, 0, 2 * SECOND, 0),
        (1.0, None, 3, SECOND, 2),
        (1_000.0, None, 3, 100 * SECOND, 2),
        (10.0, 5 * SECOND, 3, 5 * SECOND, 2),
    ],
)
def test_the_attempts_behind_the_first(
    coefficient: float, longest: timedelta | None, attempts: int, interval: timedelta, left: int
) -> None:
    rule = rule_of(SECOND, coefficient, longest, attempts)
    assert rule.after_the_first() == rule_of(interval, coefficient, longest, left)
