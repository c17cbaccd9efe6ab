"""A thread's requests to its session, sent as raw signals, on a real server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.engine.flows import end, flow
from tests.integration.stack import Session, Stack, eventually

TELLING = flow("telling", {"done": end(said="{{ input }}")})
WAITING = flow("waiting", {"hear": {"kind": "receive", "timeout": "1d", "next": "done"}, "done": end()})
MALFORMED: list[tuple[Any, ...]] = [
    (),
    (1,),
    ({},),
    ({"thread_id": "a", "request_id": "r", "kind": "explode"},),
    ({}, {}),
]


async def ask(session: Session, kind: str, **fields: Any) -> None:
    request = {"thread_id": "a", "request_id": f"a/{kind}/1", "kind": kind, **fields}
    await session.handle.signal("thread_request", request)


def spawn(thread_id: str, document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    base = {"command_id": f"a/spawn/{thread_id}", "thread_id": thread_id, "flow": document, "spawned_by": "a"}
    return {**base, "actor": "thread a", **fields}


async def statuses(session: Session) -> dict[str, str]:
    return {thread["thread_id"]: thread["status"] for thread in await session.handle.query("threads")}


async def test_spawned_threads_run_and_end_with_their_parent(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("a", WAITING)
        await session.thread_waits("a", "message")
        commands = [spawn("b", TELLING, input="hi"), spawn("c", WAITING), spawn("d", WAITING, on_parent_end="leave")]
        for _ in range(2):
            await ask(session, "spawn", commands=commands)
        begun = {"a": "running", "b": "completed", "c": "running", "d": "running"}
        await eventually(lambda: statuses(session), lambda seen: seen == begun)
        for thread_id in ("c", "d"):
            await session.thread_waits(thread_id, "message")
        await session.thread("a").execute_update("send", {"command_id": "m", "body": 1})
        expected = {"a": "completed", "b": "completed", "c": "cancelled", "d": "running"}
        await eventually(lambda: statuses(session), lambda seen: seen == expected)
        assert (await session.thread("b").result())["result"] == {"said": "hi"}
        shown = {thread["thread_id"]: thread for thread in await session.handle.query("threads")}
        assert (shown["c"]["origin"], shown["c"]["parent"], shown["c"]["depth"]) == ("spawned", "a", 1)


async def test_requests_survive_a_session_that_continues_as_new_while_paused(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50})
        first = (await session.handle.describe()).run_id
        await session.create("a", WAITING)
        await session.thread_waits("a", "message")
        await session.handle.signal("pause", {})
        await session.status("paused")
        await ask(session, "spawn", commands=[spawn(f"t{number}", TELLING) for number in range(60)])
        for number in range(60):
            await session.handle.signal("sync", {"command_id": f"s{number}"})

        async def run() -> str | None:
            return (await session.handle.describe()).run_id

        await eventually(run, lambda run_id: run_id != first)
        assert list(await statuses(session)) == ["a"]
        await session.handle.signal("resume", {})
        await eventually(
            lambda: statuses(session), lambda seen: [*seen.values()].count("completed") == 60 and len(seen) == 61
        )


@pytest.mark.parametrize("args", MALFORMED)
async def test_what_is_no_request_is_ignored(stack: Stack, args: tuple[Any, ...]) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.handle.signal("thread_request", args=list(args))
        assert (await session.describe())["status"] == "active"
        await session.create("a", TELLING)
        await session.thread_status("a", "completed")
