"""The activity of `http` nodes in a worker: what Temporal keeps of it, and when its connections end."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from tests.integration.stack import Stack
from tests.unit.activities.web import Request, Web, answer, running
from threadloom.composition import connect

SECRET = "correct-horse-battery"


@workflow.defn(sandboxed=False)
class Calls:
    """Calls the activity as a thread does."""

    @workflow.run
    async def run(self, call: Any) -> Any:
        return await workflow.execute_activity(
            "threadloom.http",
            call,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=3, initial_interval=timedelta(milliseconds=10)),
        )


async def call(client: Client, web: Web, **fields: Any) -> tuple[Any, str]:
    """What comes back, and the whole history as text."""
    request = {
        "key": "t/n/1",
        "url": web.url("/"),
        "method": "POST",
        "query": {},
        "query_secrets": {"key": {"secret": "KEY"}},
        "headers": {},
        "header_secrets": {"Authorization": {"secret": "KEY", "prefix": "Bearer "}},
        "json": {"amount": 3},
        "max_bytes": 10_000,
        "statuses": [503],
        "timeout_seconds": 20,
        **fields,
    }
    queue = f"http-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[Calls]):
        handle = await client.start_workflow(Calls.run, request, id=queue, task_queue=queue)
        try:
            result = await handle.result()
        except WorkflowFailureError as error:
            result = error.cause.__cause__
    return result, (await handle.fetch_history()).to_json()


@pytest.fixture(autouse=True)
def known_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADLOOM_SECRET_KEY", SECRET)


async def test_a_busy_server_is_tried_again_and_no_history_holds_a_secret(stack: Stack) -> None:
    async def at_the_second_attempt(request: Request, writer: asyncio.StreamWriter) -> None:
        content = request.headers["authorization"].encode()
        writer.write(answer(503 if len(web.seen) == 1 else 200, content, Content_Type="text/plain"))

    async with running() as web:
        web.answers["/"] = at_the_second_attempt
        result, history = await call(stack.client, web)
    assert (result["status"], result["body"]) == (200, "Bearer [secret KEY]")
    assert [request.target for request in web.seen] == [f"/?key={SECRET}"] * 2
    assert [request.headers["idempotency-key"] for request in web.seen] == ["t/n/1"] * 2
    assert SECRET not in history


async def test_a_refusal_is_final_and_tells_no_secret(stack: Stack) -> None:
    async with running() as web:
        web.says("/", 422, f"not {SECRET}".encode())
        error, history = await call(stack.client, web)
    assert (error.type, len(web.seen)) == ("HTTP_422", 1)
    assert error.details[0]["body"] == "not [secret KEY]"
    assert SECRET not in history


async def test_connections_end_with_the_worker(stack: Stack) -> None:
    async with running() as web:
        web.says("/")
        await call(stack.client, web)
        async with asyncio.timeout(30):
            await web.all_closed()


async def test_a_secret_may_be_a_file(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THREADLOOM_SECRET_KEY")
    (tmp_path / "KEY").write_text("from a file\n", encoding="utf-8")
    settings = stack.settings.model_copy(update={"secrets_dir": str(tmp_path)})
    address, namespace = stack.client.service_client.config.target_host, stack.client.namespace
    client = await connect(stack.backend, settings, address=address, namespace=namespace)
    async with running() as web:
        web.says("/")
        await call(client, web)
    assert web.seen[0].headers["authorization"] == "Bearer from a file"
