"""Resource pools on a real server: sessions that share one, holders that vanish, runs that end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.cli.conftest import Program, clean_environment
from tests.integration.engine.pool_users import Pool, PoolSession, start_pool, users
from tests.integration.hostile.odd import unharmed
from tests.integration.stack import Stack, eventually
from tests.servers import TemporalServer

FOREVER = {"lease": "1d"}
"""A lease time in which nobody is looked for."""


async def test_two_sessions_share_a_pool_and_neither_gets_more_than_there_is(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 3, **FOREVER)
        one, other = await pool.start_session(), await pool.start_session()
        names = {session.session_id: [f"{session.session_id}-{n}" for n in range(25)] for session in (one, other)}

        async def use(session: PoolSession) -> None:
            """Ask for all, and give up each lease when it is granted."""
            for name in names[session.session_id]:
                await session.request(name, thread_id="t")
            for count in range(len(names[session.session_id])):
                await session.give_up((await session.answered(count + 1))[count][0])

        await asyncio.gather(use(one), use(other))
        for session in (one, other):
            await session.told(*[(name, "granted") for name in names[session.session_id]])
        await pool.held_by()
        await pool.handle.signal("close", {"command_id": "x", "actor": "tester"})
        assert (await pool.handle.result())["status"] == "closed"
        records = await pool.records()
        used = 0
        for record in records:
            used += {"resource_allocated": 1, "resource_released": -1}.get(record["type"], 0)
            assert record.get("in_use", used) == used
            assert 0 <= used <= 3
        assert [record["type"] for record in records].count("resource_allocated") == 50


async def test_what_comes_twice_or_in_the_wrong_order_changes_nothing(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, **FOREVER)
        session = await pool.start_session()
        await session.give_up("early")
        await session.request("early")
        await session.request("a")
        await session.request("a")
        await session.request("b", wait=False)
        await session.request("large", amount=2)
        await session.told(
            ("early", "LEASE_LOST"), ("a", "granted"), ("a", "granted"),
            ("b", "RESOURCES_INSUFFICIENT"), ("large", "RESOURCES_INSUFFICIENT"),
        )  # fmt: skip
        await session.give_up("a")
        await session.give_up("a")
        await pool.held_by()


async def test_a_change_of_priority_and_of_capacity_takes_effect_at_once(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, **FOREVER)
        session = await pool.start_session()
        for lease_id in ("a", "b", "c"):
            await session.request(lease_id)
        await pool.handle.signal("lease_priority", {"lease_id": "c", "priority": "urgent"})
        answer = await pool.update("configure", config={"capacity": 2})
        assert answer["config"]["capacity"] == 2
        await pool.held_by("a", "c")
        await session.told(("a", "granted"), ("c", "granted"))


async def test_a_session_that_is_not_there_keeps_nobody_waiting(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 2, **FOREVER)
        session = await pool.start_session()
        await PoolSession(pool, "nobody", session.handle).request("n")
        await session.request("a")
        await session.told(("a", "granted"))
        await unharmed(pool.handle)


async def test_threads_that_are_gone_lose_their_leases_and_others_keep_them(stack: Stack) -> None:
    """The lease time is short, so all are looked for again and again."""
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 4, lease="300ms")
        session, ended = await pool.start_session(), await pool.start_session()
        terminated, finished = await session.start_thread("terminated"), await session.start_thread("finished")
        for lease_id in ("terminated", "finished", "unstarted"):
            await session.request(lease_id)
        orphan = await ended.start_thread("orphan")
        await ended.request("orphan")
        await ended.request("unborn")
        await pool.held_by("terminated", "finished", "unstarted", "orphan")
        first = {lease["lease_id"]: lease["expires_at"] for lease in (await pool.leases())["holders"]}

        async def renewed() -> bool:
            now = {lease["lease_id"]: lease["expires_at"] for lease in (await pool.leases())["holders"]}
            return set(now) == set(first) and all(now[lease_id] > first[lease_id] for lease_id in first)

        await eventually(renewed, bool)

        await terminated.terminate()
        # Its thread has no workflow, and its session runs: it may be about to start it, so it takes the free place.
        await pool.held_by("finished", "unstarted", "orphan", "unborn")
        await ended.handle.terminate()
        await pool.held_by("finished", "unstarted", "orphan")
        await finished.signal("end")
        await pool.held_by("unstarted", "orphan")
        await orphan.terminate()
        await session.handle.terminate()
        await pool.held_by()
        released = {record["lease_id"]: record["how"] for record in await _released(pool, 5)}
        assert released == dict.fromkeys(["terminated", "unborn", "finished", "orphan", "unstarted"], "vanished")


async def _released(pool: Pool, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        return [record for record in await pool.records() if record["type"] == "resource_released"]

    return await eventually(look, lambda seen: len(seen) == count)


async def test_a_thread_that_waits_and_is_gone_leaves_the_line(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, lease="300ms")
        session = await pool.start_session()
        await session.request("a")
        waiting = await session.start_thread("b")
        await session.request("b")
        await waiting.terminate()
        await session.told(("a", "granted"), ("b", "LEASE_LOST"))
        assert (await pool.describe())["waiting"] == 0


async def test_no_lease_is_lost_when_workers_are_killed(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """Killed while leases are held, and away for many lease times."""
    env = clean_environment() | {
        "TEMPORAL_ADDRESS": temporal_server.address,
        "THREADLOOM_TASK_QUEUE": stack.settings.task_queue,
        "THREADLOOM_DATABASE_URL": stack.settings.database_url,
    }
    async with users(stack) as queue:
        first = Program(["worker.py"], env, tmp_path / "first.log")
        try:
            first.announced()
            pool = await start_pool(stack, queue, 2, lease="200ms")
            session = await pool.start_session()
            for lease_id in ("a", "b", "c"):
                await session.start_thread(lease_id)
                await session.request(lease_id)
            await session.told(("a", "granted"), ("b", "granted"))
        finally:
            first.end(signal.SIGKILL)
        await asyncio.sleep(2)  # the leases' time, many times over, while nobody can look
        await session.give_up("a")
        async with stack.worker():
            await session.told(("a", "granted"), ("b", "granted"), ("c", "granted"))
            await pool.held_by("b", "c")
            expires = (await pool.leases())["holders"][0]["expires_at"]
            await eventually(pool.leases, lambda seen: seen["holders"][0]["expires_at"] > expires)
            await pool.held_by("b", "c")


async def test_a_new_run_has_all_leases_the_line_and_the_answers(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, continue_as_new_after=50, **FOREVER)
        session = await pool.start_session()
        for lease_id in ("a", "b", "c"):
            await session.request(lease_id)
        await session.request("refused", wait=False)
        first = await pool.update("acquire", command_id="x", lease_id="x", holder="bob", wait=True, priority="low")
        assert first["place"] == 3
        before = await pool.leases()
        run = (await pool.handle.describe()).run_id

        async def pushed() -> str | None:
            await session.give_up("nothing")
            return (await pool.handle.describe()).run_id

        await eventually(pushed, lambda now: now != run)
        after = await pool.leases()
        assert (after["holders"], after["line"]) == (before["holders"], before["line"])
        again = await pool.update("acquire", command_id="x", lease_id="x", holder="bob", wait=True, priority="low")
        assert again == first
        await session.request("refused", wait=False)
        for lease_id in ("a", "b", "c"):
            await session.give_up(lease_id)
        await pool.held_by("x")
        refused = ("refused", "RESOURCES_INSUFFICIENT")
        await session.told(("a", "granted"), ("b", "granted"), ("c", "granted"), refused, refused)


async def test_a_lease_of_a_program_expires_unless_it_is_renewed(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, **FOREVER)
        session = await pool.start_session()
        held = await pool.update("acquire", lease_id="x", holder="bob", ttl="1d")
        await session.request("a")
        renewed = await pool.update("renew", lease_id="x", ttl="300ms")
        assert renewed["expires_at"] < held["expires_at"]
        await pool.held_by("a")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await pool.update("renew", lease_id="x")
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "LEASE_NOT_FOUND"


async def test_a_pool_closes_with_its_last_lease_and_by_force_at_once(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, **FOREVER)
        session = await pool.start_session()
        await session.request("a")
        await session.request("b")
        await session.told(("a", "granted"))
        await pool.handle.cancel()
        await session.told(("a", "granted"), ("b", "POOL_NOT_ACTIVE"))
        assert (await pool.describe())["status"] == "closing"
        await pool.handle.signal("close", {"command_id": "f", "force": True})
        assert (await pool.handle.result())["status"] == "closed"
        await session.told(("a", "granted"), ("b", "POOL_NOT_ACTIVE"), ("a", "LEASE_LOST"))
        assert [record["type"] for record in await pool.records()][-1] == "pool_closed"
