"""What the recorded histories are of: each scenario leaves the workflows whose histories are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from tests.integration.stack import Session, Stack

Scenario = Callable[[Stack], Awaitable[list[str]]]
"""Runs on a stack with a worker, and returns the ids of the workflows to keep."""


@activity.defn(name="greet")
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@activity.defn(name="break")
async def break_(code: str) -> None:
    raise ApplicationError("broken on purpose", type=code, non_retryable=True)


@activity.defn(name="linger")
async def linger() -> None:
    """Run until cancelled."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)  # an activity that waits, not a test


ACTIVITIES = [greet, break_, linger]

LOOP = {
    "flow": "loop",
    "version": "1",
    "variables": {"n": 0},
    "start": "greet",
    "nodes": {
        "greet": {
            "kind": "activity",
            "activity": "greet",
            "args": ["number {{ n }}"],
            "save": "hello",
            "next": "count",
        },
        "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "more"},
        "more": {"kind": "decision", "next": [{"when": "n < 4", "to": "greet"}, {"to": "rest"}]},
        "rest": {"kind": "wait", "for": "50ms", "next": "hear"},
        "hear": {"kind": "receive", "name": "go", "save": "heard", "next": "ask"},
        "ask": {"kind": "approval", "prompt": "{{ hello }}", "choices": ["yes", "no"], "timeout": "1d", "next": "done"},
        "done": {"kind": "end", "result": {"n": "{{ n }}", "said": "{{ heard.body }}"}},
    },
}
TROUBLE = {
    "flow": "trouble",
    "version": "1",
    "start": "try",
    "nodes": {
        "try": {
            "kind": "activity",
            "activity": "break",
            "args": ["BROKEN"],
            "next": "done",
            "on_error": [{"codes": ["BROKEN"], "to": "give_up"}],
        },
        "give_up": {"kind": "fail", "code": "GAVE_UP", "message": "{{ error.message }}"},
        "done": {"kind": "end"},
    },
}
LONG = {
    "flow": "long",
    "version": "1",
    "start": "work",
    "nodes": {
        "work": {"kind": "activity", "activity": "linger", "heartbeat": "5s", "next": "done"},
        "done": {"kind": "end"},
    },
}


async def _finish(session: Session, thread_id: str) -> None:
    thread = session.thread(thread_id)
    await session.thread_waits(thread_id, "message")
    await thread.execute_update("send", {"command_id": f"send-{thread_id}", "name": "go", "body": 1})
    await session.thread_waits(thread_id, "approval")
    await thread.execute_update("decide", {"command_id": f"decide-{thread_id}", "node": "ask", "choice": "yes"})
    await session.thread_status(thread_id, "completed")


async def branches(stack: Stack) -> list[str]:
    """Pause, resume, fork, copy, configure, destroy, close."""
    session = await stack.start_session()
    await session.create("a", LOOP)
    await session.thread_waits("a", "message")
    await session.handle.signal("pause", {"command_id": "p", "actor": "op", "reason": "look"})
    await session.status("paused")
    await session.handle.signal("resume", {"command_id": "r", "actor": "op"})
    await session.status("active")
    await session.update("fork_thread", source="a", thread_id="f", at="count#2", set={"n": 3})
    await session.update("copy_thread", source="a", thread_id="c", strategy="selective", nodes=["greet"])
    await session.update("configure", config={"max_threads": 9})
    for thread_id in ("a", "f", "c"):
        await _finish(session, thread_id)
    await session.update("destroy_thread", thread_id="c")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("a", "f", "c"))]


async def troubles(stack: Stack) -> list[str]:
    """A caught failure, a cancelled activity, a termination by force."""
    session = await stack.start_session()
    await session.create("t", TROUBLE)
    await session.create("l", LONG)
    await session.create("k", LOOP)
    await session.thread_status("t", "failed")
    await session.thread_shows("l", lambda seen: bool(seen["in_flight"]))
    await session.thread("l").signal("cancel", {"command_id": "c", "actor": "op"})
    await session.thread_status("l", "cancelled")
    await session.thread_waits("k", "message")
    await session.handle.signal("terminate", {"command_id": "t", "grace": "20s"})
    await session.handle.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("t", "l", "k"))]


async def runs(stack: Stack) -> list[str]:
    """Session and thread continue as new."""
    session = await stack.start_session(config={"continue_as_new_after": 50})
    await session.create("a", {**LOOP, "nodes": {**LOOP["nodes"], "more": _longer()}})
    first = (await session.handle.describe()).run_id
    while (await session.handle.describe()).run_id == first:
        await session.update("configure", config={"max_depth": 9})
    await _finish(session, "a")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    return [session.handle.id, session.thread("a").id]


def _longer() -> dict[str, Any]:
    return {"kind": "decision", "next": [{"when": "n < 20", "to": "greet"}, {"to": "rest"}]}


SCENARIOS: dict[str, Scenario] = {"branches": branches, "troubles": troubles, "runs": runs}
