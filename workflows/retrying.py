"""Temporal's retry policy for a rule of the core."""

from __future__ import annotations

from temporalio.common import RetryPolicy

from domain.thread.calls import RetryRule


def retry_policy(rule: RetryRule) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=rule.initial_interval,
        backoff_coefficient=rule.backoff_coefficient,
        maximum_interval=rule.maximum_interval,
        maximum_attempts=rule.maximum_attempts,
        non_retryable_error_types=list(rule.non_retryable) or None,
    )
