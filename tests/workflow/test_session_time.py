"""A session's expiry, its looking after its threads, and the writing of records, on a clock of their own."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.engine.flows import asking
from tests.integration.stack import eventually
from tests.workflow.clockwork import Clockwork


async def test_a_session_pauses_until_an_instant(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        until = await clock.now() + timedelta(days=1)
        await session.handle.signal("pause", {"until": until.isoformat()})
        await session.status("paused")
        await clock.skip(days=1, minutes=1)
        await session.status("active")


async def test_an_idle_session_is_paused(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session(config={"idle_timeout": "30m"})
        await session.status("active")
        await clock.skip(minutes=25)
        assert (await session.describe())["status"] == "active"
        await clock.skip(minutes=10)
        assert (await session.status("paused"))["holds"][0]["reason"] == "expired"


async def test_a_session_whose_thread_waits_for_a_person_is_not_idle(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session(config={"idle_timeout": "30m"})
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        await clock.skip(hours=3)
        assert (await session.describe())["status"] == "active"


async def test_a_session_that_is_too_old_is_paused_with_its_threads_and_can_be_resumed(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session(config={"max_duration": "1h"})
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        await clock.skip(minutes=61)
        await session.status("paused")
        await session.thread_status("t", "paused")
        await session.handle.signal("resume")
        await session.status("active")
        await clock.skip(hours=5)
        assert (await session.describe())["status"] == "active"


async def test_a_session_that_is_too_old_is_terminated_where_that_is_asked_for(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session(config={"max_duration": "1h", "on_expiry": "terminate"})
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        await clock.skip(minutes=61)
        assert (await session.handle.result())["status"] == "terminated"
        assert (await session.thread("t").result())["status"] == "cancelled"


async def test_records_that_nobody_looks_for_are_written_soon_all_the_same(clock: Clockwork) -> None:
    async with clock.stack.worker():
        session = await clock.session()
        await session.create("t", asking())
        thread = session.thread("t")
        await session.thread_waits("t", "approval")
        await clock.skip(seconds=30)
        await eventually(lambda: thread.query("outbox"), lambda seen: seen["pending"] == 0)
    assert await clock.stack.backend.records.history(session.session_id, thread_id="t")
