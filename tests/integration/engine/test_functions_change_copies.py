"""What a local or inline function does to its arguments and results is its own affair."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio import activity
from temporalio.worker import Replayer

from domain.thread.functions import register
from tests.integration.engine.flows import call, end, flow, outcome
from tests.integration.stack import Stack

LAST: list[str] = []


def take_one(rows: Any) -> Any:
    """Takes the last row out of the list that it was given, and returns what it will change at the next call."""
    LAST.append(rows.pop())
    return LAST


@activity.defn(name="take_one")
async def take_one_locally(rows: Any) -> Any:
    return take_one(rows)


register("take_one@1", take_one)


@pytest.mark.parametrize("mode", ["local", "inline"])
async def test_a_function_changes_only_its_copy(stack: Stack, mode: str) -> None:
    """The list stands in the flow, which all threads share, and in the variable that the journal holds."""
    name = "take_one@1" if mode == "inline" else "take_one"
    document = flow(
        f"taking-{mode}",
        {
            "fill": {"kind": "set", "set": {"rows": ["apple", "pear"]}, "next": "first"},
            "first": call(name, "{{ rows }}", mode=mode, save="once", next="second"),
            "second": call(name, "{{ rows }}", mode=mode, save="twice", next="rest"),
            "rest": {"kind": "wait", "for": "1s", "next": "way"},
            "way": {"kind": "decision", "next": [{"when": "rows | length == 2", "to": "done"}, {"to": "wrong"}]},
            "wrong": {"kind": "fail", "code": "CHANGED"},
            "done": end(rows="{{ rows }}", once="{{ once }}", twice="{{ twice }}"),
        },
    )
    async with stack.worker(take_one_locally):
        session = await stack.start_session()
        for thread_id in ("a", "b"):
            LAST.clear()
            told = await outcome(session, thread_id, document)
            assert told["result"] == {"rows": ["apple", "pear"], "once": ["pear"], "twice": ["pear", "pear"]}
            history = await session.thread(thread_id).fetch_history()
            await Replayer(workflows=[], plugins=stack.client.config()["plugins"]).replay_workflow(history)
