"""What reaches a pool: the inputs of `decide`. Each carries the workflow's time as `now`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.messages import Command, LeasePriority, LeaseRelease, LeaseRequest, ThreadHolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody's command."""

    now: datetime
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A session's message about a lease of one of its threads."""

    now: datetime
    message: LeaseRequest | LeaseRelease | LeasePriority


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The threads that were sought were looked for; `gone` are those that certainly are."""

    now: datetime
    gone: tuple[ThreadHolder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed.

    Attributes:
        backlogged: Whether too many records wait for the database.
    """

    now: datetime
    backlogged: bool = False


PoolInput: TypeAlias = Request | Told | Looked | Tick
