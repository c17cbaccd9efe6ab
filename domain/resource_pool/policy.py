"""Who gets in: amounts, the order of the line, and what a pool allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from domain.errors import Code, ThreadloomError
from domain.messages import AcquireLease, ClosePool, Command, ConfigurePool, ReleaseLease, RenewLease
from domain.resource_pool.config import make_config
from domain.resource_pool.state import Lease, PoolState, PoolStatus
from domain.resources import amount as as_amount
from domain.resources import units

MAX_LEASES = 5_000
"""Leases and waiting requests of one pool: its state has to fit into a message."""

AT_ONCE = 250
"""Leases that begin or end by one input: a workflow task computes for two seconds at most. The rest follows."""

RANKS: Mapping[str, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def free(state: PoolState) -> int:
    """What is not leased, in billionths; less than nothing when the capacity was lowered below what is."""
    return units(state.config.capacity) - state.used


def in_order(leases: Iterable[Lease]) -> list[Lease]:
    """The line: by priority, then by age, then by arrival."""
    return sorted(leases, key=lambda lease: (RANKS[lease.priority], lease.since, lease.number))


def place(state: PoolState, lease_id: str) -> int | None:
    """The place in the line, from 1; None when it is not there."""
    ids = [lease.lease_id for lease in in_order(state.line.values())]
    return ids.index(lease_id) + 1 if lease_id in ids else None


def next_in(state: PoolState) -> list[Lease]:
    """Who gets in now: the head of the line as long as it fits, so many at a time.

    Nobody behind the head gets in before it, even where there is room: else a large request would never be met
    among many small ones.
    """
    room = free(state)
    if state.status is not PoolStatus.ACTIVE or state.backlogged or room <= 0:
        return []
    let_in: list[Lease] = []
    for lease in in_order(state.line.values())[:AT_ONCE]:
        room -= lease.units
        if room < 0:
            break
        let_in.append(lease)
    return let_in


def due_of_thread(now: datetime, lease: timedelta) -> datetime:
    """When a thread is looked for that was heard of now: the lease later, and up to a tenth of it more.

    Instants are the same for many leases, so that their threads are looked for together.
    """
    step = max(lease / 10, timedelta(milliseconds=1))
    steps = -((_EPOCH - now - lease) // step)
    return _EPOCH + steps * step


def refusal(state: PoolState, lease: Lease) -> ThreadloomError | None:
    """Why a request can be met neither now nor later; None when it can."""
    if state.status is not PoolStatus.ACTIVE:
        return not_active(state)
    if lease.units > units(state.config.capacity):
        return insufficient(state, lease)
    return None


def full(state: PoolState) -> ThreadloomError | None:
    """Why a pool takes no request any more, not even to let it wait; None when it does."""
    if len(state.held) + len(state.line) < MAX_LEASES:
        return None
    message = f"pool {state.pool} has {MAX_LEASES} leases and waiting requests"
    return ThreadloomError(Code.POOL_FULL, message, {"pool": state.pool, "limit": MAX_LEASES})


def insufficient(state: PoolState, lease: Lease) -> ThreadloomError:
    """The refusal of a request for which there is no room."""
    needed, left, capacity = lease.amount, as_amount(max(free(state), 0)), state.config.capacity
    return ThreadloomError(
        Code.RESOURCES_INSUFFICIENT,
        f"pool {state.pool} has {left} of {capacity} free, and {needed} are needed",
        {"pool": state.pool, "needed": needed, "free": left, "capacity": capacity},
    )


def not_active(state: PoolState) -> ThreadloomError:
    """The refusal of a pool that closes or is closed."""
    details = {"pool": state.pool, "status": state.status.value}
    return ThreadloomError(Code.POOL_NOT_ACTIVE, f"pool {state.pool} is {state.status.value}", details)


def lost(state: PoolState, lease_id: str, why: str) -> ThreadloomError:
    """What the holder of a lease is told that is over against its will."""
    details = {"pool": state.pool, "lease": lease_id}
    return ThreadloomError(Code.LEASE_LOST, f"lease {lease_id} of pool {state.pool}: {why}", details)


def check(state: PoolState, command: Command) -> None:
    """Let the command pass, or refuse it. A request for which there is no room passes: its refusal is recorded.

    Raises:
        ThreadloomError: `POOL_NOT_ACTIVE`, `LEASE_NOT_FOUND`, `LEASE_EXISTS`, `INVALID_ARGUMENT`.
    """
    if state.status is PoolStatus.CLOSED:
        raise not_active(state)
    match command:
        case AcquireLease():
            lease_id = command.lease_id or command.command_id
            if state.lease(lease_id) is not None or lease_id in state.over:
                raise exists(state, lease_id)
        case RenewLease(lease_id=lease_id):
            if require_lease(state, lease_id).holder is None:
                raise ThreadloomError(
                    Code.INVALID_ARGUMENT, f"lease {lease_id} is a thread's, and is renewed while the thread lives"
                )
        case ReleaseLease(lease_id=lease_id):
            require_lease(state, lease_id)
        case ConfigurePool(config=changes):
            make_config(changes, state.config)
        case ClosePool():
            pass
        case _:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"a pool takes no {type(command).__name__}")


def require_lease(state: PoolState, lease_id: str) -> Lease:
    """The lease, granted or waiting, or `LEASE_NOT_FOUND`."""
    lease = state.lease(lease_id)
    if lease is None:
        message = f"pool {state.pool} has no lease {lease_id[:80]!r}"
        raise ThreadloomError(Code.LEASE_NOT_FOUND, message, {"pool": state.pool, "lease": lease_id[:80]})
    return lease


def exists(state: PoolState, lease_id: str) -> ThreadloomError:
    """The refusal of a lease id that somebody else has or had."""
    details = {"pool": state.pool, "lease": lease_id}
    return ThreadloomError(Code.LEASE_EXISTS, f"pool {state.pool} has or had a lease {lease_id} of another", details)
