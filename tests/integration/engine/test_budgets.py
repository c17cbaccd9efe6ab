"""What one workflow task carries: never so much that Temporal refuses it, which would end the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.worker import Worker

from tests.integration.engine.flows import call, end, flow
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Stack, running_stack
from tests.servers import TemporalServer

KIB = 1024


@activity.defn(name="length")
async def length(value: str) -> int:
    return len(value)


@activity.defn(name="fill")
async def fill(length: int) -> str:
    return "x" * length


async def test_forty_items_of_a_map_with_large_arguments_for_workers_that_share_no_store(stack: Stack) -> None:
    """Five megabytes in all, that Temporal itself has to carry."""
    queue = f"{stack.settings.task_queue}-foreign"
    node = {
        "kind": "map",
        "over": "{{ range(40) | list }}",
        "activity": "length",
        "args": ["{{ input + item | string }}"],
        "effect": "none",
        "task_queue": queue,
        "concurrency": 40,
        "save": "lengths",
        "next": "done",
    }
    document = flow("large", {"each": node, "done": end(all="{{ lengths | sum }}")})
    async with stack.worker(), Worker(stack.bare, task_queue=queue, activities=[length]):
        session = await stack.start_session()
        creation = {"thread_id": "t", "flow": document, "input": "x" * 120 * KIB}
        await stack.client.get_workflow_handle(session.handle.id).execute_update("create_thread", creation)
        told = await ended(session.thread("t"))
        assert told["result"] == {"all": 40 * 120 * KIB + 10 + 30 * 2}
        await unharmed(session.handle, session.thread("t"))


@pytest.mark.parametrize("stored", [True, False], ids=["in the payload store", "in the history"])
@pytest.mark.parametrize("nodes", [50, 1], ids=["fused", "each by itself"])
async def test_sixty_local_nodes_in_a_row_with_large_results(
    temporal_server: TemporalServer, tmp_path: Path, nodes: int, stored: bool
) -> None:
    """Six megabytes in all; a store that takes only megabytes leaves them all to the history."""
    names = [f"n{number}" for number in range(60)]
    chain: dict[str, Any] = {
        name: call("fill", 100 * KIB, mode="local", save="value", next=following)
        for name, following in zip(names, [*names[1:], "done"], strict=True)
    }
    document = flow("row", {**chain, "done": end(n="{{ value | length }}")}, checkpoint={"nodes": nodes})
    changes: dict[str, Any] = {} if stored else {"payload_threshold": KIB * KIB}
    async with running_stack(temporal_server.address, tmp_path, **changes) as stack, stack.worker(fill):
        session = await stack.start_session()
        await session.create("t", document)
        told = await ended(session.thread("t"))
        assert told["result"] == {"n": 100 * KIB}
        await unharmed(session.handle, session.thread("t"))


async def test_many_local_nodes_whose_results_are_just_small_enough_for_the_history(stack: Stack) -> None:
    names = [f"n{number}" for number in range(200)]
    chain: dict[str, Any] = {
        name: call("fill", 30 * KIB, mode="local", next=following)
        for name, following in zip(names, [*names[1:], "done"], strict=True)
    }
    async with stack.worker(fill):
        session = await stack.start_session()
        await session.create("t", flow("row", {**chain, "done": end()}, checkpoint={"nodes": 1000, "time": "1h"}))
        assert (await ended(session.thread("t")))["status"] == "completed"
        await unharmed(session.handle, session.thread("t"))


async def test_a_loop_of_two_thousand_visits_without_an_activity(stack: Stack) -> None:
    document = flow(
        "loop",
        {
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "max_visits": 5_000, "next": "more"},
            "more": {
                "kind": "decision",
                "max_visits": 5_000,
                "next": [{"when": "n < 2000", "to": "count"}, {"to": "done"}],
            },
            "done": end(n="{{ n }}"),
        },
        variables={"n": 0},
    )
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", document)
        assert (await ended(session.thread("t")))["result"] == {"n": 2_000}
        await unharmed(session.handle, session.thread("t"))
