"""`effects(state, events) → effects`: what the workflow has to do because of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.messages import LeaseAnswer, ThreadHolder, body
from domain.resource_pool.events import (
    AnswerRepeated,
    HoldersSought,
    LeaseDenied,
    LeaseEnded,
    LeaseGranted,
    PoolEvent,
)
from domain.resource_pool.state import Lease, PoolState
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSession:
    """Signal `lease_answer` to a session; two about one lease arrive in their order."""

    session_id: str
    lease_id: str
    message: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class FindHolders:
    """Look in Temporal for the threads; those that are gone come back as an input."""

    holders: tuple[ThreadHolder, ...]


PoolEffect: TypeAlias = AnswerSession | FindHolders


def effects(state: PoolState, events: Iterable[PoolEvent]) -> list[PoolEffect]:
    """The effects of the events, in their order; `state` is the state after them."""
    return [effect for event in events for effect in _effects(state, event)]


def _effects(state: PoolState, event: PoolEvent) -> list[PoolEffect]:
    match event:
        case LeaseGranted(lease_id=lease_id, due=due):
            return _told(state, state.held[lease_id], expires_at=due)
        case LeaseDenied(lease=lease, error=error):
            return _told(state, lease, error=error)
        case LeaseEnded(lease=lease, error=error) if error is not None:
            return _told(state, lease, error=error)
        case AnswerRepeated(session_id=session_id, lease_id=lease_id, error=error):
            expires_at = state.held[lease_id].due if error is None else None
            return [_answer(state, session_id, lease_id, expires_at, error)]
        case HoldersSought(lease_ids=lease_ids):
            threads = [known.thread for lease_id in lease_ids if (known := state.lease(lease_id)) is not None]
            # One thread may have several leases of a pool.
            named = {(thread.session_id, thread.thread_id): thread for thread in threads if thread is not None}
            return [FindHolders(holders=tuple(named.values()))]
    return []


def _told(
    pool: PoolState, lease: Lease, *, expires_at: datetime | None = None, error: JsonObject | None = None
) -> list[PoolEffect]:
    if lease.session_id is None:
        return []  # a person or a program asks by itself
    return [_answer(pool, lease.session_id, lease.lease_id, expires_at, error)]


def _answer(
    pool: PoolState, session_id: str, lease_id: str, expires_at: datetime | None, error: JsonObject | None
) -> AnswerSession:
    answer = LeaseAnswer(pool=pool.pool, lease_id=lease_id, granted=error is None, expires_at=expires_at, error=error)
    return AnswerSession(session_id=session_id, lease_id=lease_id, message=body(answer))
