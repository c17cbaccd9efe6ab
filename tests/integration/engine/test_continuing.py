"""A thread goes on in a new run, whatever it is in the middle of: nothing is lost, and nothing runs twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.integration.engine.flows import call, calls, end, flow, gated, gates, step
from tests.integration.engine.theirs import their_worker
from tests.integration.hostile.odd import deliver, ended, failed_tasks
from tests.integration.stack import Handle, Session, Stack, eventually
from workflows.thread import entity

EVENTS = 60
"""Events of a history after which the next run begins."""


async def start(stack: Stack) -> Session:
    calls.clear()
    return await stack.start_session(config={"continue_as_new_after": EVENTS})


async def run_of(thread: Handle) -> str | None:
    return (await thread.describe()).run_id


async def runs_of(stack: Stack, thread: Handle) -> int:
    """How many runs the workflow has had; visibility may lag behind, never ahead."""
    return (await stack.bare.count_workflows(f"WorkflowId = '{thread.id}'")).count


async def pushed_on(thread: Handle, since: str | None = None) -> int:
    """Messages that nobody waits for, until the thread is in a later run; how many there were."""
    first = since or await run_of(thread)
    sent = 0
    while await run_of(thread) == first:
        await deliver(thread, sent)
        sent += 1
        assert sent < EVENTS, "no new run began"
    return sent


def receiving(next: str) -> dict[str, Any]:
    """Takes all that was sent before, and then `go`."""
    return {
        "hear": {"kind": "receive", "timeout": "1d", "save": "heard", "next": "add"},
        "add": {"kind": "set", "append": {"mail": ["{{ heard.body }}"]}, "next": "more"},
        "more": {"kind": "decision", "next": [{"when": "heard.body == 'go'", "to": next}, {"to": "hear"}]},
    }


ROUNDS = flow(
    "rounds",
    {
        "work": call("step", "work {{ n }}", mode="local", next="count", max_visits=10_000),
        "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "more", "max_visits": 10_000},
        "more": {
            "kind": "decision",
            "next": [{"when": "n < input", "to": "work"}, {"to": "done"}],
            "max_visits": 10_000,
        },
        "done": end(n="{{ n }}"),
    },
    variables={"n": 0},
)


async def test_while_records_are_being_written(stack: Stack) -> None:
    """The server refuses a task that ends a run when something arrives meanwhile, and all of it is replayed."""
    async with stack.worker(step):
        session = await start(stack)
        await session.create("t", ROUNDS, input=1200)
        thread = session.thread("t")
        assert (await thread.result())["result"] == {"n": 1200}
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 3)
        async for run in stack.bare.list_workflows(f"WorkflowId = '{thread.id}'"):
            assert await failed_tasks(stack.bare.get_workflow_handle(run.id, run_id=run.run_id)) == {}


async def test_after_many_steps_in_few_events(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes a thread over replays its run within one task, which has to be answered in time."""
    monkeypatch.setattr(entity, "RUN_ENTRIES", 200)
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", ROUNDS, input=300)
        thread = session.thread("t")
        assert (await thread.result())["result"] == {"n": 300}
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 4)


async def test_in_a_map_with_many_items(stack: Stack) -> None:
    node = {
        "kind": "map",
        "over": "{{ range(60) | list }}",
        "activity": "step",
        "args": ["item {{ item }}"],
        "effect": "none",
        "concurrency": 7,
        "save": "found",
        "next": "done",
    }
    async with stack.worker(step):
        session = await start(stack)
        await session.create("t", flow("mapping", {"each": node, "done": end(found="{{ found }}")}))
        thread = session.thread("t")
        told = await ended(thread)
        assert told["result"] == {"found": [f"item {number}" for number in range(60)]}
        assert calls == Counter({f"item {number}": 1 for number in range(60)})
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 3)


async def test_with_spawned_threads_a_pending_join_and_mail(stack: Stack) -> None:
    part = flow("part", {"wait": {"kind": "receive", "timeout": "1d", "next": "done"}, "done": end(n="{{ input.n }}")})
    document = flow(
        "parent",
        {
            "parts": {
                "kind": "spawn",
                "flow": "part",
                "each": "{{ range(3) | list }}",
                "id": "part-{{ item }}",
                "input": {"n": "{{ item }}"},
                "next": "gather",
            },
            "gather": {"kind": "join", "of": "parts", "save": "ended", "next": "hear"},
            **receiving("done"),
            "done": end(parts="{{ ended | map(attribute='result.n') | list }}", mail="{{ mail }}"),
        },
        variables={"mail": []},
    )
    async with stack.worker():
        session = await start(stack)
        await session.create("t", document, flows={"part": part})
        thread = session.thread("t")
        await session.thread_waits("t", "join")
        first = await run_of(thread)
        await deliver(session.thread("part-1"), "go")
        sent = await pushed_on(thread, first)
        await deliver(session.thread("part-0"), "go")
        await deliver(session.thread("part-2"), "go")
        await deliver(thread, "go")
        told = await ended(thread)
        assert told["result"] == {"parts": [0, 1, 2], "mail": [*range(sent), "go"]}
        assert (await session.describe())["threads"]["completed"] == 4


