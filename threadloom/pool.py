"""One resource pool, to look at, to command, and to lease from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.durations import format_duration
from domain.ids import require_id
from domain.messages import AcquireLease, ClosePool, Command, ConfigurePool, PriorityName, ReleaseLease, RenewLease
from domain.values import JsonObject
from threadloom.delivery import Delivery, command
from threadloom.names import new_command_id, readable_id
from threadloom.pool_reading import PoolReading
from threadloom.targets import PoolTarget
from threadloom.views import (
    History,
    LeaseReleased,
    LeaseView,
    PoolAnswer,
    PoolConfigChanged,
    PoolLeases,
    PoolView,
)
from threadloom.waiting import Timeout, within

_TTL = timedelta(minutes=5)


class PoolHandle:
    """A resource pool. Making a handle asks nobody; `POOL_NOT_FOUND` comes with the first use.

    Every method raises `ThreadloomError`. Besides the codes it names itself these are possible:
    `POOL_NOT_FOUND`, `POOL_NOT_ACTIVE` (commands), `SERVER_UNREACHABLE`, `NO_WORKER`,
    `COMMAND_ID_REUSED` and `INVALID_ARGUMENT`.

    Every command takes `actor` (the client's by default) and `reason`, which reach the history, and
    `command_id`: the same one again gets the first answer, whichever process sends it.
    """

    def __init__(self, pool: str, *, reading: PoolReading, delivery: Delivery, actor: str) -> None:
        self.pool = require_id("pool", pool)
        self._target = PoolTarget(pool)
        self._reading = reading
        self._delivery = delivery
        self._actor = actor

    # Looking

    async def describe(self) -> PoolView:
        """The pool: what it has, and how much of it is in use."""
        return await self._reading.describe(self.pool)

    async def leases(self) -> PoolLeases:
        """The pool with all its leases and its line."""
        return await self._reading.leases(self.pool)

    async def lease(self, lease_id: str) -> LeaseView:
        """How one lease stands.

        Raises:
            ThreadloomError: `LEASE_NOT_FOUND`.
        """
        return await self._reading.lease(self.pool, lease_id)

    async def history(
        self,
        *,
        type: str | None = None,
        thread: str | None = None,
        actor: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> History:
        """Its history from the database, in order, once that has caught up or after two seconds.

        Args:
            type: One of `domain.records.RecordType`.
            thread: Records of leases of threads with this id.
            actor: Records of what this one did.
            after: Records with a higher seq.
            limit: How many at most.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        return await self._reading.history(self.pool, type=type, thread=thread, actor=actor, after=after, limit=limit)

    # Its life

    async def configure(
        self,
        changes: Mapping[str, Any],
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> PoolConfigChanged:
        """Change the configuration: `capacity`, `lease`, `continue_as_new_after`; what is not named stays.

        More capacity lets in who waits, at once. Less throws nobody out; nobody gets in until there is room.

        Raises:
            ThreadloomError: `INVALID_ARGUMENT`, naming each field that is wrong.
        """
        sent = command(ConfigurePool, command_id, actor or self._actor, reason, config=dict(changes))
        return PoolConfigChanged.model_validate(await self._update("configure", sent))

    async def close(
        self,
        *,
        force: bool = False,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> PoolAnswer:
        """Grant nothing more, and refuse who waits; closed when the last lease is over.

        Args:
            force: Drop all leases now; sessions are told `LEASE_LOST`.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Returns:
            The status `closing` or `closed`; `requested` when no worker has answered within five seconds.
        """
        sent = command(ClosePool, command_id, actor or self._actor, reason, force=force)
        told = await self._delivery.signal(self._target, "close", sent)
        return PoolAnswer.model_validate({**told, "pool": self.pool})

    # Leases of people and programs

    async def acquire(
        self,
        *,
        holder: str | None = None,
        amount: float = 1,
        priority: PriorityName = "normal",
        ttl: timedelta | float | None = None,
        line: bool = False,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> LeaseView:
        """Lease an amount. It expires when it is not renewed.

        Args:
            holder: Who is to have it; the actor by default.
            amount: How much.
            priority: `low`, `normal`, `high` or `urgent`: the line is by priority, then by age.
            ttl: How long it is held from when it is granted, in seconds or as a timedelta; 5 minutes by default.
            line: Stand in line when there is no room, instead of being refused; answers the place.
            wait: Stand in line, and wait until the lease is granted.
            timeout: How long to wait, in seconds or as a timedelta; without end by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Raises:
            ThreadloomError: `RESOURCES_INSUFFICIENT`; `POOL_FULL`; `LEASE_LOST` (it was taken away while it was
                waited for); `TIMED_OUT` (the place in the line stays).
        """
        command_id = command_id or new_command_id()
        actor = actor or self._actor
        sent = command(
            AcquireLease,
            command_id,
            actor,
            reason,
            lease_id=readable_id(command_id),
            holder=holder or actor,
            amount=amount,
            priority=priority,
            ttl=_duration(_TTL if ttl is None else ttl),
            wait=line or wait,
        )
        answer = LeaseView.model_validate(await self._update("acquire", sent))
        if answer.granted or not wait:
            return answer
        return await within(
            timeout,
            lambda: self._living(answer.lease_id),
            lambda seen: seen.granted,
            f"lease {answer.lease_id} of pool {self.pool} is not granted yet; its place in the line stays",
        )

    async def renew(
        self,
        lease_id: str,
        *,
        ttl: timedelta | float | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> LeaseView:
        """Hold a lease for longer, from now on; as long as it was granted for, unless `ttl` says otherwise.

        Raises:
            ThreadloomError: `LEASE_NOT_FOUND`, also when it has expired; `INVALID_ARGUMENT` for a thread's lease.
        """
        length = None if ttl is None else _duration(ttl)
        sent = command(RenewLease, command_id, actor or self._actor, reason, lease_id=lease_id, ttl=length)
        return LeaseView.model_validate(await self._update("renew", sent))

    async def release(
        self,
        lease_id: str,
        *,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> LeaseReleased:
        """Give up a lease, or a place in the line. A thread's may be taken away like this: its session is told.

        Raises:
            ThreadloomError: `LEASE_NOT_FOUND`.
        """
        sent = command(ReleaseLease, command_id, actor or self._actor, reason, lease_id=lease_id)
        return LeaseReleased.model_validate(await self._update("release", sent))

    async def _update(self, name: str, sent: Command) -> JsonObject:
        return await self._delivery.update(self._target, name, sent)

    async def _living(self, lease_id: str) -> LeaseView:
        """How a lease stands that is waited for; raises what became of it when it is over."""
        seen = await self.lease(lease_id)
        if seen.over:
            message = f"lease {lease_id} of pool {self.pool} was released"
            raise ThreadloomError(**seen.error) if seen.error else ThreadloomError(Code.LEASE_LOST, message)
        return seen


def _duration(value: timedelta | float) -> str:
    return format_duration(value if isinstance(value, timedelta) else timedelta(seconds=value))
