"""A thread's pauses and waits, over days that pass in a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.engine.flows import asking, call, calls, end, falter, flow
from tests.integration.stack import eventually
from tests.workflow.clockwork import Clockwork


def waiting(length: str = "3d", **limits: Any) -> dict[str, Any]:
    nodes = {"rest": {"kind": "wait", "for": length, "next": "done"}, "done": end(at="{{ now }}")}
    return flow("waiting", nodes, limits=limits) if limits else flow("waiting", nodes)


async def test_a_pause_until_an_instant_ends_by_itself(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        until = await clock.now() + timedelta(days=1)
        await session.thread("t").signal("pause", {"until": until.isoformat()})
        await session.thread_status("t", "paused")
        await clock.skip(hours=23)
        assert (await session.thread("t").query("describe"))["status"] == "paused"
        await clock.skip(hours=2)
        await session.thread_status("t", "running")


async def test_a_wait_that_ends_while_held_takes_effect_on_resume(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", waiting("1d"))
        await session.thread_waits("t", "timer")
        await session.thread("t").signal("pause")
        await session.thread_status("t", "paused")
        await clock.skip(days=3)
        held = await session.thread("t").query("describe")
        assert (held["status"], held["current_node"]) == ("paused", "rest")
        resumed = await clock.now()
        await session.thread("t").signal("resume")
        assert (await session.thread("t").result())["status"] == "completed"
        assert await clock.now() - resumed < timedelta(hours=12)


async def attempts_made() -> int:
    return calls["again"]


@pytest.mark.parametrize("nodes", [1, 50])
async def test_a_local_node_waits_between_its_attempts(clock: Clockwork, nodes: int) -> None:
    calls.clear()
    retry = {"initial_interval": "1h", "backoff_coefficient": 3, "maximum_attempts": 3}
    again = call("falter", "again", 2, mode="local", retry=retry, next="done")
    async with clock.stack.worker(falter):
        session = await clock.session()
        await session.create("t", flow("again", {"again": again, "done": end()}, checkpoint={"nodes": nodes}))
        for hours, attempts in ((0.9, 1), (0.2, 2), (2.7, 2), (0.4, 3)):
            await clock.skip(hours=hours)
            await eventually(attempts_made, attempts.__eq__)
        assert (await session.thread("t").result())["status"] == "completed"


async def test_a_local_node_is_not_tried_again_behind_its_timeout(clock: Clockwork) -> None:
    calls.clear()
    again = call("falter", "again", 2, mode="local", retry={"initial_interval": "1h"}, next="done")
    again |= {"timeout": "10m", "on_timeout": "late"}
    async with clock.stack.worker(falter):
        session = await clock.session()
        await session.create("t", flow("again", {"again": again, "done": end(), "late": end(late=True)}))
        assert (await session.thread("t").result())["result"] == {"late": True}
        assert await attempts_made() == 1
