"""What a thread asks the world for, with all templates rendered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from domain.flow.model import Mode, PriorityName
from domain.thread.journal import Failure
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """Temporal's retry policy, free of Temporal."""

    initial_interval: timedelta
    backoff_coefficient: float
    maximum_interval: timedelta | None
    maximum_attempts: int
    non_retryable: tuple[str, ...]

    def after_the_first(self) -> RetryRule:
        """The rule for the attempts behind the first, which has failed and may be repeated."""
        longest = self.maximum_interval or self.initial_interval * 100  # Temporal's own default
        return replace(
            self,
            initial_interval=min(self.initial_interval * self.backoff_coefficient, longest),
            maximum_attempts=max(self.maximum_attempts - 1, 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCall:
    """An activity to run.

    Attributes:
        key: The execution's id; the idempotency key.
        item: Of a map, the place of the item.
        task_queue: None means the product's own.
        own: Whether it is an activity of the product, which shares its payload store.
    """

    key: str
    node: str
    visit: int
    item: int | None = None
    activity: str
    args: tuple[Json, ...]
    mode: Mode = "remote"
    task_queue: str | None = None
    start_to_close: timedelta
    schedule_to_close: timedelta | None = None
    schedule_to_start: timedelta | None = None
    heartbeat: timedelta | None = None
    retry: RetryRule
    priority: PriorityName | None = None
    summary: str

    def was_not_begun(self, failure: Failure) -> bool:
        """Whether no worker took it in the time that it has for that, which is less than all its time."""
        own = self.schedule_to_start
        less = own is not None and (self.schedule_to_close is None or own < self.schedule_to_close)
        return less and failure.details.get("timeout") == "schedule_to_start"

    def took_all_its_time(self, failure: Failure) -> bool:
        """Whether an attempt that ran out of time had all the time that the node has, and not only its own."""
        whole = self.schedule_to_close is not None and self.schedule_to_close <= self.start_to_close
        return whole and failure.details.get("timeout") == "start_to_close"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCall:
    """Another team's workflow to run as a child."""

    key: str
    node: str
    visit: int
    workflow: str
    args: tuple[Json, ...]
    id: str
    task_queue: str | None
    execution_timeout: timedelta | None
    retry: RetryRule | None
    on_cancel: Literal["cancel", "terminate", "abandon"]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """Something that only the session can do.

    Attributes:
        key: The execution's id, by which the answer is recognised.
        commands: What to do, each as a command's JSON.
        common: What all the commands have in common, such as the flow: sent once.
        threads: Whom it is about.
    """

    key: str
    kind: Literal["spawn", "fork", "join", "cancel"]
    commands: tuple[JsonObject, ...] = ()
    common: JsonObject = field(default_factory=dict)
    threads: tuple[str, ...] = ()
    reason: str | None = None


NodeCall = ActivityCall | WorkflowCall | SessionRequest
