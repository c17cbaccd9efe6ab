"""Questions about resource pools: from Temporal, and their history from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.ids import parse_pool_workflow_id
from domain.ports import RecordStore
from threadloom.gateway import Gateway, MissingError, Sighting, UnansweredError
from threadloom.reading import caught_up, require_type
from threadloom.targets import PoolTarget, no_worker, why_not
from threadloom.views import History, HistoryRecord, LeaseView, PoolLeases, PoolView

_AT_ONCE = 16
_LIST_SECONDS = 4.0
"""How long a list of pools waits for what they say of themselves."""


class PoolReading:
    """Questions about pools. None of them changes anything, and none waits for a worker for long.

    Args:
        gateway: To Temporal.
        records: What the database holds.
    """

    def __init__(self, gateway: Gateway, records: RecordStore) -> None:
        self._gateway = gateway
        self._records = records

    async def pools(self, limit: int) -> list[PoolView]:
        """The pools that Temporal knows, the living first; each says of itself what it has, if a worker answers."""
        listed = await self._gateway.listed("ResourcePoolWorkflow", limit)
        named = [(pool, each) for each in listed if (pool := parse_pool_workflow_id(each.workflow_id)) is not None]
        said = await self._said([each.workflow_id for _, each in named if each.closed_at is None])
        return [said.get(each.workflow_id) or _seen_only(pool, each.status, each.closed_at) for pool, each in named]

    async def _said(self, workflow_ids: Sequence[str]) -> Mapping[str, PoolView]:
        """What the pools say of themselves, within some seconds for all together."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def ask(workflow_id: str) -> PoolView:
            async with places:
                return PoolView.model_validate(await self._gateway.query(workflow_id, "describe"))

        asked = {workflow_id: asyncio.create_task(ask(workflow_id)) for workflow_id in workflow_ids}
        if not asked:
            return {}
        _, late = await asyncio.wait(asked.values(), timeout=_LIST_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*asked.values(), return_exceptions=True)
        answered = {name: task for name, task in asked.items() if not task.cancelled() and not task.exception()}
        return {name: task.result() for name, task in answered.items()}

    async def describe(self, pool: str) -> PoolView:
        """The pool. One that was ended in Temporal from outside is terminated.

        Raises:
            ThreadloomError: `POOL_NOT_FOUND`, `NO_WORKER`.
        """
        target = PoolTarget(pool)
        seen = await self._seen(target)
        try:
            view = PoolView.model_validate(await self._ask(target, seen, "describe"))
        except UnansweredError:
            return _seen_only(pool, seen.status, seen.closed_at)
        return view.model_copy(update=_cut_off(seen, view))

    async def leases(self, pool: str) -> PoolLeases:
        """The pool with its leases and its line. Raises as `describe` does."""
        target = PoolTarget(pool)
        seen = await self._seen(target)
        try:
            view = PoolLeases.model_validate(await self._ask(target, seen, "leases"))
        except UnansweredError:
            return PoolLeases(**_seen_only(pool, seen.status, seen.closed_at).model_dump(), holders=[], line=[])
        return view.model_copy(update=_cut_off(seen, view))

    async def lease(self, pool: str, lease_id: str) -> LeaseView:
        """How a lease stands.

        Raises:
            ThreadloomError: `LEASE_NOT_FOUND`, and as `describe` does.
        """
        target = PoolTarget(pool)
        seen = await self._seen(target)
        try:
            told = await self._ask(target, seen, "lease", lease_id)
        except UnansweredError as error:
            raise await why_not(self._gateway, self._records, target, seen) from error
        if told is None:
            details = {"pool": pool, "lease": lease_id[:80]}
            raise ThreadloomError(Code.LEASE_NOT_FOUND, f"pool {pool} has no lease {lease_id[:80]!r}", details)
        return LeaseView.model_validate({"pool": pool, **told})

    async def history(
        self, pool: str, *, type: str | None, thread: str | None, actor: str | None, after: int, limit: int
    ) -> History:
        """The pool's history from the database, once that has caught up; see `PoolHandle.history`.

        Raises:
            ThreadloomError: `POOL_NOT_FOUND`, `DATABASE_UNREACHABLE`; `INVALID_ARGUMENT` for an unknown type.
        """
        require_type(type)
        target = PoolTarget(pool)
        await caught_up(self._gateway, target)
        # A pool's records stand under its workflow's id, which is no id of a session.
        found = await self._records.history(
            target.workflow_id, type=type, thread_id=thread, actor=actor, after=after, limit=limit
        )
        if not found:
            await self._require_known(target)
        return History(
            records=[HistoryRecord.model_validate(record.model_dump(exclude={"session_id"})) for record in found]
        )

    async def _require_known(self, target: PoolTarget) -> None:
        seen = await self._gateway.look(target.workflow_id)
        if seen is None and not await self._records.history(target.workflow_id, limit=1):
            raise await why_not(self._gateway, self._records, target, None)

    async def _seen(self, target: PoolTarget) -> Sighting:
        seen = await self._gateway.look(target.workflow_id)
        if seen is None:
            raise await why_not(self._gateway, self._records, target, None)
        return seen

    async def _ask(self, target: PoolTarget, seen: Sighting, question: str, *args: Any) -> Any:
        """The pool's answer. Of one that has ended Temporal's word may be enough: that is `UnansweredError`."""
        try:
            return await self._gateway.query(target.workflow_id, question, *args)
        except (UnansweredError, MissingError) as error:
            if seen.running:
                raise no_worker(target) from error
            raise UnansweredError(str(error)) from error


def _seen_only(pool: str, status: str, closed_at: datetime | None) -> PoolView:
    """A pool of which only Temporal tells."""
    known = {"running": "active", "completed": "closed"}
    return PoolView(pool=pool, status=known.get(status, "terminated"), ended_at=closed_at)


def _cut_off(seen: Sighting, view: PoolView) -> dict[str, Any]:
    """What a pool did not come to say that was ended from outside."""
    if not seen.cut_off or view.status == "closed":
        return {}
    return {"status": "terminated", "ended_at": seen.closed_at}
