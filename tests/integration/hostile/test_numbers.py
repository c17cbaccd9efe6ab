"""Numbers and texts that can be written down and not be computed with, stored or sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio import activity

from tests.integration.engine.flows import asking, call, end, flow, step
from tests.integration.hostile.odd import HARMLESS, failed_tasks, unharmed
from tests.integration.stack import PATIENCE, Stack

REPORTS: dict[str, dict[str, Any]] = {
    "tokens beyond a double": {"usage": {"m": {"calls": 3, "tokens": 10**400}}},
    "tokens of five thousand digits": {"usage": {"m": {"calls": 3, "tokens": 10**4_000}}},
    "the largest double": {"usage": {"m": {"calls": 1, "tokens": 1.7e308, "cost": 1.7e308}}},
    "less than nothing": {"usage": {"m": {"calls": -1, "tokens": -1}}},
    "no calls": {"usage": {"m": {"calls": 0, "tokens": 1}, "n": {}}},
    "other figures": {"usage": {"m": {"calls": 1, "surplus": 7}}},
    "seconds beyond a double": {"seconds": 10**400},
    "the longest time": {"seconds": 1.7e308},
    "time that runs back": {"seconds": -1e308},
    "an instant at the edge": {"at": "9999-12-31T23:59:59-14:00", "started_at": "0001-01-01T00:00:00+14:00"},
    "an error that nests": {"error": {"a": [[[[{}]]]]}},
}


@pytest.mark.parametrize("name", REPORTS)
async def test_no_report_keeps_a_session_from_telling_its_statistics_and_ending(stack: Stack, name: str) -> None:
    report = {"thread_id": "a", "status": "completed", "at": "2026-01-01T00:00:00Z", **REPORTS[name]}
    async with stack.worker():
        session = await stack.start_session()
        await session.create("a", asking())
        await session.thread_waits("a", "approval")
        await session.handle.signal("thread_report", report)
        await session.handle.signal("thread_report", report)
        assert (await session.handle.query("statistics"))["usage"]["tokens"] < 1e31
        await session.thread("a").signal("cancel")
        await session.handle.signal("close")
        ended = await asyncio.wait_for(session.handle.result(), PATIENCE)
        assert ended["status"] == "closed"
        # The thread's own report may meet the session's end, which the server has decided anew then.
        assert set(await failed_tasks(session.handle)) <= HARMLESS


@activity.defn(name="give")
async def give(what: str) -> Any:
    """A value by name."""
    return {"huge": 10**400, "model": {"model": "m" * 100_000, "tokens": 1, "cost": 1.5}}[what]


HALF = "{{ '\\ud800' }}"
"""An expression that gives half a surrogate pair."""

FLOWS: dict[str, tuple[dict[str, Any], str]] = {
    "a result beyond a double": ({"work": call("give", "huge", next="done")}, "RESULT_UNREADABLE"),
    "usage of 1e300": ({"work": call("step", "k", next="done", usage={"tokens": 1e300})}, "EXPRESSION_ERROR"),
    "usage less than nothing": ({"work": call("step", "k", next="done", usage={"cost": -1})}, "EXPRESSION_ERROR"),
    "usage of an endless model": ({"work": call("give", "model", next="done", usage="{{ result }}")}, ""),
    "half a pair in a variable": ({"work": {"kind": "set", "set": {"x": HALF}, "next": "done"}}, "EXPRESSION_ERROR"),
    "half a pair in a text": ({"work": call("step", f"a {HALF}", next="done")}, "EXPRESSION_ERROR"),
    "half a pair as the end": ({"work": end(x=HALF)}, "EXPRESSION_ERROR"),
    "half a pair as a failure": (
        {"work": {"kind": "fail", "code": "X", "message": HALF, "details": {"x": HALF}}},
        "EXPRESSION_ERROR",
    ),
    "a wait of 1e300 seconds back": (
        {"work": {"kind": "wait", "for": "{{ -1e300 }}", "next": "done"}},
        "EXPRESSION_ERROR",
    ),
}


@pytest.mark.parametrize("name", FLOWS)
async def test_a_flow_that_computes_such_values_fails_with_a_code_or_goes_on(stack: Stack, name: str) -> None:
    nodes, code = FLOWS[name]
    if nodes["work"]["kind"] not in ("end", "fail"):
        nodes = {**nodes, "done": end()}
    async with stack.worker(step, give):
        session = await stack.start_session()
        await session.create("t", flow("odd", nodes))
        told = await asyncio.wait_for(session.thread("t").result(), PATIENCE)
        assert (told["error"] or {"code": ""})["code"] == code
        await session.handle.query("statistics")
        await unharmed(session.handle, session.thread("t"))


@pytest.mark.parametrize(
    "retry", [{"maximum_attempts": 10**12}, {"backoff_coefficient": 1e300}, {"backoff_coefficient": 10**400}], ids=str
)
async def test_a_retry_policy_that_temporal_cannot_be_sent_is_no_flow(stack: Stack, retry: dict[str, Any]) -> None:
    nodes = {"work": call("step", "k", next="done", retry=retry), "done": end()}
    async with stack.worker():
        session = await stack.start_session()
        with pytest.raises(Exception, match="Workflow update failed"):
            await session.create("t", flow("odd", nodes))
        await unharmed(session.handle)
