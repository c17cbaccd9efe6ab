"""Whatever is sent to a resource pool: it refuses with a code, changes nothing, and goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError

from domain.messages import STATE_VERSION
from tests.integration.engine.pool_users import Pool, PoolSession, start_pool, users
from tests.integration.hostile.odd import NEARLY, ODD, unharmed
from tests.integration.hostile.test_odd_messages import refusal
from tests.integration.hostile.test_odd_starts import new_id
from tests.integration.hostile.test_odd_starts import refusal as refused_start
from tests.integration.stack import Stack

SOON = timedelta(seconds=20)

UPDATES = ("configure", "acquire", "renew", "release")
SIGNALS = ("lease_request", "lease_release", "lease_priority", "close", "cancel")
QUERIES = ("describe", "leases", "lease", "answer", "outbox")

_REQUEST = {"lease_id": "z", "session_id": "s", "thread_id": "t", "since": "2026-01-01T00:00:00Z"}
ODD_REQUESTS: dict[str, Any] = {
    "no amount of it": {**_REQUEST, "amount": 0},
    "less than nothing": {**_REQUEST, "amount": -1},
    "too small to count": {**_REQUEST, "amount": 1e-12},
    "too large to count": {**_REQUEST, "amount": 1e300},
    "an amount in words": {**_REQUEST, "amount": "many"},
    "no such priority": {**_REQUEST, "priority": "dire"},
    "no instant": {**_REQUEST, "since": "yesterday"},
    "no id of a session": {**_REQUEST, "session_id": "../x"},
    "no id of a thread": {**_REQUEST, "thread_id": "a/b"},
    "no id": {**_REQUEST, "lease_id": ""},
    "a long id": {**_REQUEST, "lease_id": "x" * 1_000},
}


async def used(stack: Stack, queue: str) -> tuple[Pool, PoolSession]:
    """A pool with a lease and a line."""
    pool = await start_pool(stack, queue, 1, lease="1d")
    session = await pool.start_session()
    await session.request("a")
    await session.request("b")
    await session.told(("a", "granted"))
    return pool, session


@pytest.mark.parametrize("update", UPDATES)
async def test_an_odd_update_is_refused_with_a_code(stack: Stack, update: str) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, _ = await used(stack, queue)
        before = await pool.leases()
        odd = {**ODD, **NEARLY}
        refusals = {name: await refusal(pool.handle, update, args) for name, args in odd.items()}
        assert refusals == dict.fromkeys(odd, "INVALID_ARGUMENT")
        assert await pool.leases() == before
        await unharmed(pool.handle)


@pytest.mark.parametrize("signal", SIGNALS)
async def test_an_odd_signal_changes_nothing(stack: Stack, signal: str) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, session = await used(stack, queue)
        before = await pool.leases()
        internal = signal.startswith("lease_")
        for args in ({**ODD, **NEARLY} if internal else ODD).values():
            await pool.handle.signal(signal, args=args)
        assert await pool.leases() == before
        await unharmed(pool.handle)
        await session.give_up("a")
        await pool.held_by("b")


async def test_odd_requests_get_no_lease(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, session = await used(stack, queue)
        before = await pool.leases()
        for message in ODD_REQUESTS.values():
            await pool.handle.signal("lease_request", message)
        assert await pool.leases() == before
        await unharmed(pool.handle)
        await session.told(("a", "granted"))


@pytest.mark.parametrize("amount", [0, -1, 1e300, float("nan"), "x", None])
async def test_odd_amounts_are_refused(stack: Stack, amount: Any) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, _ = await used(stack, queue)
        for name, message in (
            ("acquire", {"holder": "x", "amount": amount}),
            ("configure", {"config": {"capacity": amount}}),
        ):
            assert await refusal(pool.handle, name, [{"command_id": name, **message}]) == "INVALID_ARGUMENT"
        await unharmed(pool.handle)


async def test_an_odd_query_is_answered_all_the_same(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, _ = await used(stack, queue)
        for query in QUERIES:
            for name, args in {**ODD, **NEARLY}.items():
                answer = await pool.handle.query(query, args=args, rpc_timeout=SOON)
                assert (answer is None) == (query in ("answer", "lease")), (query, name)
        await unharmed(pool.handle)


async def test_names_that_nobody_knows(stack: Stack) -> None:
    async with stack.worker(), users(stack) as queue:
        pool, _ = await used(stack, queue)
        await pool.handle.signal("nosuch", {"command_id": "x"})
        with pytest.raises(WorkflowUpdateFailedError):
            await pool.handle.execute_update("nosuch", {"command_id": "x"}, rpc_timeout=SOON)
        with pytest.raises(WorkflowQueryFailedError):
            await pool.handle.query("nosuch", rpc_timeout=SOON)
        await unharmed(pool.handle)


async def test_an_odd_start_input_fails_the_workflow_with_a_code(stack: Stack) -> None:
    odd = {**ODD, **NEARLY}
    async with stack.worker():
        refusals = {
            name: await refused_start(stack, "ResourcePoolWorkflow", f"pool/{new_id('odd')}", args)
            for name, args in odd.items()
        }
    assert refusals == dict.fromkeys(odd, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "wrong",
    [
        {"pool": "another"},
        {"config": {}},
        {"config": {"capacity": 0}},
        {"config": {"capacity": 1, "lease": "0s"}},
        {"config": {"capacity": 1, "nosuch": 1}},
        {"title": "x" * 501},
        {"version": STATE_VERSION + 1},
        {"state": {"pool": 7}},
    ],
)
async def test_a_start_input_of_no_pool_fails_the_workflow_with_a_code(stack: Stack, wrong: dict[str, Any]) -> None:
    pool = new_id("odd")
    start = {"pool": pool, "config": {"capacity": 1}, **wrong}
    async with stack.worker():
        assert await refused_start(stack, "ResourcePoolWorkflow", f"pool/{pool}", [start]) == "INVALID_ARGUMENT"