async def test_held_and_waiting_for_a_person(stack: Stack) -> None:
    document = flow(
        "asking",
        {
            "work": call("step", "{{ node.key }}", next="ask"),
            "ask": {"kind": "approval", "prompt": "?", "choices": ["yes"], "timeout": "1d", "next": "done"},
            "done": end(said="{{ nodes.ask.result.choice }}"),
        },
    )
    async with stack.worker(step):
        session = await start(stack)
        await session.create("t", document)
        thread = session.thread("t")
        await session.thread_waits("t", "approval")
        await thread.signal("pause", {"actor": "op"})
        await session.thread_status("t", "paused")
        await thread.execute_update("decide", {"node": "ask", "choice": "yes"})
        await pushed_on(thread)
        assert (await thread.query("describe"))["status"] == "paused"
        await thread.signal("resume", {"actor": "op"})
        assert (await ended(thread))["result"] == {"said": "yes"}
        assert calls == Counter({"t/work/1": 1})


async def test_in_a_subflow_of_a_subflow(stack: Stack) -> None:
    inner = flow(
        "inner",
        {
            "work": call("step", "{{ node.key }}", next="count"),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
            "again": {"kind": "decision", "next": [{"when": "n < 15", "to": "work"}, {"to": "done"}]},
            "done": end(n="{{ n + input.base }}"),
        },
        variables={"n": 0},
    )

    def within(name: str) -> dict[str, Any]:
        node = {"kind": "subflow", "flow": name, "input": {"base": 100}, "save": "told", "next": "done"}
        return {"part": node, "done": end(n="{{ told.n }}", kept="{{ kept }}")}

    async with stack.worker(step):
        session = await start(stack)
        await session.create(
            "t",
            flow("outer", within("middle"), variables={"kept": "outer"}),
            flows={"middle": flow("middle", within("inner"), variables={"kept": "middle"}), "inner": inner},
        )
        thread = session.thread("t")
        assert (await ended(thread))["result"] == {"n": 115, "kept": "outer"}
        assert calls == Counter({f"t/part/part/work/{visit}": 1 for visit in range(1, 16)})
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 2)


async def test_with_compensations_pending_and_under_way(stack: Stack) -> None:
    undo = {"activity": "step", "args": ["undo {{ n }}"]}
    document = flow(
        "saga",
        {
            "work": call("step", "do {{ n }}", next="count", compensate=undo),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
            "again": {"kind": "decision", "next": [{"when": "n < 20", "to": "work"}, {"to": "broken"}]},
            "broken": {"kind": "fail", "code": "BROKEN", "message": "it broke"},
        },
        variables={"n": 0},
    )
    async with stack.worker(step):
        session = await start(stack)
        await session.create("t", document)
        thread = session.thread("t")
        told = await ended(thread)
        assert (told["status"], told["error"]["code"]) == ("failed", "BROKEN")
        undone = [key for key in calls if key.startswith("undo")]
        assert undone == [f"undo {number}" for number in reversed(range(20))]
        assert set(calls.values()) == {1}
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 4)


async def test_in_a_row_of_local_nodes(stack: Stack) -> None:
    document = flow(
        "row",
        {
            "work": call("step", "{{ node.key }}", mode="local", save="last", next="count"),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
            "again": {"kind": "decision", "next": [{"when": "n < 200", "to": "work"}, {"to": "done"}]},
            "done": end(n="{{ n }}", last="{{ last }}"),
        },
        variables={"n": 0},
        checkpoint={"nodes": 3},
    )
    async with stack.worker(step):
        session = await start(stack)
        await session.create("t", document)
        thread = session.thread("t")
        assert (await ended(thread))["result"] == {"n": 200, "last": "t/work/200"}
        assert calls == Counter({f"t/work/{visit}": 1 for visit in range(1, 201)})
        await eventually(lambda: runs_of(stack, thread), lambda seen: seen >= 2)


async def test_the_workflow_of_another_team_is_waited_for(stack: Stack) -> None:
    """The next run would not hear of its end, so there is none before that."""
    async with stack.worker(), their_worker(stack) as queue:
        session = await start(stack)
        node = {"kind": "workflow", "workflow": "Theirs", "args": ["wait", 7], "task_queue": queue}
        document = flow(
            "calling",
            {
                "call": {**node, "save": "told", "next": "hear"},
                **receiving("done"),
                "done": end(told="{{ told.said }}", mail="{{ mail | length }}"),
            },
            variables={"mail": []},
        )
        await session.create("t", document)
        thread = session.thread("t")
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        first = await run_of(thread)
        for number in range(EVENTS):
            await deliver(thread, number)
        assert await run_of(thread) == first
        assert (await thread.describe()).history_length > 2 * EVENTS
        theirs = stack.bare.get_workflow_handle(f"session/{session.session_id}/call/t/call/1")
        await theirs.signal("go_on")
        await eventually(lambda: run_of(thread), lambda seen: seen != first)
        await deliver(thread, "go")
        assert (await ended(thread))["result"] == {"told": 7, "mail": EVENTS + 1}


async def test_with_an_activity_in_flight_that_outlasts_the_limit(stack: Stack) -> None:
    gates["slow"] = asyncio.Event()
    document = flow(
        "slow",
        {"hold": call("gated", "slow", next="hear"), **receiving("done"), "done": end(mail="{{ mail | length }}")},
        variables={"mail": []},
    )
    async with stack.worker(gated):
        session = await start(stack)
        await session.create("t", document)
        thread = session.thread("t")
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        first = await run_of(thread)
        for number in range(EVENTS // 2):
            await deliver(thread, number)
        assert await run_of(thread) == first
        gates["slow"].set()
        await eventually(lambda: run_of(thread), lambda seen: seen != first)
        await deliver(thread, "go")
        assert (await ended(thread))["result"] == {"mail": EVENTS // 2 + 1}
        assert calls == Counter({"slow": 1})
