"""The resource pool's workflow: what Temporal runs and what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from domain.messages import (
    AcquireLease,
    ClosePool,
    ConfigurePool,
    LeasePriority,
    LeaseRelease,
    LeaseRequest,
    PoolStart,
    ReleaseLease,
    RenewLease,
    read,
)
from domain.resource_pool.views import describe, leases, standing
from domain.values import JsonObject
from workflows.host import Host, release
from workflows.inline import OrInline
from workflows.resource_pool.entity import PoolEntity


@workflow.defn(name="ResourcePoolWorkflow", sandboxed=False)
class ResourcePoolWorkflow:
    """Leases a number of one named thing to threads of all sessions, and to people and programs.

    Entry points take what comes and validate inside: an argument that does not fit a signature
    would fail the workflow's task for ever.
    """

    @workflow.init
    def __init__(self, *args: Any) -> None:
        self._host = Host(lambda: PoolEntity(read(PoolStart, args)))
        release(args)

    @workflow.run
    async def run(self, *args: Any) -> JsonObject:
        """Lease until the pool is closed.

        Returns:
            The pool as the query `describe` tells it.
        """
        del args
        pool = self._pool
        pool.recorder.start()
        while True:
            try:
                if not await pool.live():
                    workflow.continue_as_new(OrInline(pool.next_run()))
                await pool.finish()
                break
            except asyncio.CancelledError:
                pool.signal(ClosePool, ({"actor": "temporal", "reason": "cancelled in Temporal"},))
        return describe(pool.state)

    @workflow.update(name="configure")
    async def configure(self, *args: Any) -> JsonObject:
        """Change the configuration. Takes `ConfigurePool`; answers {pool, config}."""
        return await self._pool.command(ConfigurePool, args)

    @configure.validator
    def _check_configure(self, *args: Any) -> None:
        self._pool.check(ConfigurePool, args)

    @workflow.update(name="acquire")
    async def acquire(self, *args: Any) -> JsonObject:
        """Ask for a lease. Takes `AcquireLease`; answers {pool, lease_id, granted, expires_at | place}."""
        return await self._pool.command(AcquireLease, args)

    @acquire.validator
    def _check_acquire(self, *args: Any) -> None:
        self._pool.check(AcquireLease, args)

    @workflow.update(name="renew")
    async def renew(self, *args: Any) -> JsonObject:
        """Hold a lease for longer. Takes `RenewLease`; answers {pool, lease_id, granted, expires_at | place}."""
        return await self._pool.command(RenewLease, args)

    @renew.validator
    def _check_renew(self, *args: Any) -> None:
        self._pool.check(RenewLease, args)

    @workflow.update(name="release")
    async def release(self, *args: Any) -> JsonObject:
        """Give up a lease. Takes `ReleaseLease`; answers {pool, lease_id, released}."""
        return await self._pool.command(ReleaseLease, args)

    @release.validator
    def _check_release(self, *args: Any) -> None:
        self._pool.check(ReleaseLease, args)

    @workflow.signal(name="close")
    def close(self, *args: Any) -> None:
        """Grant nothing more; closed when the last lease is over. Takes `ClosePool`, or nothing."""
        self._host.signal(ClosePool, args)

    @workflow.signal(name="cancel")
    def cancel(self, *args: Any) -> None:
        """The same as close."""
        self._host.signal(ClosePool, args)

    @workflow.signal(name="lease_request")
    def lease_request(self, *args: Any) -> None:
        """A session asks for a lease of a thread. Internal; takes `LeaseRequest`, answered by `LeaseAnswer`."""
        if message := self._host.told(LeaseRequest, args):
            self._pool.told(message)

    @workflow.signal(name="lease_release")
    def lease_release(self, *args: Any) -> None:
        """A session gives up a lease of a thread. Internal; takes `LeaseRelease`."""
        if message := self._host.told(LeaseRelease, args):
            self._pool.told(message)

    @workflow.signal(name="lease_priority")
    def lease_priority(self, *args: Any) -> None:
        """A session changes the priority of a thread that waits. Internal; takes `LeasePriority`."""
        if message := self._host.told(LeasePriority, args):
            self._pool.told(message)

    @workflow.signal(dynamic=True)
    def unknown(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that nobody here knows."""
        self._host.unknown(name)

    @workflow.query(name="describe")
    def describe(self, *args: Any) -> Any:
        """The pool: what it has, and how much of it is in use."""
        return OrInline(describe(self._pool.state))

    @workflow.query(name="leases")
    def leases(self, *args: Any) -> Any:
        """The pool with all its leases and its line."""
        return OrInline(leases(self._pool.state))

    @workflow.query(name="lease")
    def lease(self, *args: Any) -> Any:
        """How the lease of the id that is given stands; null when there is none."""
        state, lease_id = self._pool.state, str(args[0]) if args else ""
        known = state.lease(lease_id) is not None or lease_id in state.over
        return OrInline(standing(state, lease_id)) if known else None

    @workflow.query(name="answer")
    def answer(self, *args: Any) -> Any:
        """The answer to a command id, or null: {result} or {error}."""
        return self._host.answer(args)

    @workflow.query(name="outbox")
    def outbox(self, *args: Any) -> JsonObject:
        """How many records wait for the database."""
        return self._pool.recorder.visible()

    @property
    def _pool(self) -> PoolEntity:
        return self._host.entity
