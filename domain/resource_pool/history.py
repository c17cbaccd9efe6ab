"""What a pool's events become in the history.

Each record of a lease says what is in use after it, so that the records in their order prove that there
were never more holders than the capacity allows.
"""

from __future__ import annotations

from domain.records import Fact, RecordType
from domain.resource_pool.events import (
    LeaseDenied,
    LeaseEnded,
    LeaseGranted,
    LeaseRequested,
    PoolClosed,
    PoolClosing,
    PoolConfigChanged,
    PoolCreated,
    PoolEvent,
    PriorityChanged,
)
from domain.resource_pool.state import Lease, PoolState
from domain.resources import amount as as_amount
from domain.thread.state import SYSTEM
from domain.values import JsonObject


def fact(before: PoolState, after: PoolState, event: PoolEvent) -> Fact | None:
    """The record of the event, if it leaves one."""
    match event:
        case PoolCreated(actor=actor, reason=reason):
            details = after.config.model_dump(mode="json")
            return _of_pool(RecordType.POOL_CREATED, actor, reason, details, title=after.title)
        case PoolConfigChanged(actor=actor, reason=reason, changes=changes):
            details = {**changes, **_room(after)}
            return _of_pool(RecordType.POOL_CONFIG_CHANGED, actor, reason, details)
        case PoolClosing(closing=closing):
            details = {"from": before.status.value, "to": after.status.value, "force": closing.force, **_room(after)}
            return _of_pool(RecordType.POOL_CLOSED, closing.actor, closing.reason, details)
        case PoolClosed(actor=actor, reason=reason):
            details = {"from": before.status.value, "to": after.status.value, **_room(after)}
            return _of_pool(RecordType.POOL_CLOSED, actor, reason, details)
        case LeaseRequested(lease=lease, actor=actor, reason=reason):
            return _fact(RecordType.RESOURCE_REQUESTED, after, lease, actor, reason, priority=lease.priority)
        case PriorityChanged(lease_id=lease_id, priority=priority, actor=actor):
            return _fact(RecordType.RESOURCE_REQUESTED, after, after.line[lease_id], actor, priority=priority)
        case LeaseGranted(lease_id=lease_id):
            return _fact(RecordType.RESOURCE_ALLOCATED, after, after.held[lease_id], SYSTEM)
        case LeaseDenied(lease=lease, error=error, actor=actor, reason=reason):
            return _fact(RecordType.RESOURCE_DENIED, after, lease, actor, reason, error=error)
        case LeaseEnded(lease=lease, how="refused", error=error, actor=actor, reason=reason):
            return _fact(RecordType.RESOURCE_DENIED, after, lease, actor, reason, error=error)
        case LeaseEnded(lease=lease, how=how, actor=actor, reason=reason):
            held = lease.granted_at is not None
            return _fact(RecordType.RESOURCE_RELEASED, after, lease, actor, reason, how=how, held=held)
    return None


def _of_pool(type: RecordType, actor: str, reason: str | None, details: JsonObject, title: str = "") -> Fact:
    return Fact(type=type, actor=actor, reason=reason, title=title, details=details, urgent=True)


def _fact(
    type: RecordType, pool: PoolState, lease: Lease, actor: str, reason: str | None = None, **more: object
) -> Fact:
    details: JsonObject = {"lease_id": lease.lease_id}
    if lease.holder is None:
        details |= {"session": lease.session_id, "thread": lease.thread_id}
    else:
        details |= {"holder": lease.holder}
    details |= {"amount": lease.amount, **_room(pool), **more}
    # People look for what they did; what threads do by the hundred is written in company.
    by_hand = lease.holder is not None
    return Fact(type=type, thread_id=lease.thread_id, actor=actor, reason=reason, details=details, urgent=by_hand)


def _room(pool: PoolState) -> JsonObject:
    return {"in_use": as_amount(pool.used), "capacity": pool.config.capacity}
