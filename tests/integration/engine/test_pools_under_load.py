"""Resource pools with hundreds of leases, and without their database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain import outbox
from tests.integration.engine.pool_users import Pool, start_pool, users
from tests.integration.engine.test_database_away import never_failed, served
from tests.integration.hostile.test_floods import only_the_servers_own
from tests.integration.stack import Stack, eventually
from workflows import entity

MANY = 300


def check(records: list[dict[str, Any]]) -> None:
    """Fail unless the records in their order prove that there was never more in use than there was."""
    used = 0
    for record in records:
        used += {"resource_allocated": 1, "resource_released": record.get("held", 0) * -1}.get(record["type"], 0)
        assert record.get("in_use", used) == used
        assert used <= record["capacity"]


async def test_hundreds_of_requests_and_grants_at_once(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, lease="1d")
        session = await pool.start_session()
        names = [f"t{number}" for number in range(MANY)]
        await asyncio.gather(*(session.request(name) for name in names))
        await eventually(pool.describe, lambda seen: seen["waiting"] == MANY - 1)
        await pool.update("configure", config={"capacity": MANY})
        await session.told(*[(name, "granted") for name in names])
        await asyncio.gather(*(session.give_up(name) for name in names))
        await pool.held_by()
        await only_the_servers_own(pool.handle)
        # No task of the session has failed: it got its answers some at a time.
        await never_failed(stack, session.handle)


async def test_a_new_run_begins_before_temporal_refuses_signals(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no news leaves hardly an event, so the events of a run do not tell how many signals it has had."""
    monkeypatch.setattr(entity, "SIGNALS", 100)
    async with stack.worker(), users(stack) as queue:
        pool = await start_pool(stack, queue, 1, lease="1d", continue_as_new_after=20_000)
        session = await pool.start_session()
        await session.request("a")
        run = (await pool.handle.describe()).run_id
        await asyncio.gather(*(session.give_up("nothing") for _ in range(100)))
        await eventually(pool.handle.describe, lambda seen: seen.run_id != run)
        await pool.held_by("a")


async def test_without_the_database_leases_go_on_until_too_many_records_wait(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BACKLOG_RECORDS", 40)
    async with served(stack) as outage, users(stack) as queue:
        pool = await start_pool(stack, queue, 1, lease="1d", continue_as_new_after=50)
        session = await pool.start_session()
        await eventually(pool.records, lambda seen: len(seen) == 1)
        outage.away = True
        granted = await _used_until_held_up(pool)
        assert granted > 5
        waiting = (await pool.describe())["waiting"]
        assert waiting > 0
        outage.away = False
        await eventually(pool.describe, lambda seen: not seen["backlogged"] and seen["held"] == 1)
        await pool.handle.signal("close", {"command_id": "x", "force": True})
        await pool.handle.result()
        records = await pool.records()
        check(records[1:])
        assert [record["type"] for record in records].count("resource_allocated") == granted + 1
        await never_failed(stack, pool.handle, session.handle)


async def _used_until_held_up(pool: Pool) -> int:
    """Ask for leases and give them up until nothing is granted any more; how many were."""
    session = await pool.start_session()
    granted = 0
    while True:
        name = f"n{granted}"
        await session.request(name)

        async def standing(name: str = name) -> tuple[bool, bool]:
            answer = await pool.handle.query("lease", name)
            held_up: bool = (await pool.describe())["backlogged"]
            return answer is not None and answer["granted"], held_up

        is_granted, _ = await eventually(standing, any)
        if not is_granted:
            return granted
        granted += 1
        await session.give_up(name)


async def test_what_came_while_no_worker_ran_is_taken_some_at_a_time(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it comes with one workflow task, and Temporal takes a worker for stuck that computes for two seconds."""
    monkeypatch.setattr(entity, "INPUTS_PER_TASK", 50)
    async with users(stack) as queue:
        pool = await start_pool(stack, queue, 1, lease="1d")
        session = await pool.start_session()
        await asyncio.gather(*(session.request(f"t{number}") for number in range(MANY)))
        async with stack.worker():
            await eventually(pool.describe, lambda seen: seen["held"] + seen["waiting"] == MANY)
            history = await pool.handle.fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    turns = [activity for activity in scheduled if activity.activity_type.name == "threadloom.turn"]
    assert len(turns) >= MANY // 50 - 1
