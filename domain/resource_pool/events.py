"""What happened to a pool, in the past tense: the inputs of `evolve`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from domain.answers import Answered
from domain.messages import PriorityName
from domain.resource_pool.config import PoolConfig
from domain.resource_pool.state import Closing, Lease
from domain.values import JsonObject

End: TypeAlias = Literal["released", "expired", "vanished", "taken", "dropped", "refused"]
"""How a lease ends: given up by its holder; not renewed; its thread is gone; released by somebody else; the pool was
closed by force; a waiting request that cannot be met any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCreated:
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfigChanged:
    config: PoolConfig
    changes: JsonObject
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolClosing:
    """The pool began to close, or is now closed by force."""

    closing: Closing
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolClosed:
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequested:
    """A request has taken its place in the line, if only for a moment."""

    lease: Lease
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGranted:
    lease_id: str
    due: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseDenied:
    """A request was refused as it came.

    Attributes:
        error: {code, message, details}.
    """

    lease: Lease
    error: JsonObject
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnded:
    """A lease, or a place in the line, is over.

    Attributes:
        lease: As it was.
        error: What its holder is told, {code, message, details}; None when it has given it up itself.
    """

    lease: Lease
    how: End
    error: JsonObject | None
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRenewed:
    """A person or program holds its lease for longer, or will when it is granted."""

    lease_id: str
    ttl: timedelta
    due: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged:
    lease_id: str
    priority: PriorityName
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedEarly:
    """A lease was given up that nobody had asked for yet."""

    lease_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRepeated:
    """A session asked again: it is told again how the lease stands.

    Attributes:
        error: As in `domain.messages.LeaseAnswer`; None when the lease is granted.
    """

    session_id: str
    lease_id: str
    error: JsonObject | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldersSought:
    """The threads of these leases are to be looked for."""

    lease_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldersFound:
    """They were looked for. Those still there are believed for another lease time.

    Attributes:
        left: Those that are gone and still have what they had: too many were, and the rest follows.
    """

    due: datetime
    left: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogChanged:
    """Too many records wait for the database, or no longer."""

    backlogged: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered:
    command_id: str
    answer: Answered
    at: datetime


PoolEvent: TypeAlias = (
    PoolCreated
    | PoolConfigChanged
    | PoolClosing
    | PoolClosed
    | LeaseRequested
    | LeaseGranted
    | LeaseDenied
    | LeaseEnded
    | LeaseRenewed
    | PriorityChanged
    | ReleasedEarly
    | AnswerRepeated
    | HoldersSought
    | HoldersFound
    | BacklogChanged
    | CommandAnswered
)
