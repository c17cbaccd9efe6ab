"""What a flow declares of its input and its result is checked, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.engine.flows import call, calls, end, flow, outcome, step
from tests.integration.stack import Stack

INPUTS = {"type": "object", "required": ["total"], "properties": {"total": {}}, "additionalProperties": False}
OUTPUTS = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 0}}}


def totalling(name: str = "totalling") -> dict[str, Any]:
    """A flow that gives back what it is given, and whose calls can be undone."""
    undo = {"activity": "step", "args": ["undo {{ thread.id }}"]}
    return flow(
        name,
        {
            "work": call("step", "do {{ thread.id }}", compensate=undo, next="done"),
            "done": end(total="{{ input.total }}"),
        },
        inputs=INPUTS,
        outputs=OUTPUTS,
    )


async def test_a_result_that_fits_is_the_thread_s(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        assert (await outcome(session, "t", totalling(), input={"total": 7}))["result"] == {"total": 7}


@pytest.mark.parametrize("total", [-1, "many", None])
async def test_a_result_that_does_not_fit_fails_the_thread_which_is_undone(stack: Stack, total: Any) -> None:
    calls.clear()
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", totalling(), input={"total": total})
    assert (told["status"], told["result"], told["error"]["code"]) == ("failed", None, "OUTPUT_INVALID")
    assert "total" in told["error"]["message"]
    assert list(calls) == ["do t", "undo t"]


async def test_a_subflow_whose_input_or_result_does_not_fit_fails_its_node(stack: Stack) -> None:
    def part(given: dict[str, Any], following: str) -> dict[str, Any]:
        return {"kind": "subflow", "flow": "totalling", "input": given, "next": following, "on_error": following}

    outer = flow(
        "outer",
        {
            "given": part({"sum": 1}, "gives"),
            "gives": part({"total": -1}, "done"),
            "done": end(codes="{{ [nodes.given.error.code, nodes.gives.error.code] }}"),
        },
    )
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", outer, flows={"totalling": totalling()})
    assert told["result"] == {"codes": ["INPUT_INVALID", "OUTPUT_INVALID"]}


async def test_a_thread_whose_input_does_not_fit_is_not_created(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await session.create("t", totalling(), input={"sum": 1})
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "INPUT_INVALID"
        assert await session.handle.query("threads") == []
