"""`evolve(state, event) → state`: the only place where a pool's state changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from domain.answers import remember
from domain.resource_pool.events import (
    AnswerRepeated,
    BacklogChanged,
    CommandAnswered,
    HoldersFound,
    HoldersSought,
    LeaseDenied,
    LeaseEnded,
    LeaseGranted,
    LeaseRenewed,
    LeaseRequested,
    PoolClosed,
    PoolClosing,
    PoolConfigChanged,
    PoolCreated,
    PoolEvent,
    PriorityChanged,
    ReleasedEarly,
)
from domain.resource_pool.state import OVER_KEPT, Lease, PoolState, PoolStatus
from domain.values import JsonObject


def evolve(state: PoolState, event: PoolEvent) -> PoolState:
    """The state after the event; the state given is never changed."""
    match event:
        case PoolCreated(at=at):
            return replace(state, updated_at=at)
        case PoolConfigChanged(config=config, at=at):
            return replace(state, config=config, updated_at=at)
        case PoolClosing(closing=closing, at=at):
            return replace(state, status=PoolStatus.CLOSING, closing=closing, updated_at=at)
        case PoolClosed(at=at):
            return replace(state, status=PoolStatus.CLOSED, updated_at=at, ended_at=at)
        case BacklogChanged(backlogged=backlogged):
            return replace(state, backlogged=backlogged)
        case CommandAnswered(command_id=command_id, answer=answer):
            return replace(state, answers=remember(state.answers, command_id, answer))
        case HoldersSought(lease_ids=lease_ids):
            return replace(state, sought=lease_ids)
        case HoldersFound(due=due, left=left):
            gone = frozenset(left)
            there = [lease for lease_id in state.sought if lease_id not in gone and (lease := state.lease(lease_id))]
            return replace(_with(state, [replace(lease, due=due) for lease in there]), sought=())
        case AnswerRepeated():
            return state
        case _:
            return _lease(state, event)


def apply(state: PoolState, events: Iterable[PoolEvent]) -> PoolState:
    """The state after the events."""
    for event in events:
        state = evolve(state, event)
    return state


def _lease(
    state: PoolState,
    event: LeaseRequested | LeaseGranted | LeaseDenied | LeaseEnded | LeaseRenewed | PriorityChanged | ReleasedEarly,
) -> PoolState:
    match event:
        case LeaseRequested(lease=lease, at=at):
            line = {**state.line, lease.lease_id: lease}
            return replace(state, line=line, arrivals=state.arrivals + 1, updated_at=at)
        case LeaseGranted(lease_id=lease_id, due=due, at=at):
            granted = replace(state.line[lease_id], granted_at=at, due=due)
            held = {**state.held, lease_id: granted}
            used = state.used + granted.units
            return replace(state, held=held, line=_without(state.line, lease_id), used=used, updated_at=at)
        case LeaseDenied(lease=lease, error=error, at=at):
            return replace(state, over=_over(state, lease.lease_id, error), updated_at=at)
        case LeaseEnded(lease=lease, error=error, at=at):
            return replace(
                state,
                held=_without(state.held, lease.lease_id),
                line=_without(state.line, lease.lease_id),
                used=state.used - lease.units if lease.lease_id in state.held else state.used,
                over=_over(state, lease.lease_id, error),
                updated_at=at,
            )
        case LeaseRenewed(lease_id=lease_id, ttl=ttl, due=due):
            renewed = state.held.get(lease_id) or state.line[lease_id]
            return _with(state, [replace(renewed, ttl=ttl, due=due)])
        case PriorityChanged(lease_id=lease_id, priority=priority):
            return _with(state, [replace(state.line[lease_id], priority=priority)])
        case ReleasedEarly(lease_id=lease_id):
            return replace(state, over=_over(state, lease_id, None))


def _with(state: PoolState, leases: Iterable[Lease]) -> PoolState:
    """The state with these leases changed, each where it is."""
    held, line = dict(state.held), dict(state.line)
    for lease in leases:
        (held if lease.lease_id in held else line)[lease.lease_id] = lease
    return replace(state, held=held, line=line)


def _over(state: PoolState, lease_id: str, error: JsonObject | None) -> dict[str, JsonObject | None]:
    """What is remembered of leases that are over, with one more and without the oldest when there are too many."""
    kept = {**state.over, lease_id: error}
    if len(kept) > OVER_KEPT:
        del kept[next(iter(kept))]
    return kept


def _without(leases: Mapping[str, Lease], lease_id: str) -> Mapping[str, Lease]:
    if lease_id not in leases:
        return leases
    left = dict(leases)
    del left[lease_id]
    return left
