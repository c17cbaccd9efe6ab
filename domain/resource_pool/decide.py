"""`decide(state, input) → events`: what follows from an input. Pure; refuses by raising."""

from __future__ import annotations

from datetime import datetime

from domain.answers import accepted, refused
from domain.errors import Code, ThreadloomError
from domain.messages import (
    AcquireLease,
    ClosePool,
    Command,
    ConfigurePool,
    LeasePriority,
    LeaseRelease,
    LeaseRequest,
    ReleaseLease,
    RenewLease,
)
from domain.resource_pool.config import make_config
from domain.resource_pool.events import (
    BacklogChanged,
    CommandAnswered,
    LeaseDenied,
    LeaseRenewed,
    PoolClosed,
    PoolClosing,
    PoolConfigChanged,
    PoolEvent,
)
from domain.resource_pool.evolve import apply
from domain.resource_pool.inputs import Looked, PoolInput, Request, Tick, Told
from domain.resource_pool.leasing import acquired, asked, dropped, ended, given_up, grants, looked, overdue, reordered
from domain.resource_pool.policy import check, lost, require_lease
from domain.resource_pool.state import Closing, PoolState, PoolStatus
from domain.resource_pool.views import standing
from domain.values import JsonObject


def decide(state: PoolState, input: PoolInput) -> list[PoolEvent]:
    """The events that follow from the input, with what they make possible for others behind them.

    Raises:
        ThreadloomError: The command is refused; nothing happens.
    """
    events = _events(state, input)
    after = apply(state, events)
    for consequences in (dropped, grants, _closed):
        following = consequences(after, input.now)
        after = apply(after, following)
        events += following
    if isinstance(input, Request):
        events.append(_answered(after, input.command, events, input.now))
    return events


def _events(state: PoolState, input: PoolInput) -> list[PoolEvent]:
    match input:
        case Request(command=command, now=now):
            check(state, command)
            return _command(state, command, now)
        case Told(message=LeaseRequest() as message, now=now):
            return asked(state, message, now)
        case Told(message=LeaseRelease() as message, now=now):
            return given_up(state, message, now)
        case Told(message=LeasePriority() as message, now=now):
            return reordered(state, message, now)
        case Looked(gone=gone, now=now):
            return looked(state, gone, now)
        case Tick(backlogged=backlogged, now=now) if backlogged != state.backlogged:
            return [BacklogChanged(backlogged=backlogged, at=now), *overdue(state, now)]
        case Tick(now=now):
            return overdue(state, now)
    raise ThreadloomError(Code.INVALID_ARGUMENT, f"a pool takes no {type(input).__name__}")


def _command(state: PoolState, command: Command, now: datetime) -> list[PoolEvent]:
    actor, reason = command.actor, command.reason
    match command:
        case AcquireLease():
            return acquired(state, command, now)
        case RenewLease(lease_id=lease_id):
            lease = require_lease(state, lease_id)
            ttl = command.ttl or lease.ttl
            assert ttl is not None
            due = now + ttl if lease.granted_at is not None else None
            return [LeaseRenewed(lease_id=lease_id, ttl=ttl, due=due, at=now)]
        case ReleaseLease(lease_id=lease_id):
            lease = require_lease(state, lease_id)
            by_hand = lost(state, lease_id, f"it was released by {actor}") if lease.thread is not None else None
            return [ended(lease, "taken" if by_hand else "released", by_hand, actor=actor, reason=reason, now=now)]
        case ConfigurePool(config=changes):
            config = make_config(changes, state.config)
            return [PoolConfigChanged(config=config, changes=changes, actor=actor, reason=reason, at=now)]
        case ClosePool(force=force) if state.closing is None or (force and not state.closing.force):
            return [PoolClosing(closing=Closing(actor=actor, reason=reason, force=force), at=now)]
    return []


def _closed(state: PoolState, now: datetime) -> list[PoolEvent]:
    """The end of a pool that closes, with its last lease."""
    if state.closing is None or state.status is PoolStatus.CLOSED or state.held or state.line:
        return []
    return [PoolClosed(actor=state.closing.actor, reason=state.closing.reason, at=now)]


def _answered(after: PoolState, command: Command, events: list[PoolEvent], now: datetime) -> CommandAnswered:
    """The answer to a command, out of what has come of it."""
    denied = next((event for event in events if isinstance(event, LeaseDenied)), None)
    if denied is not None:
        return CommandAnswered(command_id=command.command_id, answer=refused(command, _error(denied.error)), at=now)
    result: JsonObject = {"pool": after.pool}
    match command:
        case AcquireLease():
            result |= standing(after, command.lease_id or command.command_id)
        case RenewLease(lease_id=lease_id):
            result |= standing(after, lease_id)
        case ReleaseLease(lease_id=lease_id):
            result |= {"lease_id": lease_id, "released": True}
        case ConfigurePool():
            result |= {"config": after.config.model_dump(mode="json")}
        case _:
            result |= {"status": after.status.value}
    return CommandAnswered(command_id=command.command_id, answer=accepted(command, result), at=now)


def _error(told: JsonObject) -> ThreadloomError:
    return ThreadloomError(told["code"], told["message"], told["details"])
