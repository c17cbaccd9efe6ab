"""What goes on while the whole database is away, records and payloads, and what arrives when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client

from domain.errors import Code, ThreadloomError
from storage import Database
from storage.payload_driver import SqlPayloadDriver
from tests.integration.engine.flows import asking, call, counting, end, flow, step
from tests.integration.hostile.odd import failed_tasks
from tests.integration.hostile.test_extremes import receiving
from tests.integration.stack import PATIENCE, Handle, Stack, running_stack
from threadloom.composition import make_worker
from threadloom.plugin import ThreadloomPlugin


@dataclass
class Outage:
    """Whether the database is away, and how often it was asked meanwhile."""

    away: bool = False
    refused: int = 0


class Away:
    """A store that is away as long as its database is."""

    def __init__(self, store: Any, outage: Outage) -> None:
        self._store = store
        self._outage = outage

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        async def reach(*args: Any, **options: Any) -> Any:
            if self._outage.away:
                self._outage.refused += 1
                raise ThreadloomError(Code.DATABASE_UNREACHABLE, "the database is away")
            return await method(*args, **options)

        return reach


@asynccontextmanager
async def served(stack: Stack, *activities: Callable[..., Any]) -> AsyncIterator[Outage]:
    """A worker whose database can be taken away, for the block."""
    outage = Outage()
    database = Database(stack.settings.database_url)
    stores: dict[str, Any] = {
        "records": Away(database.records, outage),
        "payload_driver": SqlPayloadDriver(Away(database.payloads, outage)),
    }
    config = stack.bare.config()
    config["plugins"] = [ThreadloomPlugin(replace(stack.backend, **stores))]
    try:
        async with make_worker(Client(**config), stack.settings, activities=activities):
            yield outage
    finally:
        await database.close()


@pytest.fixture
async def stack(temporal_server: Any, tmp_path: Path) -> AsyncIterator[Stack]:
    async with running_stack(temporal_server.address, tmp_path) as running:
        yield running


async def never_failed(stack: Stack, *handles: Handle) -> None:
    """Fail if a workflow task of any run failed."""
    for handle in handles:
        run_id: str | None = None
        while run_id != "":
            run = stack.bare.get_workflow_handle(handle.id, run_id=run_id)
            assert not await failed_tasks(run), run.id
            history = await run.fetch_history()
            run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


async def test_a_busy_thread_goes_on_for_runs_and_all_it_did_arrives_in_order(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.outbox.BACKLOG_RECORDS", 500)
    async with served(stack, step) as outage:
        session = await stack.start_session(config={"continue_as_new_after": 200})
        busy, asks, gets = (session.thread(name) for name in ("busy", "asks", "gets"))
        await session.create("busy", counting(400))
        await session.thread_shows("busy", lambda seen: seen["variables"]["n"] >= 40)
        outage.away = True

        # Everything that the operations page promises, from here on without a database.
        await session.create("asks", asking())
        await session.create("gets", receiving(1))
        await session.thread_waits("asks", "approval")
        await session.thread_waits("gets", "message")
        await session.handle.signal("pause")
        await session.status("paused")
        assert (await session.thread_status("busy", "paused"))["holds"][0]["kind"] == "session"
        await session.handle.signal("resume")
        await session.thread_status("busy", "running")
        await asks.execute_update("decide", {"node": "ask", "choice": "yes"})
        await gets.execute_update("send", {"body": "hello"})
        await session.thread_status("asks", "completed")
        await session.thread_status("gets", "completed")

        # It works until too much waits, and then it holds itself.
        held = await session.thread_status("busy", "paused")
        assert [hold["kind"] for hold in held["holds"]] == ["records_backlog"]
        outbox = await busy.query("outbox")
        assert outbox["pending"] >= 500
        assert outbox["failing"]
        worked = held["variables"]["n"]
        assert worked > 100
        assert outage.refused
        await busy.signal("pause", {"command_id": "by-hand"})
        await session.thread_shows("busy", lambda seen: len(seen["holds"]) == 2)
        await busy.signal("resume", {"command_id": "by-hand-too"})
        assert await stack.backend.records.thread(session.session_id, "asks") is None

        outage.away = False
        result = await asyncio.wait_for(busy.result(), PATIENCE)
        assert result["result"]["n"] == 400
        for thread in (asks, gets):
            await asyncio.wait_for(thread.result(), PATIENCE)
        journal = await stack.backend.records.journal(session.session_id, "busy")
        assert journal is not None
        assert [entry["visit"] for entry in journal.entries if entry["node"] == "work"] == list(range(1, 401))
        assert [entry["seq"] for entry in journal.entries] == list(range(1, len(journal.entries) + 1))
        await never_failed(stack, session.handle, busy, asks, gets)


@activity.defn(name="text")
async def text(size: int) -> str:
    """So many characters."""
    return "x" * size


def carrying(size: int) -> dict[str, Any]:
    """A step whose value is that large, and one that takes it over."""
    return flow(
        "carrying",
        {
            "make": call("text", size, next="take", save="value", retry={"maximum_interval": "1s"}),
            "take": {"kind": "set", "set": {"size": "{{ value | length }}"}, "next": "done"},
            "done": end(size="{{ size }}"),
        },
    )


async def test_values_that_a_message_can_carry_do_not_wait_and_larger_ones_do(stack: Stack) -> None:
    async with served(stack, text) as outage:
        session = await stack.start_session()
        outage.away = True
        await session.create("small", carrying(60_000))
        await session.create("large", carrying(400_000))
        shown = await session.thread_status("small", "completed")
        assert shown["result"] == {"size": 60_000}
        waits = (await session.thread("large").query("describe"))["in_flight"]
        assert [activity["node"] for activity in waits] == ["make"]
        await session.thread("large").signal("pause")
        await session.thread_status("large", "pausing")
        await session.thread("large").signal("resume")
        outage.away = False
        assert (await asyncio.wait_for(session.thread("large").result(), PATIENCE))["result"] == {"size": 400_000}
        assert (await asyncio.wait_for(session.thread("small").result(), PATIENCE))["result"] == {"size": 60_000}
        await never_failed(stack, session.handle, session.thread("small"), session.thread("large"))
