"""The scenario of resource pools."""

from __future__ import annotations

from tests.integration.engine.pool_users import start_pool, users
from tests.integration.stack import Stack, eventually


async def pools(stack: Stack) -> list[str]:
    """Leases that are granted, refused, renewed, expired, lost and taken away; a line; a new run; an end by force."""
    async with users(stack) as queue:
        pool = await start_pool(stack, queue, 2, lease="1s", continue_as_new_after=50)
        session = await pool.start_session()
        gone = await session.start_thread("gone")
        for lease_id in ("gone", "a", "b", "c", "a"):
            await session.request(lease_id)
        await session.request("none", wait=False)
        await session.answered(4)
        await pool.handle.signal("lease_priority", {"lease_id": "c", "priority": "high"})
        await gone.terminate()
        await pool.held_by("a", "c")
        await pool.update("acquire", command_id="x", lease_id="x", holder="bob", wait=True, ttl="400ms")
        await pool.update("configure", command_id="more", config={"capacity": 4, "lease": "1d"})
        await pool.held_by("a", "b", "c", "x")
        await pool.update("renew", command_id="renew", lease_id="x", ttl="200ms")
        await pool.held_by("a", "b", "c")
        await pool.update("release", command_id="take", lease_id="b")
        run = (await pool.handle.describe()).run_id
        if run == pool.handle.first_execution_run_id:

            async def pushed() -> str | None:
                await session.give_up("nothing")
                return (await pool.handle.describe()).run_id

            await eventually(pushed, lambda now: now != run)
        await session.give_up("a")
        await pool.handle.signal("close", {"command_id": "close", "force": True})
        await pool.handle.result()
    return [pool.handle.id]
