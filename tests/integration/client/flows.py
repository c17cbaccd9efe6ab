"""Flows and activities of the client's tests."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

gates: dict[str, asyncio.Event] = {}
"""Gates that activities wait at, by name."""


@activity.defn(name="echo")
async def echo(value: Any) -> Any:
    return value


@activity.defn(name="gated")
async def gated(gate: str) -> str:
    """Wait until the test opens the gate."""
    await gates[gate].wait()
    return gate


@activity.defn(name="third_time")
async def third_time() -> int:
    """Succeed at the third attempt."""
    attempt = activity.info().attempt
    if attempt < 3:
        raise ApplicationError(f"not yet, attempt {attempt}", type="NOT_YET")
    return attempt


@activity.defn(name="never")
async def never() -> None:
    raise ApplicationError("the door is locked", type="LOCKED")


def call(name: str, *args: Any, next: str = "done", **more: Any) -> dict[str, Any]:
    return {"kind": "activity", "activity": name, "args": list(args), "effect": "none", "next": next, **more}


def flow(nodes: dict[str, Any], *, name: str = "test", **more: Any) -> dict[str, Any]:
    return {"flow": name, "version": "1", "start": next(iter(nodes)), "nodes": nodes, **more}


def end(result: Any = None) -> dict[str, Any]:
    return {"kind": "end", "result": result}


def asking(*, name: str = "asking") -> dict[str, Any]:
    """Echoes its input, then asks whether to go on."""
    return flow(
        {
            "say": call("echo", "{{ input.word }}", save="said", next="ask"),
            "ask": {
                "kind": "approval",
                "prompt": "Go on with {{ said }}?",
                "choices": ["yes", "no"],
                "assignees": ["ann"],
                "save": {"verdict": "{{ result.choice }}"},
                "next": "done",
            },
            "done": end("{{ said }} {{ verdict }}"),
        },
        name=name,
        inputs={"type": "object", "required": ["word"]},
    )


def receiving() -> dict[str, Any]:
    return flow(
        {
            "await_word": {"kind": "receive", "name": "word", "save": {"word": "{{ result.body }}"}, "next": "done"},
            "done": end("{{ word }}"),
        }
    )


def behind_gate(gate: str) -> dict[str, Any]:
    """One activity that ends when the test opens the gate, and another node behind it."""
    return flow(
        {
            "wait_there": call("gated", gate, save="passed", next="after"),
            "after": {"kind": "set", "set": {"more": 1}, "next": "done"},
            "done": end("{{ passed }}"),
        }
    )
