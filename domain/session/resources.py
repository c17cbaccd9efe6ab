"""What a session's threads may use of its resources and of shared pools, and what they have of them.

Everything is allocated before a thread starts, all or nothing, and free again at its end whatever the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.messages import AllocateResources, ReleaseResources
from domain.resources import amount, own, pools, units
from domain.session.entries import Allocation, ThreadEntry
from domain.session.events import SessionEvent
from domain.session.resource_events import (
    LeaseAsked,
    LeaseGranted,
    LeaseLost,
    LeasesReleased,
    ResourceEvent,
    ResourcesAllocated,
    ResourcesReleased,
)
from domain.session.state import SessionState
from domain.session.thread_events import ThreadChanged, ThreadRejected, ThreadWithdrawn
from domain.thread.state import SYSTEM
from domain.values import JsonObject

EXECUTION_TIME = "execution_time"
"""The resource that every thread uses up by running: seconds, of threads that have ended."""


def used(state: SessionState) -> dict[str, int]:
    """What is taken of each resource, in billionths."""
    taken: dict[str, int] = {}
    for allocation in state.allocations.values():
        for name, needed in allocation.resources.items():
            taken[name] = taken.get(name, 0) + units(needed)
    return taken


class Room:
    """What is free of the session's resources, while threads are looked at in their order.

    A thread that does not fit keeps those behind it from what it lacks: else a large one would never start.

    Args:
        state: The session.
    """

    def __init__(self, state: SessionState) -> None:
        taken = used(state)
        self._free = {name: units(quota) - taken.get(name, 0) for name, quota in state.config.quotas.items()}
        self._awaited: set[str] = set()
        self._spent = _execution_time_left(state) == 0

    def take(self, required: Mapping[str, float]) -> bool:
        """Take all that is required of the session's own, if it is there and nobody ahead waits for it."""
        needed = {name: units(wanted) for name, wanted in own(required).items() if name in self._free}
        lacking = [name for name, wanted in needed.items() if wanted > self._free[name] or name in self._awaited]
        if lacking or self._spent:
            self._awaited.update(lacking)
            return False
        for name, wanted in needed.items():
            self._free[name] -= wanted
        return True


def require_possible(state: SessionState, required: Mapping[str, float]) -> None:
    """Refuse what could never be had, however long one waits: `RESOURCES_INSUFFICIENT`."""
    quotas = state.config.quotas
    for name, needed in own(required).items():
        if name in quotas and units(needed) > units(quotas[name]):
            raise _insufficient(state, name, needed, quotas[name])


def require_free(state: SessionState, required: Mapping[str, float]) -> None:
    """Refuse what is not free now: `RESOURCES_INSUFFICIENT`."""
    require_possible(state, required)
    if _execution_time_left(state) == 0:
        limit = state.config.max_execution_time
        assert limit is not None
        raise _insufficient(state, EXECUTION_TIME, 0, limit.total_seconds())
    taken = used(state)
    for name, needed in own(required).items():
        quota = state.config.quotas.get(name)
        if quota is not None and taken.get(name, 0) + units(needed) > units(quota):
            raise _insufficient(state, name, needed, quota)


def _insufficient(state: SessionState, name: str, needed: float, quota: float) -> ThreadloomError:
    taken = amount(used(state).get(name, 0)) if name != EXECUTION_TIME else state.statistics.performance.seconds
    details = {"resource": name, "needed": needed, "used": taken, "quota": quota}
    message = f"session {state.session_id} has {quota} of {name}, {taken} of it taken; {needed} is needed"
    if name == EXECUTION_TIME:
        message = f"the threads of session {state.session_id} have used up its {quota:g} s of execution time"
    return ThreadloomError(Code.RESOURCES_INSUFFICIENT, message, details)


def _execution_time_left(state: SessionState) -> float | None:
    limit = state.config.max_execution_time
    return None if limit is None else max(limit.total_seconds() - state.statistics.performance.seconds, 0.0)


def allocated(state: SessionState, entry: ThreadEntry, now: datetime) -> list[ResourcesAllocated]:
    """What the thread that starts now is given of the session's own."""
    resources = own(entry.requires)
    if not resources:
        return []
    ttl = state.config.allocation_ttl
    allocation = Allocation(
        allocation_id=entry.thread_id,
        thread_id=entry.thread_id,
        resources=resources,
        allocated_at=now,
        expires_at=now + ttl if ttl else None,
    )
    return [ResourcesAllocated(allocation=allocation, actor=None, reason=None, at=now)]


def asks(state: SessionState, entries: Iterable[ThreadEntry], now: datetime) -> list[LeaseAsked]:
    """The next pool that each of these threads asks: one after the other, in everybody's order."""
    found = []
    for entry in entries:
        had = state.leases.get(entry.thread_id, {})
        missing = [pool for pool in pools(entry.requires) if not had.get(pool)]
        if missing and missing[0] not in had:
            found.append(LeaseAsked(thread_id=entry.thread_id, pool=missing[0], at=now))
    return found


def has_leases(state: SessionState, entry: ThreadEntry) -> bool:
    """Whether the thread has all that it needs of pools."""
    had = state.leases.get(entry.thread_id, {})
    return all(had.get(pool) for pool in pools(entry.requires))


