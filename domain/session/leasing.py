"""A session and the pools that its threads need something of; see `domain.resource_pool`."""

from __future__ import annotations

from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.messages import LeaseAnswer, LeasePriority, LeaseRelease, LeaseRequest, body
from domain.resources import POOL
from domain.session.admission import not_launched
from domain.session.events import SessionEvent
from domain.session.inputs import NotLaunched
from domain.session.resource_events import LeaseGranted, LeaseLost, LeasesReleased, ResourcesDenied
from domain.session.state import SessionState
from domain.values import JsonObject


def lease_id(state: SessionState, thread_id: str) -> str:
    """The thread's lease at any pool: nobody else's there."""
    return f"{state.session_id}/{thread_id}"


def request(state: SessionState, thread_id: str, pool: str) -> JsonObject:
    """What the session asks the pool for the thread: `domain.messages.LeaseRequest`."""
    entry = state.threads[thread_id]
    asked = LeaseRequest(
        lease_id=lease_id(state, thread_id),
        session_id=state.session_id,
        thread_id=thread_id,
        amount=entry.requires[f"{POOL}{pool}"],
        priority=entry.priority,
        wait=state.queue[thread_id].patient,
        since=entry.created_at,
    )
    return body(asked)


def release(state: SessionState, thread_id: str) -> JsonObject:
    """What the session tells a pool at the thread's end: `domain.messages.LeaseRelease`."""
    return body(LeaseRelease(lease_id=lease_id(state, thread_id)))


def priority(state: SessionState, thread_id: str) -> JsonObject:
    """What the session tells a pool where the thread waits: `domain.messages.LeasePriority`."""
    changed = LeasePriority.model_validate(
        {"lease_id": lease_id(state, thread_id), "priority": state.threads[thread_id].priority}
    )
    return body(changed)


def told_by_pool(state: SessionState, answer: LeaseAnswer, now: datetime) -> list[SessionEvent]:
    """What follows when a pool answers, or takes back what it gave; nothing from an answer that comes again."""
    thread_id = answer.lease_id.rpartition("/")[2]
    if answer.lease_id != lease_id(state, thread_id):
        return []
    had = state.leases.get(thread_id, {}).get(answer.pool)
    if had is None:
        # Nobody needs it any more, and the pool does not know: it remembers the newest thousand that are over.
        return [LeasesReleased(thread_id=thread_id, pools=(answer.pool,), at=now)] if answer.granted else []
    if answer.granted and had:
        return []
    if answer.granted:
        return [LeaseGranted(thread_id=thread_id, pool=answer.pool, at=now)]
    fallback = ThreadloomError(Code.RESOURCES_INSUFFICIENT, f"pool {answer.pool} refuses it").visible()
    error = answer.error or fallback
    lost = LeaseLost(thread_id=thread_id, pool=answer.pool, error=error, at=now)
    denied = ResourcesDenied(thread_id=thread_id, error=error, at=now)
    if thread_id not in state.queue:
        return [lost, denied]
    refused = NotLaunched(now=now, thread_id=thread_id, code=str(error["code"]), message=str(error["message"]))
    return [lost, denied, *not_launched(state, refused)]
