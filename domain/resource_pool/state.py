"""What a pool is at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.answers import Answered
from domain.messages import PriorityName, ThreadHolder
from domain.resource_pool.config import PoolConfig
from domain.resources import units
from domain.values import JsonObject

OVER_KEPT = 1_000
"""Leases that are over, or were never granted, and that a pool remembers."""


class PoolStatus(StrEnum):
    """Statuses of a pool; closed is terminal."""

    ACTIVE = "active"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease, or the request for one.

    Attributes:
        holder: The person or program that has it; None when a thread has it.
        session_id: Of a thread's lease.
        thread_id: Of a thread's lease.
        since: When its holder began to wait.
        number: The order of arrival.
        ttl: How long one of no thread is held without being renewed.
        granted_at: None while it waits.
        due: When a thread is looked for, whether its lease is granted or waits; when another holder's lease, once
            granted, expires.
    """

    lease_id: str
    amount: int | float
    priority: PriorityName
    since: datetime
    number: int
    holder: str | None = None
    session_id: str | None = None
    thread_id: str | None = None
    ttl: timedelta | None = None
    granted_at: datetime | None = None
    due: datetime | None = None

    @property
    def units(self) -> int:
        """Its amount in billionths."""
        return units(self.amount)

    @property
    def who(self) -> str:
        """Its holder in words; of a thread `session/thread`."""
        return self.holder if self.holder is not None else f"{self.session_id}/{self.thread_id}"

    @property
    def thread(self) -> ThreadHolder | None:
        """The thread that has it; None when it is a person's or a program's."""
        if self.session_id is None or self.thread_id is None:
            return None
        return ThreadHolder(session_id=self.session_id, thread_id=self.thread_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Who closes the pool, and why.

    Attributes:
        force: Leases that are held are dropped.
    """

    actor: str
    reason: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """A pool at one moment.

    Attributes:
        used: What the leases that are granted take together, in billionths.
        held: Leases that are granted, by id, the oldest grant first.
        line: Requests that wait, by id, in the order of their arrival; `policy.in_order` has the line's own.
        over: What those are answered who ask for a lease that is over, or was released before it was asked for:
            the error, or None for `LEASE_LOST`. The oldest first.
        sought: Leases whose threads are being looked for.
        backlogged: Too many records wait for the database; nothing is granted until they are fewer.
        arrivals: How many requests have been taken.
        answers: Commands and their answers, the oldest first.
    """

    pool: str
    status: PoolStatus
    config: PoolConfig
    created_at: datetime
    updated_at: datetime
    title: str = ""
    closing: Closing | None = None
    used: int = 0
    held: Mapping[str, Lease] = field(default_factory=dict)
    line: Mapping[str, Lease] = field(default_factory=dict)
    over: Mapping[str, JsonObject | None] = field(default_factory=dict)
    sought: tuple[str, ...] = ()
    backlogged: bool = False
    arrivals: int = 0
    answers: Mapping[str, Answered] = field(default_factory=dict)
    ended_at: datetime | None = None

    def lease(self, lease_id: str) -> Lease | None:
        """The lease, granted or waiting."""
        return self.held.get(lease_id) or self.line.get(lease_id)

    def leases(self) -> list[Lease]:
        """All leases, the granted ones first."""
        return [*self.held.values(), *self.line.values()]


def wake_at(state: PoolState) -> datetime | None:
    """When the pool has something to do although nothing arrives; None when only input wakes it.

    While threads are being looked for, the next that are due wait for the answer.
    """
    leases = state.leases() if not state.sought else [lease for lease in state.leases() if lease.thread is None]
    return min((lease.due for lease in leases if lease.due is not None), default=None)
