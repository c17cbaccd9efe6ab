"""Whatever a workflow is started with: it ends as failed, with a code, and soon."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from domain.codec import dump
from domain.errors import Code
from domain.flow.parse import parse_flow
from domain.messages import STATE_VERSION, SessionStart, ThreadStart, body
from domain.thread.snapshot import first_seed
from domain.thread.state import Identity
from domain.values import JsonObject, digest
from tests.integration.engine.flows import asking
from tests.integration.hostile.odd import NEARLY, ODD, Args, failed_tasks, unharmed
from tests.integration.stack import Handle, Stack, eventually

BOUND = 30.0
"""Seconds within which a workflow that cannot begin must have ended."""


def new_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def thread_start(session_id: str, thread_id: str) -> JsonObject:
    """What a session starts a thread with."""
    now = datetime.now(UTC)
    identity = Identity(session_id=session_id, thread_id=thread_id, created_at=now, root=thread_id)
    seed = first_seed(parse_flow(asking()), identity, input=None, context=None, metadata={}, shared={})
    return body(ThreadStart(flow=asking(), flow_digest=digest(asking()), seed=dump(seed)))


async def start(stack: Stack, workflow: str, workflow_id: str, args: Args) -> Handle:
    return await stack.bare.start_workflow(workflow, args=args, id=workflow_id, task_queue=stack.settings.task_queue)


async def refusal(stack: Stack, workflow: str, workflow_id: str, args: Args) -> str | None:
    """The code that the workflow fails with at once, in its first task."""
    handle = await start(stack, workflow, workflow_id, args)
    async with asyncio.timeout(BOUND):
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.FAILED
    assert not await failed_tasks(handle)
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause.type


@pytest.mark.parametrize("workflow", ["SessionWorkflow", "ThreadWorkflow"])
async def test_an_odd_start_input_fails_the_workflow_with_a_code(stack: Stack, workflow: str) -> None:
    suffix = "/thread/t" if workflow == "ThreadWorkflow" else ""
    async with stack.worker():
        refusals = {
            name: await refusal(stack, workflow, f"session/{new_id('odd')}{suffix}", args)
            for name, args in {**ODD, **NEARLY}.items()
        }
    assert refusals == dict.fromkeys({**ODD, **NEARLY}, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": []},
        {"config": {"nosuch": 1}},
        {"config": {"max_threads": 0}},
        {"config": {"max_duration": "1h", "idle_timeout": "2h"}},
        {"preset": "nosuch"},
        {"title": "x" * 501},
        {"metadata": [1]},
        {"shared": "x"},
        {"version": STATE_VERSION + 1},
        {"state": {}},
        {"state": {"session_id": "x"}},
        {"state": [1]},
        {"session_id": "another"},
        {"session_id": "no id"},
        {"session_id": 7},
    ],
    ids=str,
)
async def test_a_session_that_is_started_wrong(stack: Stack, wrong: JsonObject) -> None:
    session_id = new_id("odd")
    right = body(SessionStart(session_id=session_id))
    async with stack.worker():
        code = await refusal(stack, "SessionWorkflow", f"session/{session_id}", [{**right, **wrong}])
    assert code in ("INVALID_ARGUMENT", "INVALID_ID")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"version": STATE_VERSION + 1}, "INVALID_ARGUMENT"),
        ({"seed": None}, "INVALID_ARGUMENT"),
        ({"seed": {}}, "INVALID_ARGUMENT"),
        ({"seed": {"identity": {}, "base": {}}}, "INVALID_ARGUMENT"),
        ({"seed": thread_start("another", "t")["seed"]}, "INVALID_ARGUMENT"),
        ({"state": {}}, "INVALID_ARGUMENT"),
        ({"state": {"identity": None}}, "INVALID_ARGUMENT"),
        ({"holds": [{}]}, "INVALID_ARGUMENT"),
        ({"holds": [{"kind": "nosuch", "actor": "x", "at": "now"}]}, "INVALID_ARGUMENT"),
        ({"answers": {"x": {}}}, "INVALID_ARGUMENT"),
        ({"continue_as_new_after": "often"}, "INVALID_ARGUMENT"),
        ({"shared_task_queues": [1]}, "INVALID_ARGUMENT"),
        ({"flow": {}}, "FLOW_INVALID"),
        ({"flow": {**asking(), "start": "nosuch"}}, "FLOW_INVALID"),
        ({"flow": {**asking(), "start": "other", "nodes": {"other": {"kind": "end"}}}}, "NODE_NOT_FOUND"),
    ],
    ids=str,
)
async def test_a_thread_that_is_started_wrong(stack: Stack, wrong: JsonObject, code: str) -> None:
    session_id = new_id("odd")
    started_with = {**thread_start(session_id, "t"), **wrong}
    async with stack.worker():
        assert await refusal(stack, "ThreadWorkflow", f"session/{session_id}/thread/t", [started_with]) == code


@pytest.mark.parametrize("workflow_id", ["t", "session/{}/thread", "session/{}/thread/a/b", "session//thread/t"])
async def test_a_thread_under_an_id_that_is_no_threads(stack: Stack, workflow_id: str) -> None:
    session_id = new_id("odd")
    async with stack.worker():
        code = await refusal(stack, "ThreadWorkflow", workflow_id.format(session_id), [thread_start(session_id, "t")])
    assert code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("workflow", ["SessionWorkflow", "ThreadWorkflow"])
@pytest.mark.parametrize(
    "outbox", [{"epoch": 0}, {"epoch": 0, "last_seq": 0, "sealed": 0, "pending": [{}]}], ids=["short", "odd records"]
)
async def test_records_that_no_run_can_have_left(stack: Stack, workflow: str, outbox: JsonObject) -> None:
    session_id = new_id("odd")
    if workflow == "ThreadWorkflow":
        workflow_id, right = f"session/{session_id}/thread/t", thread_start(session_id, "t")
    else:
        workflow_id, right = f"session/{session_id}", body(SessionStart(session_id=session_id))
    async with stack.worker():
        code = await refusal(stack, workflow, workflow_id, [{**right, "outbox": outbox}])
    assert code in set(Code)


async def test_a_thread_without_its_session_holds_itself_and_can_be_cancelled(stack: Stack) -> None:
    session_id = new_id("nobodys")
    async with stack.worker():
        handle = await start(stack, "ThreadWorkflow", f"session/{session_id}/thread/t", [thread_start(session_id, "t")])

        async def look() -> Any:
            return await handle.query("describe")

        held = await eventually(look, lambda seen: seen["status"] == "paused")
        assert [hold["kind"] for hold in held["holds"]] == ["lost_session"]
        await unharmed(handle)
        await handle.signal("cancel", {"actor": "op", "reason": "nobody wants it"})
        result = await handle.result()
    assert result["status"] == "cancelled"
