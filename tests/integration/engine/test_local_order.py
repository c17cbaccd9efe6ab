"""A thread of local activities goes on while it is asked and written to without a pause, and replays."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from temporalio import activity
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.service import RPCError

from tests.integration.engine.flows import call, end, flow, step
from tests.integration.hostile.odd import unharmed
from tests.integration.stack import Handle, Stack
from tests.replay.test_replay import replayer
from threadloom import runner
from workflows.thread.workflow import ThreadWorkflow

VISITS = 40


def mixed() -> dict[str, Any]:
    """A local activity and a remote one in turn, each by itself."""
    return flow(
        "mixed",
        {
            "near": call("slow", "near {{ n }}", mode="local", next="far"),
            "far": call("step", "far {{ n }}", next="count"),
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "more"},
            "more": {"kind": "decision", "next": [{"when": f"n < {VISITS}", "to": "near"}, {"to": "done"}]},
            "done": end(n="{{ n }}"),
        },
        variables={"n": 0},
        checkpoint={"nodes": 1},
    )


@activity.defn(name="slow")
async def slow(key: str) -> str:
    """Takes so long that queries come meanwhile."""
    await asyncio.sleep(0.01)
    return key


async def ask(thread: Handle) -> None:
    while True:
        await thread.query("describe")


async def write(thread: Handle) -> None:
    while True:
        await thread.signal("resume", {"actor": "op"})


@pytest.fixture
def slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the local activity end while a query is being answered, which by itself happens once in thousands."""
    activate = runner._Guarded.activate

    def slowly(self: runner._Guarded, act: WorkflowActivation) -> WorkflowActivationCompletion:
        if any(job.HasField("query_workflow") for job in act.jobs):
            time.sleep(0.03)
        return activate(self, act)

    monkeypatch.setattr(runner._Guarded, "activate", slowly)


@pytest.mark.usefixtures("slow_answers")
async def test_a_thread_of_local_activities_outlives_those_who_watch_it(stack: Stack) -> None:
    async with stack.worker(step, slow):
        session = await stack.start_session()
        await session.create("t", mixed())
        thread = session.thread("t")
        others = [asyncio.create_task(doing(thread)) for doing in (ask, ask, write, write)]
        try:
            assert (await thread.result())["result"] == {"n": VISITS}
        finally:
            for other in others:
                other.cancel()
            ended = await asyncio.gather(*others, return_exceptions=True)
        # Each went on until there was nobody to ask any more.
        assert all(isinstance(error, RPCError | asyncio.CancelledError) for error in ended)
        await unharmed(thread)
    await replayer(ThreadWorkflow, data_converter=stack.client.data_converter).replay_workflow(
        await thread.fetch_history()
    )
