"""Flows and activities of the engine's tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Session

calls: Counter[str] = Counter()
"""How often each activity attempt ran, by its idempotency key."""

gates: dict[str, asyncio.Event] = {}
"""Gates that activities wait at, by name."""


@activity.defn(name="step")
async def step(key: str) -> str:
    """Note the call and return it."""
    calls[key] += 1
    return key


@activity.defn(name="falter")
async def falter(key: str, times: int) -> str:
    """Fail so many times, then give the key back."""
    calls[key] += 1
    if calls[key] <= times:
        raise ApplicationError("not yet", type="NOT_YET")
    return key


@activity.defn(name="gated")
async def gated(gate: str) -> str:
    """Wait until the test opens the gate."""
    calls[gate] += 1
    await gates[gate].wait()
    return gate


async def outcome(session: Session, thread_id: str, document: dict[str, Any], **more: Any) -> dict[str, Any]:
    """How a thread of the flow ends."""
    await session.create(thread_id, document, **more)
    thread = session.thread(thread_id)
    told: dict[str, Any] = await ended(thread, session.stack.client.get_workflow_handle(thread.id))
    await unharmed(session.handle, thread)
    return told


def end(**result: Any) -> dict[str, Any]:
    return {"kind": "end", "result": result or None}


def call(name: str, *args: Any, next: str, **more: Any) -> dict[str, Any]:
    return {"kind": "activity", "activity": name, "args": list(args), "effect": "none", "next": next, **more}


def flow(name: str, nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"flow": name, "version": "1", "start": next(iter(nodes)), "nodes": nodes, **more}


def counting(turns: int, *, pause: str | None = None) -> dict[str, Any]:
    """A loop of activity calls; each has its own key."""
    wait = {"rest": {"kind": "wait", "for": pause, "next": "again"}} if pause else {}
    return flow(
        "counting",
        {
            "work": call("step", "{{ node.key }}", next="count", save="last"),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "rest" if pause else "again"},
            **wait,
            "again": {"kind": "decision", "next": [{"when": f"n < {turns}", "to": "work"}, {"to": "done"}]},
            "done": end(n="{{ n }}", last="{{ last }}"),
        },
        variables={"n": 0},
    )


def asking() -> dict[str, Any]:
    """One approval."""
    return flow(
        "asking",
        {
            "ask": {
                "kind": "approval",
                "prompt": "go on?",
                "choices": ["yes", "no"],
                "save": {"verdict": "{{ result.choice }}"},
                "next": "done",
            },
            "done": end(verdict="{{ verdict }}"),
        },
    )
