"""What requests, releases and lost holders lead to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from domain.errors import ThreadloomError
from domain.messages import AcquireLease, LeasePriority, LeaseRelease, LeaseRequest, ThreadHolder
from domain.resource_pool.events import (
    AnswerRepeated,
    End,
    HoldersFound,
    HoldersSought,
    LeaseDenied,
    LeaseEnded,
    LeaseGranted,
    LeaseRequested,
    PoolEvent,
    PriorityChanged,
    ReleasedEarly,
)
from domain.resource_pool.evolve import evolve
from domain.resource_pool.policy import AT_ONCE, due_of_thread, exists, full, insufficient, lost, next_in, refusal
from domain.resource_pool.state import Lease, PoolState
from domain.thread.state import SYSTEM


def asked(state: PoolState, request: LeaseRequest, now: datetime) -> list[PoolEvent]:
    """A session asks for a lease: it is granted, waits, or is refused; asked again, it is answered again."""
    lease = Lease(
        lease_id=request.lease_id,
        amount=request.amount,
        priority=request.priority,
        since=request.since,
        number=state.arrivals,
        session_id=request.session_id,
        thread_id=request.thread_id,
        due=due_of_thread(now, state.config.lease),
    )
    known = state.lease(request.lease_id)
    if known is None and request.lease_id not in state.over:
        return admitted(state, lease, wait=request.wait, actor=_actor(lease), reason=None, now=now)
    error = None
    if known is not None and known.thread != lease.thread:
        error = exists(state, lease.lease_id).visible()
    elif known is not None and known.granted_at is None:
        return []  # it waits: its answer will come
    elif known is None:
        error = state.over[lease.lease_id] or lost(state, lease.lease_id, "it was released").visible()
    return [AnswerRepeated(session_id=request.session_id, lease_id=lease.lease_id, error=error, at=now)]


def given_up(state: PoolState, message: LeaseRelease, now: datetime) -> list[PoolEvent]:
    """A session gives up a lease, or a place in the line, or one whose request is still on its way."""
    lease = state.lease(message.lease_id)
    if lease is None and message.lease_id not in state.over:
        return [ReleasedEarly(lease_id=message.lease_id, at=now)]
    if lease is None or lease.thread is None:
        return []
    return [ended(lease, "released", None, actor=_actor(lease), reason=None, now=now)]


def reordered(state: PoolState, message: LeasePriority, now: datetime) -> list[PoolEvent]:
    """A session changes the priority of a request that waits."""
    lease = state.line.get(message.lease_id)
    if lease is None or lease.thread is None or lease.priority == message.priority:
        return []
    return [PriorityChanged(lease_id=lease.lease_id, priority=message.priority, actor=_actor(lease), at=now)]


def acquired(state: PoolState, command: AcquireLease, now: datetime) -> list[PoolEvent]:
    """A person or a program asks for a lease: it is granted, waits, or is refused."""
    lease = Lease(
        lease_id=command.lease_id or command.command_id,
        amount=command.amount,
        priority=command.priority,
        since=now,
        number=state.arrivals,
        holder=command.holder,
        ttl=command.ttl,
    )
    return admitted(state, lease, wait=command.wait, actor=command.actor, reason=command.reason, now=now)


def admitted(
    state: PoolState, lease: Lease, *, wait: bool, actor: str, reason: str | None, now: datetime
) -> list[PoolEvent]:
    """A new request takes its place in the line, if it may wait there or gets in at once."""
    error = refusal(state, lease) or full(state)
    if error is None:
        requested = LeaseRequested(lease=lease, actor=actor, reason=reason, at=now)
        if wait or lease in next_in(evolve(state, requested)):
            return [requested]
        error = insufficient(state, lease)
    return [LeaseDenied(lease=lease, error=error.visible(), actor=actor, reason=reason, at=now)]


def grants(state: PoolState, now: datetime) -> list[PoolEvent]:
    """All that get in now."""
    by_thread = due_of_thread(now, state.config.lease)
    return [
        LeaseGranted(lease_id=lease.lease_id, due=by_thread if lease.ttl is None else now + lease.ttl, at=now)
        for lease in next_in(state)
    ]


def dropped(state: PoolState, now: datetime) -> list[PoolEvent]:
    """Leases that cannot go on, so many at a time.

    Those are requests that cannot be met any more, because the pool closes or has become smaller than they are; and,
    when it is closed by force, what is held.
    """
    closing = state.closing
    refused = ((lease, error) for lease in state.line.values() if (error := refusal(state, lease)) is not None)
    found: list[PoolEvent] = [
        ended(lease, "refused", error, actor=SYSTEM, reason=None, now=now) for lease, error in islice(refused, AT_ONCE)
    ]
    if closing is not None and closing.force:
        for lease in islice(state.held.values(), AT_ONCE):
            error = lost(state, lease.lease_id, f"the pool was closed by {closing.actor}")
            found.append(ended(lease, "dropped", error, actor=closing.actor, reason=closing.reason, now=now))
    return found


def overdue(state: PoolState, now: datetime) -> list[PoolEvent]:
    """What follows from the time: leases that nobody has renewed, and threads to be looked for."""
    due = [lease for lease in state.leases() if lease.due is not None and lease.due <= now]
    events: list[PoolEvent] = [
        ended(lease, "expired", lost(state, lease.lease_id, "it was not renewed"), actor=SYSTEM, reason=None, now=now)
        for lease in [lease for lease in due if lease.thread is None][:AT_ONCE]
    ]
    threads = tuple(lease.lease_id for lease in due if lease.thread is not None)
    if threads and not state.sought:
        events.append(HoldersSought(lease_ids=threads, at=now))
    return events


def looked(state: PoolState, gone: Sequence[ThreadHolder], now: datetime) -> list[PoolEvent]:
    """The threads that were sought have been looked for: those that are gone lose what they have."""
    names = {(holder.session_id, holder.thread_id) for holder in gone}
    sought = [lease for lease_id in state.sought if (lease := state.lease(lease_id)) is not None]
    missing = [lease for lease in sought if (lease.session_id, lease.thread_id) in names]
    events: list[PoolEvent] = []
    for lease in missing[:AT_ONCE]:
        error = lost(state, lease.lease_id, "its thread is gone")
        events.append(ended(lease, "vanished", error, actor=SYSTEM, reason=None, now=now))
    left = tuple(lease.lease_id for lease in missing[AT_ONCE:])
    return [*events, HoldersFound(due=due_of_thread(now, state.config.lease), left=left, at=now)]


def ended(
    lease: Lease, how: End, error: ThreadloomError | None, *, actor: str, reason: str | None, now: datetime
) -> LeaseEnded:
    """The end of a lease, or of a place in the line."""
    told = error.visible() if error is not None else None
    return LeaseEnded(lease=lease, how=how, error=told, actor=actor, reason=reason, at=now)


def _actor(lease: Lease) -> str:
    return f"session {lease.session_id}"