def freed(state: SessionState, events: Sequence[SessionEvent], now: datetime) -> list[SessionEvent]:
    """What the threads that are no more had or asked for.

    Args:
        state: The session after the events.
        events: What happened.
        now: The workflow's time.
    """
    found: list[SessionEvent] = []
    for event in events:
        over = isinstance(event, ThreadRejected | ThreadWithdrawn) or (
            isinstance(event, ThreadChanged) and event.status.terminal
        )
        if not over:
            continue
        assert isinstance(event, ThreadRejected | ThreadWithdrawn | ThreadChanged)
        if event.thread_id in state.allocations:
            found.append(_released(event.thread_id, "ended", now))
        if leases := state.leases.get(event.thread_id):
            found.append(LeasesReleased(thread_id=event.thread_id, pools=tuple(leases), at=now))
    return found


def expired(state: SessionState, now: datetime) -> list[SessionEvent]:
    """Allocations whose time is over: free for others, whether or not who had them has ended."""
    over = [
        allocation
        for allocation in state.allocations.values()
        if allocation.expires_at is not None and allocation.expires_at <= now
    ]
    return [_released(allocation.allocation_id, "expired", now) for allocation in over]


def on_resources(
    state: SessionState, command: AllocateResources | ReleaseResources, now: datetime
) -> tuple[list[SessionEvent], JsonObject]:
    """Take or free resources by hand: what happens, and the answer."""
    if isinstance(command, ReleaseResources):
        if command.allocation_id not in state.allocations:
            message = f"session {state.session_id} has no allocation {command.allocation_id[:80]!r}"
            raise ThreadloomError(Code.ALLOCATION_NOT_FOUND, message, {"allocation": command.allocation_id[:200]})
        released = ResourcesReleased(
            allocation_id=command.allocation_id,
            cause="released",
            actor=command.actor,
            reason=command.reason,
            at=now,
        )
        return [released], {"allocation": command.allocation_id, "released": True}
    allocation_id = command.allocation_id or command.command_id
    if allocation_id in state.allocations or state.find(allocation_id):
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"there is an allocation {allocation_id[:80]} already")
    if pools(command.resources):
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a session gives of its own only; `pool acquire` asks a pool")
    require_free(state, command.resources)
    ttl = command.duration or state.config.allocation_ttl
    allocation = Allocation(
        allocation_id=allocation_id,
        holder=command.holder or command.actor,
        resources=command.resources,
        allocated_at=now,
        expires_at=now + ttl if ttl else None,
    )
    taken = ResourcesAllocated(allocation=allocation, actor=command.actor, reason=command.reason, at=now)
    return [taken], {"allocation": allocation.visible(state.session_id)}


def _released(allocation_id: str, cause: str, now: datetime) -> ResourcesReleased:
    return ResourcesReleased(allocation_id=allocation_id, cause=cause, actor=SYSTEM, reason=None, at=now)


def evolve_resources(state: SessionState, event: ResourceEvent) -> SessionState:
    """The state after something happened to resources."""
    match event:
        case ResourcesAllocated(allocation=allocation):
            state = replace(state, allocations={**state.allocations, allocation.allocation_id: allocation})
            peaks = dict(state.statistics.peaks)
            for name, taken in used(state).items():
                peaks[name] = max(peaks.get(name, 0), amount(taken))
            return replace(state, statistics=replace(state.statistics, peaks=peaks))
        case ResourcesReleased(allocation_id=allocation_id):
            left = {name: other for name, other in state.allocations.items() if name != allocation_id}
            return replace(state, allocations=left)
        case LeaseAsked(thread_id=thread_id, pool=pool):
            return _with_lease(state, thread_id, pool, granted=False)
        case LeaseGranted(thread_id=thread_id, pool=pool):
            return _with_lease(state, thread_id, pool, granted=True)
        case LeasesReleased(thread_id=thread_id):
            return replace(state, leases={name: its for name, its in state.leases.items() if name != thread_id})
        case LeaseLost(thread_id=thread_id, pool=pool):
            its = {name: granted for name, granted in state.leases.get(thread_id, {}).items() if name != pool}
            leases = {name: other for name, other in state.leases.items() if name != thread_id}
            return replace(state, leases={**leases, thread_id: its} if its else leases)
    return state


def _with_lease(state: SessionState, thread_id: str, pool: str, *, granted: bool) -> SessionState:
    return replace(state, leases={**state.leases, thread_id: {**state.leases.get(thread_id, {}), pool: granted}})


def visible(state: SessionState) -> JsonObject:
    """By name {used, peak, limit}, and what is allocated: as `session resources` prints it."""
    taken, peaks = used(state), state.statistics.peaks
    names = sorted({*state.config.quotas, *taken, *peaks})
    resources: JsonObject = {
        name: {
            "used": amount(taken.get(name, 0)),
            "peak": peaks.get(name, 0),
            "limit": state.config.quotas.get(name),
        }
        for name in names
    }
    return {
        "resources": resources,
        "allocations": [allocation.visible(state.session_id) for allocation in state.allocations.values()],
        "leases": [
            {"thread_id": thread_id, "pool": pool, "granted": granted}
            for thread_id, its in state.leases.items()
            for pool, granted in its.items()
        ],
    }
