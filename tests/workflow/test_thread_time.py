"""A thread's waits, deadlines and limits, over days that pass in a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.integration.engine.flows import asking, end, flow
from tests.workflow.clockwork import Clockwork


def waiting(length: str = "3d", **limits: Any) -> dict[str, Any]:
    nodes = {"rest": {"kind": "wait", "for": length, "next": "done"}, "done": end(at="{{ now }}")}
    return flow("waiting", nodes, limits=limits) if limits else flow("waiting", nodes)


def with_timeout(node: dict[str, Any]) -> dict[str, Any]:
    nodes = {"node": {**node, "timeout": "2d", "next": "done", "on_timeout": "late"}}
    return flow("late", {**nodes, "done": end(way="in time"), "late": end(way="too late")})


async def test_a_wait_of_days_ends_when_they_are_over(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        begun = await clock.now()
        await session.create("t", waiting())
        await session.thread_waits("t", "timer")
        await clock.skip(days=2, hours=23)
        assert (await session.thread("t").query("describe"))["status"] == "running"
        await clock.skip(hours=2)
        await session.thread_status("t", "completed")
        assert timedelta(days=3) <= await clock.now() - begun < timedelta(days=4)


async def test_a_message_that_does_not_come_times_out(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", with_timeout({"kind": "receive"}))
        await session.thread_waits("t", "message")
        await clock.skip(days=1)
        assert (await session.thread("t").query("describe"))["status"] == "running"
        await clock.skip(days=1, minutes=1)
        assert (await session.thread_status("t", "completed"))["result"] == {"way": "too late"}


async def test_an_approval_that_is_not_given_by_its_deadline(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        approval = {"kind": "approval", "prompt": "go on?", "choices": ["yes"]}
        await session.create("t", with_timeout(approval))
        await session.thread_waits("t", "approval")
        await clock.skip(days=2, minutes=1)
        assert (await session.thread_status("t", "completed"))["result"] == {"way": "too late"}


async def test_a_timeout_without_its_own_way_fails_the_thread(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        node = {"kind": "receive", "timeout": "2d", "next": "done"}
        await session.create("t", flow("fails", {"node": node, "done": end()}))
        await session.thread_waits("t", "message")
        await clock.skip(days=2, minutes=1)
        assert (await session.thread_status("t", "failed"))["error"]["code"] == "NODE_TIMEOUT"


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
        await session.thread_status("t", "completed")
        assert await clock.now() - resumed < timedelta(hours=12)


async def test_a_thread_that_runs_longer_than_it_may_fails(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", waiting("9d", max_duration="2d"))
        await session.thread_waits("t", "timer")
        await clock.skip(days=2, minutes=1)
        assert (await session.thread_status("t", "failed"))["error"]["code"] == "LIMIT_REACHED"


async def test_a_thread_that_runs_longer_than_it_may_is_held_where_that_is_asked_for(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", waiting("9d", max_duration="2d", on_limit="pause"))
        await session.thread_waits("t", "timer")
        await clock.skip(days=2, minutes=1)
        held = await session.thread_status("t", "paused")
        assert [hold["kind"] for hold in held["holds"]] == ["limit"]
        await session.thread("t").signal("resume")
        await session.thread_status("t", "running")
        await clock.skip(days=8)
        await session.thread_status("t", "completed")
