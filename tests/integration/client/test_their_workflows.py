"""A team's own workflows on a worker that has the plugin run as they do without it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from tests.integration.stack import Stack


@workflow.defn
class Sandboxed:
    @workflow.run
    async def run(self) -> bool:
        return workflow.unsafe.in_sandbox()


@workflow.defn(sandboxed=False, failure_exception_types=[Exception])
class Outside:
    @workflow.run
    async def run(self, value: Any) -> str:
        return type(value).__name__


async def test_they_keep_their_sandbox(stack: Stack) -> None:
    queue = f"theirs-{uuid.uuid4().hex}"
    async with Worker(stack.client, task_queue=queue, workflows=[Sandboxed]):
        assert await stack.client.execute_workflow(Sandboxed.run, id=queue, task_queue=queue)


async def test_a_payload_that_nobody_can_read_fails_them_as_it_always_does(stack: Stack) -> None:
    queue = f"theirs-{uuid.uuid4().hex}"
    odd = RawValue(Payload(metadata={"encoding": b"odd"}, data=b"?"))
    async with Worker(stack.client, task_queue=queue, workflows=[Outside]):
        assert await stack.client.execute_workflow(Outside.run, 1, id=f"{queue}-1", task_queue=queue) == "int"
        with pytest.raises(WorkflowFailureError) as failed:
            await stack.client.execute_workflow(Outside.run, odd, id=f"{queue}-2", task_queue=queue)
        assert isinstance(failed.value.cause, ApplicationError)
        assert "odd" in failed.value.cause.message
