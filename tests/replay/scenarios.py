"""What the recorded histories are of: each scenario leaves the workflows whose histories are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from domain.thread.functions import register
from tests.integration.stack import Session, Stack
from tests.replay.pools import pools
from tests.replay.queues import queues

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


@activity.defn(name="falter")
async def falter() -> int:
    """Fail at first."""
    if activity.info().attempt == 1:
        raise ApplicationError("not yet", type="NOT_YET")
    return activity.info().attempt


@workflow.defn(name="Theirs", sandboxed=False)
class Theirs:
    """A workflow of another team."""

    @workflow.run
    async def run(self, value: str) -> str:
        if value == "forever":
            await workflow.wait_condition(lambda: False)
        return value * 2


@asynccontextmanager
async def their_worker(stack: Stack) -> AsyncIterator[str]:
    """A worker of another team; the name of its task queue."""
    queue = f"{stack.settings.task_queue}-theirs"
    async with Worker(stack.bare, task_queue=queue, workflows=[Theirs]):
        yield queue


def twice(number: int) -> int:
    return number * 2


register("scenarios.twice@1", twice)

ACTIVITIES = [greet, break_, linger, falter]

LOOP: dict[str, Any] = {
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


def _flow(name: str, nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"flow": name, "version": "1", "start": next(iter(nodes)), "nodes": nodes, **more}


def _greet(next: str, **more: Any) -> dict[str, Any]:
    return {"kind": "activity", "activity": "greet", "args": ["{{ node.key }}"], "effect": "none", "next": next, **more}


ROWS = _flow(
    "rows",
    {
        "near": _greet("count", mode="local", save="said"),
        "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "append": {"log": ["{{ said }}"]}, "next": "more"},
        "more": {"kind": "decision", "next": [{"when": "n < 12", "to": "near"}, {"to": "within"}]},
        "within": {
            "kind": "activity",
            "activity": "scenarios.twice@1",
            "args": [21],
            "mode": "inline",
            "effect": "none",
            "save": "n",
            "next": "again",
        },
        "again": {
            "kind": "activity",
            "activity": "falter",
            "mode": "local",
            "effect": "none",
            "retry": {"initial_interval": "1ms"},
            "next": "fails",
        },
        "fails": {
            "kind": "activity",
            "activity": "break",
            "args": ["NO"],
            "mode": "local",
            "effect": "none",
            "next": "done",
            "on_error": "done",
        },
        "done": {"kind": "end", "result": {"n": "{{ n }}", "log": "{{ log | length }}"}},
    },
    variables={"n": 0, "log": []},
    checkpoint={"nodes": 5},
)


async def rows(stack: Stack) -> list[str]:
    """Local nodes in rows and one by one, inline ones, and one that is tried again."""
    session = await stack.start_session()
    await session.create("r", ROWS)
    await session.create("s", {**ROWS, "checkpoint": {"nodes": 1}})
    for thread_id in ("r", "s"):
        await session.thread_status(thread_id, "completed")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("r", "s"))]


PART = _flow(
    "part",
    {"work": _greet("hear"), "hear": {"kind": "receive", "timeout": "1d", "next": "done"}, "done": {"kind": "end"}},
)
WITHIN = _flow(
    "within",
    {
        "work": _greet("rest"),
        "rest": {"kind": "wait", "for": "20ms", "next": "done"},
        "done": {"kind": "end", "result": 1},
    },
)
PARTS = _flow(
    "parts",
    {
        "each": {
            "kind": "map",
            "over": "{{ range(12) | list }}",
            "activity": "greet",
            "args": ["number {{ item }}"],
            "effect": "none",
            "concurrency": 5,
            "next": "inner",
        },
        "inner": {"kind": "subflow", "flow": "within", "next": "parts"},
        "parts": {"kind": "spawn", "flow": "part", "each": [1, 2, 3], "id": "p{{ item }}", "next": "gather"},
        "gather": {"kind": "join", "of": "parts", "need": "any", "rest": "cancel", "timeout": "1d", "next": "split"},
        "split": {"kind": "fork", "enter": "branch", "id": "b", "next": "tell"},
        "branch": {"kind": "end", "result": "{{ thread.id }}"},
        "tell": {"kind": "send", "to": "{{ thread.id }}", "name": "note", "body": 1, "next": "hear"},
        "hear": {"kind": "receive", "name": "note", "timeout": "1d", "next": "done"},
        "done": {"kind": "end"},
    },
    hooks={"before_node": {"set": {"at": "{{ node.id }}"}}},
    variables={"at": None},
)


async def parts(stack: Stack) -> list[str]:
    """A map, a subflow, spawned threads of which one is waited for, a branch, a message, and a session's pause."""
    session = await stack.start_session()
    await session.create("a", PARTS, flows={"part": PART, "within": WITHIN})
    await session.thread_waits("a", "join")
    for thread_id in ("p1", "p2", "p3"):
        await session.thread_waits(thread_id, "message")
    await session.handle.signal("pause", {"command_id": "p", "actor": "op"})
    await session.status("paused")
    await session.handle.signal("resume", {"command_id": "r", "actor": "op"})
    await session.thread("p2").execute_update("send", {"command_id": "go", "name": "go"})
    await session.thread_status("a", "completed")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("a", "b", "p1", "p2"))]


