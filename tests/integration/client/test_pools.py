"""Resource pools through the client."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from temporalio.worker import Worker

from domain.errors import ThreadloomError
from tests.integration.stack import Stack, eventually
from threadloom import PoolHandle, Threadloom
from threadloom.views import PoolView


@pytest.fixture
def name() -> str:
    """A pool's name that no other test has used on the server they share."""
    return f"p-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def pool(worker: Worker, loom: Threadloom, name: str) -> PoolHandle:
    """A pool of two, and a worker that serves it."""
    await loom.create_pool(name, 2)
    return loom.pool(name)


async def test_who_waits_is_granted_when_there_is_room(pool: PoolHandle, other: Threadloom) -> None:
    first = await pool.acquire(amount=2)
    waiting = asyncio.create_task(other.pool(pool.pool).acquire(wait=True, timeout=30))
    await eventually(pool.describe, lambda seen: seen.waiting == 1)
    await pool.release(first.lease_id)
    granted = await waiting
    assert granted.granted
    shown = await pool.leases()
    assert [(lease.lease_id, lease.holder) for lease in shown.holders] == [(granted.lease_id, "bob")]
    assert (await pool.lease(granted.lease_id)).expires_at == granted.expires_at


async def test_a_place_that_is_taken_away_ends_the_wait(pool: PoolHandle) -> None:
    await pool.acquire(amount=2)
    waiting = asyncio.create_task(pool.acquire(wait=True, timeout=30))
    (place,) = (await eventually(pool.leases, lambda seen: len(seen.line) == 1)).line
    await pool.release(place.lease_id)
    with pytest.raises(ThreadloomError, match="LEASE_LOST"):
        await waiting


async def test_a_wait_ends_when_the_pool_shrinks_below_it(pool: PoolHandle) -> None:
    held = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire(amount=2, wait=True, timeout=30))
    await eventually(pool.describe, lambda seen: seen.waiting == 1)
    await pool.configure({"capacity": 1})
    with pytest.raises(ThreadloomError, match="RESOURCES_INSUFFICIENT"):
        await waiting
    assert (await pool.lease(held.lease_id)).granted


async def test_the_same_command_gets_the_same_lease(pool: PoolHandle, other: Threadloom) -> None:
    first = await pool.acquire(holder="x", command_id="once", actor="ann")
    assert await other.pool(pool.pool).acquire(holder="x", command_id="once", actor="ann") == first
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await pool.acquire(holder="x", command_id="once", actor="ann", amount=2)
    assert (await pool.describe()).held == 1


async def test_making_a_pool_happens_once(worker: Worker, loom: Threadloom, other: Threadloom, name: str) -> None:
    first = await loom.create_pool(name, 2, lease=60, title="two", command_id="c", actor="ann")
    again = await other.create_pool(name, 2, lease=60, title="two", command_id="c", actor="ann")
    assert (again.created_at, again.config["lease"]) == (first.created_at, "1m")
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await loom.create_pool(name, 3, command_id="c")
    with pytest.raises(ThreadloomError, match="POOL_EXISTS"):
        await loom.create_pool(name, 2)


async def test_a_pool_that_was_terminated_in_temporal_says_so(pool: PoolHandle, loom: Threadloom) -> None:
    await loom.client.get_workflow_handle(f"pool/{pool.pool}").terminate()
    assert (await pool.describe()).status == "terminated"
    with pytest.raises(ThreadloomError, match="POOL_NOT_ACTIVE"):
        await pool.acquire()
    (listed,) = await eventually(
        lambda: _listed(loom, pool.pool), lambda seen: [view.status for view in seen] == ["terminated"]
    )
    assert listed.ended_at is not None
    assert (await loom.create_pool(pool.pool, 1)).status == "active"


async def test_without_a_worker_a_pool_is_listed_and_says_who_does_not_answer(
    stack: Stack, loom: Threadloom, name: str
) -> None:
    assert (await loom.create_pool(name, 1)).status == "inactive"
    await eventually(lambda: _listed(loom, name), lambda seen: [view.status for view in seen] == ["active"])
    with pytest.raises(ThreadloomError, match="NO_WORKER"):
        await loom.pool(name).leases()
    with pytest.raises(ThreadloomError, match="NO_WORKER"):
        await loom.pool(name).acquire(command_id="kept")
    assert (await loom.pool(name).close()).status == "requested"


async def _listed(loom: Threadloom, name: str) -> list[PoolView]:
    return [view for view in await loom.pools(1_000) if view.pool == name]
