"""What a flow may not exceed, and what becomes of a thread that does, on a real server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.engine.flows import call, calls, end, flow, outcome, step
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Stack

UNDO = {"activity": "step", "args": ["undo {{ node.visit }}"]}


def looping(turns: int, *, mode: str = "remote", more: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A loop of calls, of which each can be undone; `more` is of the node."""
    return flow(
        "looping",
        {
            "work": call("step", "do {{ node.visit }}", mode=mode, compensate=UNDO, next="count", **(more or {})),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
            "again": {"kind": "decision", "next": [{"when": f"n < {turns}", "to": "work"}, {"to": "done"}]},
            "done": end(n="{{ n }}"),
        },
        variables={"n": 0},
        **fields,
    )


@pytest.mark.parametrize("mode", ["remote", "local"])
async def test_a_thread_with_too_many_steps_fails_and_is_undone(stack: Stack, mode: str) -> None:
    calls.clear()
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", looping(9, mode=mode, limits={"max_steps": 7}))
        executed = await session.thread("t").query("executions")
    assert (told["status"], told["error"]["code"]) == ("failed", "LIMIT_REACHED")
    assert [one["node"] for one in executed] == [*["work", "count", "again"] * 2, "work"]
    assert list(calls) == ["do 1", "do 2", "do 3", "undo 3", "undo 2", "undo 1"]


async def test_a_thread_that_just_keeps_to_its_steps_completes(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        assert (await outcome(session, "t", looping(2, limits={"max_steps": 7})))["result"] == {"n": 2}


@pytest.mark.parametrize("mode", ["remote", "local"])
async def test_a_thread_with_too_many_steps_may_wait_for_somebody_who_lets_it_go_on(stack: Stack, mode: str) -> None:
    calls.clear()
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", looping(9, mode=mode, limits={"max_steps": 7, "on_limit": "pause"}))
        held = await session.thread_status("t", "paused")
        assert [(hold["kind"], hold["actor"]) for hold in held["holds"]] == [("limit", "threadloom")]
        assert "max_steps 7" in held["holds"][0]["reason"]
        assert list(calls) == ["do 1", "do 2", "do 3"]
        await session.thread("t").signal("resume", {"actor": "op"})
        # Whoever lets it go on does so for good: the limit does not hold it again.
        assert (await ended(session.thread("t")))["result"] == {"n": 9}
        await unharmed(session.handle, session.thread("t"))
    assert list(calls) == [f"do {n}" for n in range(1, 10)]


async def test_a_session_that_is_resumed_leaves_alone_who_is_held_by_a_limit(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", looping(9, limits={"max_steps": 7, "on_limit": "pause"}))
        await session.thread_status("t", "paused")
        await session.handle.signal("pause", {"actor": "op"})
        await session.status("paused")
        await session.thread_shows("t", lambda seen: len(seen["holds"]) == 2)
        await session.handle.signal("resume", {"actor": "op"})
        seen = await session.thread_shows("t", lambda seen: len(seen["holds"]) == 1)
        assert (seen["status"], seen["holds"][0]["kind"]) == ("paused", "limit")


async def test_a_thread_whose_time_is_over_may_wait_too_and_what_it_awaited_is_still_taken(stack: Stack) -> None:
    document = flow(
        "asking",
        {
            "ask": {"kind": "approval", "prompt": "?", "choices": ["yes"], "save": "answer", "next": "done"},
            "done": end(choice="{{ answer.choice }}"),
        },
        limits={"max_duration": "200ms", "on_limit": "pause"},
    )
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", document)
        held = await session.thread_status("t", "paused")
        assert [hold["kind"] for hold in held["holds"]] == ["limit"]
        await session.thread("t").signal("resume", {"actor": "op"})
        await session.thread_waits("t", "approval")
        await session.thread("t").execute_update("decide", {"node": "ask", "choice": "yes"})
        assert (await ended(session.thread("t")))["result"] == {"choice": "yes"}
        await unharmed(session.handle, session.thread("t"))


# Visits


@pytest.mark.parametrize("mode", ["remote", "local"])
async def test_a_node_that_is_visited_too_often_fails_its_thread_which_is_undone(stack: Stack, mode: str) -> None:
    calls.clear()
    # An edge for errors is for those of the node itself; the limit is the flow's.
    document = looping(9, mode=mode, more={"max_visits": 3, "on_error": "done"})
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", document)
    assert (told["status"], told["error"]["code"], told["error"]["node"]) == ("failed", "MAX_VISITS", "work")
    assert list(calls) == ["do 1", "do 2", "do 3", "undo 3", "undo 2", "undo 1"]


async def test_a_node_may_be_visited_as_often_as_it_says(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        assert (await outcome(session, "t", looping(3, more={"max_visits": 3})))["result"] == {"n": 3}


async def test_too_many_visits_in_a_subflow_are_the_failure_of_its_node_and_each_call_counts_anew(stack: Stack) -> None:
    part = looping(9, more={"max_visits": 3})
    part["nodes"]["again"]["next"] = [{"when": "n < input.turns", "to": "work"}, {"to": "done"}]
    outer = flow(
        "outer",
        {
            "well": {"kind": "subflow", "flow": "looping", "input": {"turns": 3}, "save": "well", "next": "again"},
            "again": {"kind": "subflow", "flow": "looping", "input": {"turns": 3}, "save": "again", "next": "often"},
            "often": {
                "kind": "subflow",
                "flow": "looping",
                "input": {"turns": 4},
                "next": "done",
                "on_error": [{"codes": ["MAX_VISITS"], "to": "caught"}],
            },
            "done": end(),
            "caught": end(well="{{ well.n }}", again="{{ again.n }}", node="{{ error.node }}"),
        },
    )
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", outer, flows={"looping": part})
    assert told["result"] == {"well": 3, "again": 3, "node": "often/work"}


# Subflows in subflows


@pytest.mark.parametrize(("depth", "ways"), [(20, "all the way"), (21, "SUBFLOW_TOO_DEEP")])
async def test_subflows_call_each_other_twenty_deep_and_no_deeper(stack: Stack, depth: int, ways: str) -> None:
    down = {"kind": "subflow", "flow": "deeper", "input": {"left": "{{ input.left - 1 }}"}, "save": "way"}
    deeper = flow(
        "deeper",
        {
            "more": {"kind": "decision", "next": [{"when": "input.left > 0", "to": "down"}, {"to": "bottom"}]},
            "down": {**down, "next": "up"},
            "up": {"kind": "end", "result": "{{ way }}"},
            "bottom": {"kind": "end", "result": "all the way"},
        },
    )
    outer = flow(
        "outer",
        {
            "down": {**down, "next": "done", "on_error": "caught"},
            "done": {"kind": "end", "result": "{{ way }}"},
            "caught": {"kind": "end", "result": "{{ error.code }}"},
        },
    )
    async with stack.worker():
        session = await stack.start_session()
        told = await outcome(session, "t", outer, flows={"deeper": deeper}, input={"left": depth})
    assert told["result"] == ways
