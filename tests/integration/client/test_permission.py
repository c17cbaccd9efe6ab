"""Who may do what, asked by sessions and by their threads."""

from __future__ import annotations

import pytest
from temporalio.worker import Worker

from tests.integration.client.flows import receiving
from threadloom import Attempt, Threadloom, ThreadloomError, authoriser


@authoriser("ann_and_the_night", version="1")
def ann_and_the_night(attempt: Attempt) -> bool:
    return attempt.actor == "ann" or attempt.command in ("session.pause", "thread.pause")


CONFIG = {"authoriser": "ann_and_the_night@1"}


async def test_what_is_not_permitted_is_forbidden_and_changes_nothing(worker: Worker, loom: Threadloom) -> None:
    session = loom.session((await loom.start_session(config=CONFIG)).session_id)
    await session.create_thread(receiving(), thread_id="t")
    thread = session.thread("t")
    for attempt in (
        session.create_thread(receiving(), actor="bob"),
        session.create_threads([{"flow": receiving()}], actor="bob"),
        session.configure({"max_threads": 1}, actor="bob"),
        session.resume(actor="bob"),
        session.terminate(actor="bob"),
        session.manage_thread("t", "cancel", actor="bob"),
        thread.resume(actor="bob"),
        thread.cancel(actor="bob"),
        thread.send("x", name="word", actor="bob"),
    ):
        with pytest.raises(ThreadloomError, match="FORBIDDEN: bob may not"):
            await attempt
    assert (await session.describe()).status == "active"
    assert (await thread.describe()).status == "running"


async def test_what_is_permitted_reaches_the_threads_through_the_session(worker: Worker, loom: Threadloom) -> None:
    session = loom.session((await loom.start_session(config=CONFIG)).session_id)
    await session.create_thread(receiving(), thread_id="t")
    assert (await session.pause(actor="bob", wait=True, timeout=30)).status == "paused"
    await session.resume()
    await session.manage_thread("t", "pause", actor="bob")
    await session.thread("t").wait_until("paused", timeout=30)
    assert (await session.terminate(wait=True, timeout=60)).status == "terminated"
    assert (await session.thread("t").describe()).status == "cancelled"
