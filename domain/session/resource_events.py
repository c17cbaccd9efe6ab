"""What happened to a session's resources, in the past tense; see `domain.session.events`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.session.entries import Allocation
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesAllocated:
    """Resources of the session are taken."""

    allocation: Allocation
    actor: str | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesReleased:
    """They are free again.

    Attributes:
        cause: `ended`, `expired` or `released`.
    """

    allocation_id: str
    cause: str
    actor: str | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesDenied:
    """A thread cannot have what it requires.

    Attributes:
        error: {code, message, details}.
    """

    thread_id: str
    error: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAsked:
    """A thread stands in line at a pool."""

    thread_id: str
    pool: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGranted:
    """A pool has given a thread what it asked for."""

    thread_id: str
    pool: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesReleased:
    """What a thread had or asked for at pools, it needs no longer."""

    thread_id: str
    pools: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost:
    """A pool took a lease back: somebody released it there, or the pool is gone."""

    thread_id: str
    pool: str
    error: JsonObject
    at: datetime


ResourceEvent = (
    ResourcesAllocated | ResourcesReleased | ResourcesDenied | LeaseAsked | LeaseGranted | LeasesReleased | LeaseLost
)
