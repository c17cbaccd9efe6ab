"""What happened to a thread, in the past tense: the inputs of `evolve`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from domain.thread.journal import JournalEntry
from domain.thread.state import ActiveNode, Cancellation, Hold, HoldKind, Message, Outcome, ThreadStatus
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """Temporal's retry policy, free of Temporal."""

    initial_interval: timedelta
    backoff_coefficient: float
    maximum_interval: timedelta | None
    maximum_attempts: int
    non_retryable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCall:
    """An activity to run, with all templates rendered.

    Attributes:
        key: The execution's id; the idempotency key.
        task_queue: None means the product's own.
    """

    key: str
    node: str
    visit: int
    activity: str
    args: tuple[Json, ...]
    task_queue: str | None
    start_to_close: timedelta
    schedule_to_close: timedelta | None
    schedule_to_start: timedelta | None
    heartbeat: timedelta | None
    retry: RetryRule
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStarted:
    """The thread began (or, forked or copied, went on from its seed)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """A node that takes time began."""

    active: ActiveNode
    call: ActivityCall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnded:
    """A node execution ended, whatever its status."""

    entry: JournalEntry
    consumed: str | None = None
    """Id of the message that a receive took out of the mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced:
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted:
    kind: HoldKind
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    cancellation: Cancellation


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued:
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    node: str
    visit: int
    answer: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalArchived:
    """Storage holds all entries up to `through`, and memory may let go of them."""

    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEnded:
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The status followed from the other events of the same decision."""

    before: ThreadStatus
    status: ThreadStatus
    at: datetime
    actor: str | None = None
    reason: str | None = None


ThreadEvent: TypeAlias = (
    ThreadStarted
    | NodeEntered
    | NodeEnded
    | HoldPlaced
    | HoldLifted
    | CancelRequested
    | MessageQueued
    | ApprovalDecided
    | JournalArchived
    | ThreadEnded
    | StatusChanged
)
