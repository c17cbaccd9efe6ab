"""Well-formed messages with values at the edge of what can be said."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from tests.integration.engine.flows import asking, end, flow
from tests.integration.hostile.odd import deliver, nested, unharmed
from tests.integration.stack import Stack, eventually

INSTANTS = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "2100-02-28",
    0,
    1e12,
    -1,
]


def receiving(count: int) -> dict[str, Any]:
    """Takes so many messages, and keeps the last one's body."""
    return flow(
        "receiving",
        {
            "get": {"kind": "receive", "save": {"last": "{{ message.body }}", "n": "{{ n + 1 }}"}, "next": "more"},
            "more": {"kind": "decision", "next": [{"when": f"n < {count}", "to": "get"}, {"to": "done"}]},
            "done": end(n="{{ n }}"),
        },
        variables={"n": 0},
    )


@pytest.mark.parametrize("until", INSTANTS)
async def test_a_pause_until_an_instant_at_the_edge_of_the_calendar(stack: Stack, until: object) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        for handle in (session.thread("t"), session.handle):
            await handle.signal("pause", {"until": until, "command_id": "p"})
            await handle.signal("resume", {"command_id": "r"})
        await session.thread_status("t", "running")
        await session.status("active")
        await unharmed(session.handle, session.thread("t"))


@pytest.mark.parametrize("grace", ["0s", "36500d", "99999999d", "1ms", "-1s", "P100Y", "1e9s"])
async def test_a_grace_at_its_edge(stack: Stack, grace: str) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        await session.handle.signal("terminate", {"grace": grace})
        assert (await session.describe())["status"] in ("active", "terminating", "terminated")
        await unharmed(session.handle)
        await session.handle.signal("terminate", {"grace": "30s"})
        assert (await session.handle.result())["status"] == "terminated"


@pytest.mark.parametrize(
    "config",
    [
        {"max_threads": 10**30},
        {"max_duration": "36500d"},
        {"idle_timeout": "36500d"},
        {"reconcile_every": "36500d"},
        {"continue_as_new_after": 20_000},
        {"shared_task_queues": ["q" * 10_000]},
    ],
    ids=str,
)
async def test_a_configuration_at_its_edge(stack: Stack, config: dict[str, Any]) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.update("configure", config=config)
        await session.create("t", asking())
        await session.thread_waits("t", "approval")
        await unharmed(session.handle, session.thread("t"))


@pytest.mark.parametrize(
    "body",
    [
        nested(60),
        "\u0000",
        "\uffff\U0010ffff",
        10**300,
        1e308,
        5e-324,
        {"": {"": ""}},
        {"__class__": "{{ 7 * 7 }}", "{{ x }}": "{% raw %}"},
        ["x" * 100_000] * 5,
        "x" * 1_900_000,
        list(range(100_000)),
    ],
    ids=lambda body: repr(body)[:30],
)
async def test_a_message_of_any_content_is_received_and_outlives_a_run(stack: Stack, body: object) -> None:
    small = len(repr(body)) < 1_000
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50})
        await session.create("t", receiving(20))
        thread = session.thread("t")
        await session.thread_waits("t", "message")
        await deliver(thread, body)
        first_run = (await thread.describe()).run_id
        for _ in range(18):
            await deliver(thread, body if small else "small")
        await eventually(thread.describe, lambda seen: seen.run_id != first_run)
        if small:
            assert (await thread.query("variables"))["last"] == body
        await unharmed(session.handle, thread)
        await deliver(thread, body)
        assert (await thread.result())["result"] == {"n": 20}
    journal = await stack.backend.records.journal(session.session_id, "t")
    assert journal is not None
    assert body in [entry["result"]["body"] for entry in journal.entries if entry["node"] == "get"]


@pytest.mark.parametrize("depth", [101, 190])
async def test_a_message_that_nests_too_deep_is_refused_or_harmless(stack: Stack, depth: int) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50})
        await session.create("t", receiving(40))
        thread = session.thread("t")
        await session.thread_waits("t", "message")
        first_run = (await thread.describe()).run_id
        for number in range(25):
            try:
                await deliver(thread, nested(depth))
            except WorkflowUpdateFailedError:
                await deliver(thread, number)
        await eventually(thread.describe, lambda seen: seen.run_id != first_run)
        await unharmed(thread)
        await session.thread_status("t", "running")