def _saga(queue: str) -> dict[str, Any]:
    undo = {"activity": "greet", "args": ["undo {{ node.id }}"]}
    theirs = {"kind": "workflow", "workflow": "Theirs", "task_queue": queue}
    return _flow(
        "saga",
        {
            "book": _greet("call", compensate=undo),
            "call": {**theirs, "args": ["hello"], "save": "told", "compensate": undo, "next": "try"},
            "try": {"kind": "activity", "activity": "break", "args": ["NO"], "effect": "none", "next": "choose"},
            "choose": {"kind": "decision", "next": [{"when": "input == 'wait'", "to": "wait"}, {"to": "broken"}]},
            "wait": {**theirs, "args": ["forever"], "next": "broken"},
            "broken": {"kind": "fail", "code": "BROKEN", "message": "{{ told }}"},
        },
        error_policy={"action": "continue"},
        hooks={"after_node": {"call": {"activity": "greet", "args": ["{{ node.key }}"]}, "nodes": ["book"]}},
    )


async def sagas(stack: Stack) -> list[str]:
    """Another team's workflows, and what was done undone: by a failure, and by a cancellation."""
    async with their_worker(stack) as queue:
        session = await stack.start_session()
        await session.create("f", _saga(queue))
        await session.create("c", _saga(queue), input="wait")
        await session.thread_status("f", "failed")
        await session.thread_shows("c", lambda seen: any(one["node"] == "wait" for one in seen["in_flight"]))
        await session.thread("c").signal("cancel", {"command_id": "c", "actor": "op"})
        await session.thread_status("c", "cancelled")
        await session.handle.signal("close", {"command_id": "x"})
        await session.handle.result()
        return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("f", "c"))]


GIVEN = _flow(
    "given",
    {
        "work": _greet("near", save="hello", compensate={"activity": "greet", "args": ["undo {{ node.key }}"]}),
        "near": _greet("again", mode="local"),
        "again": _greet("count", mode="local"),
        "count": {"kind": "set", "set": {"n": "{{ n + input }}"}, "next": "inner"},
        "inner": {"kind": "subflow", "flow": "within", "next": "more"},
        "more": {"kind": "decision", "next": [{"when": "n > 100", "to": "broken"}, {"to": "done"}]},
        "broken": {"kind": "fail", "code": "TOO_MUCH"},
        "done": {"kind": "end", "result": "{{ n }}"},
    },
    variables={"n": 0},
)
HEARD = _flow(
    "heard",
    {"hear": {"kind": "receive", "save": "mail", "next": "done"}, "done": {"kind": "end", "result": "{{ mail.body }}"}},
)


async def executing(stack: Stack) -> list[str]:
    """A thread without a flow of its own: one flow after the other, in line, failed, forked, over several runs."""
    session = await stack.start_session(config={"continue_as_new_after": 80})
    await session.update("create_thread", thread_id="e", context=["hello"], actor="op")
    thread, number = session.thread("e"), 0

    async def given(document: dict[str, Any], **more: Any) -> None:
        flows = {"within": WITHIN} if document is GIVEN else {}
        await session.update("execute_thread", thread_id="e", flow=document, flows=flows, **more)

    async def idles(number: int) -> None:
        await session.thread_shows("e", lambda seen: _executed(seen) >= number and seen["execution"] is None)

    first = (await thread.describe()).run_id
    while (await thread.describe()).run_id == first:
        await given(GIVEN, input=1)
        await given(GIVEN, input=1)
        number += 2
        await idles(number)
    await thread.execute_update("send", {"command_id": "m", "body": "early"})
    await given(HEARD)
    await given(GIVEN, input=1_000)
    await idles(number + 2)
    await session.update("fork_thread", thread_id="f", source="e", at=f"{number + 2}/count", set={"n": 1}, actor="op")
    await session.thread_shows("f", lambda seen: _executed(seen) == number + 2)
    await thread.signal("pause", {"command_id": "p", "actor": "op"})
    await session.thread_status("e", "paused")
    await given(HEARD)
    await thread.signal("resume", {"command_id": "r", "actor": "op"})
    await session.thread_waits("e", "message")
    await session.update("manage_thread", thread_id="e", action="close")
    await thread.execute_update("send", {"command_id": "n", "body": "late"})
    await session.thread_status("e", "completed")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in ("e", "f"))]


def _executed(seen: dict[str, Any]) -> int:
    """How many flows the thread has executed."""
    return int(seen["last_execution"]["number"]) if seen["last_execution"] else 0


SCENARIOS: dict[str, Scenario] = {
    "branches": branches,
    "troubles": troubles,
    "runs": runs,
    "rows": rows,
    "parts": parts,
    "sagas": sagas,
    "pools": pools,
    "queues": queues,
    "executing": executing,
}
