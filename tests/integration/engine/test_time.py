"""Time on a real server, in fractions of a second: what passes by itself and what it leads to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.engine.flows import end, flow, step
from tests.integration.stack import Stack

ASK = {"kind": "approval", "prompt": "?", "choices": ["yes"], "next": "done"}
FLOWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a wait ends": (
        flow("wait", {"nap": {"kind": "wait", "for": "200ms", "next": "done"}, "done": end(how="woke")}),
        {"status": "completed", "result": {"how": "woke"}},
    ),
    "a receive times out": (
        flow(
            "deaf",
            {
                "hear": {"kind": "receive", "timeout": "200ms", "next": "done", "on_timeout": "late"},
                "done": end(),
                "late": end(how="timed out"),
            },
        ),
        {"status": "completed", "result": {"how": "timed out"}},
    ),
    "an approval times out": (
        flow("ask", {"ask": {**ASK, "timeout": "200ms", "on_timeout": "late"}, "done": end(), "late": end(how="late")}),
        {"status": "completed", "result": {"how": "late"}},
    ),
    "a timeout that nobody catches fails the thread": (
        flow("strict", {"ask": {**ASK, "timeout": "200ms"}, "done": end()}),
        {"status": "failed", "code": "NODE_TIMEOUT"},
    ),
    "the flow's time is over": (
        flow("limited", {"ask": ASK, "done": end()}, limits={"max_duration": "500ms"}),
        {"status": "failed", "code": "LIMIT_REACHED"},
    ),
}


@pytest.mark.parametrize("name", FLOWS)
async def test_what_time_leads_to(stack: Stack, name: str) -> None:
    document, expected = FLOWS[name]
    async with stack.worker(step):
        session = await stack.start_session()
        await session.create("t", document)
        result = await session.thread("t").result()
    assert result["status"] == expected["status"]
    if "code" in expected:
        assert result["error"]["code"] == expected["code"]
    else:
        assert result["result"] == expected["result"]
