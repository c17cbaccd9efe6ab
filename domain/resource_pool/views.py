"""What a pool answers when it is asked about itself."""

from __future__ import annotations

from domain.resource_pool.policy import free, in_order, place
from domain.resource_pool.state import Lease, PoolState
from domain.resources import amount as as_amount
from domain.values import JsonObject


def describe(state: PoolState) -> JsonObject:
    """The pool as a list shows it."""
    return {
        "pool": state.pool,
        "status": state.status.value,
        "title": state.title,
        "capacity": state.config.capacity,
        "in_use": as_amount(state.used),
        "free": as_amount(max(free(state), 0)),
        "held": len(state.held),
        "waiting": len(state.line),
        "backlogged": state.backlogged,
        "config": state.config.model_dump(mode="json"),
        "created_at": state.created_at.isoformat(),
        "updated_at": state.updated_at.isoformat(),
        "ended_at": state.ended_at.isoformat() if state.ended_at else None,
    }


def leases(state: PoolState) -> JsonObject:
    """The pool with all its leases, the oldest grant first, and its line."""
    line = [_lease(lease) | {"place": number} for number, lease in enumerate(in_order(state.line.values()), start=1)]
    return describe(state) | {"holders": [_lease(lease) for lease in state.held.values()], "line": line}


def standing(state: PoolState, lease_id: str) -> JsonObject:
    """How a lease stands: {lease_id, granted, expires_at}, {…, place} while it waits, or {…, over, error}."""
    lease = state.lease(lease_id)
    if lease is None:
        return {"lease_id": lease_id, "granted": False, "over": True, "error": state.over.get(lease_id)}
    if lease.granted_at is None:
        return {"lease_id": lease_id, "granted": False, "place": place(state, lease_id)}
    return {"lease_id": lease_id, "granted": True, "expires_at": lease.due.isoformat() if lease.due else None}


def details(state: PoolState) -> str:
    """Where the pool stands, in Markdown, for Temporal's own pages."""
    lines = [f"**{state.status.value}**{f' · {state.title}' if state.title else ''}"]
    lines.append(f"{as_amount(state.used)} of {state.config.capacity} in use, {len(state.line)} waiting")
    if state.backlogged:
        lines.append("grants nothing until the database has caught up")
    return "\n\n".join(lines)


def _lease(lease: Lease) -> JsonObject:
    return {
        "lease_id": lease.lease_id,
        "holder": lease.who,
        "session_id": lease.session_id,
        "thread_id": lease.thread_id,
        "amount": lease.amount,
        "priority": lease.priority,
        "since": lease.since.isoformat(),
        "granted_at": lease.granted_at.isoformat() if lease.granted_at else None,
        "expires_at": lease.due.isoformat() if lease.granted_at and lease.due else None,
    }
