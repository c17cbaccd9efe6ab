"""A whole product for one test: database, client, workers, on a task queue of its own."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.worker import Worker

from threadloom.backend import Backend
from threadloom.composition import connect, make_backend, make_worker
from threadloom.settings import Settings

T = TypeVar("T")
Handle = WorkflowHandle[Any, Any]
PATIENCE = 60.0
"""Seconds after which a condition that did not come about fails a test. No test is about speed."""


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], patience: float = PATIENCE) -> T:
    """Look until it holds; fails with what was seen last."""
    deadline = time.monotonic() + patience
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about within {patience:.0f} s; last seen: {seen!r:.2000}")
        await asyncio.sleep(0.05)


@dataclass
class Stack:
    """Everything a session needs, reachable with a bare Temporal client as another program would."""

    backend: Backend
    client: Client
    bare: Client
    settings: Settings

    @asynccontextmanager
    async def worker(self, *activities: Callable[..., Any], **options: Any) -> AsyncIterator[Worker]:
        """A worker of the product, for the block."""
        async with make_worker(self.client, self.settings, activities=activities, **options) as worker:
            yield worker

    async def start_session(self, **start: Any) -> Session:
        """A session with an id of its own."""
        session_id = f"s-{uuid.uuid4().hex[:12]}"
        handle = await self.bare.start_workflow(
            "SessionWorkflow",
            {"session_id": session_id, "actor": "tester", **start},
            id=f"session/{session_id}",
            task_queue=self.settings.task_queue,
        )
        return Session(self, session_id, handle)


@dataclass
class Session:
    """A session, driven with raw messages."""

    stack: Stack
    session_id: str
    handle: Handle

    def thread(self, thread_id: str) -> Handle:
        return self.stack.bare.get_workflow_handle(f"session/{self.session_id}/thread/{thread_id}")

    async def create(self, thread_id: str, flow: dict[str, Any], **more: Any) -> dict[str, Any]:
        return await self.update("create_thread", thread_id=thread_id, flow=flow, actor="tester", **more)

    async def update(self, name: str, **message: Any) -> dict[str, Any]:
        """Send an update; again, with the same command id, when it met the moment of a new run."""
        message.setdefault("command_id", uuid.uuid4().hex)
        while True:
            try:
                answer: dict[str, Any] = await self.handle.execute_update(name, message)
                return answer
            except RPCError as error:
                if "unexpected workflow task failure" not in error.message:
                    raise
            except WorkflowUpdateFailedError as error:
                error.add_note(f"{name} of {message}: {error.cause!r}")
                raise

    async def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = await self.handle.query("describe")
        return description

    async def status(self, wanted: str | Sequence[str]) -> dict[str, Any]:
        """Wait until the session has (one of) the status."""
        statuses = [wanted] if isinstance(wanted, str) else wanted
        return await eventually(self.describe, lambda seen: seen["status"] in statuses)

    async def thread_status(self, thread_id: str, wanted: str) -> dict[str, Any]:
        """Wait until the thread has the status."""
        return await self.thread_shows(thread_id, lambda seen: seen["status"] == wanted)

    async def thread_waits(self, thread_id: str, kind: str) -> dict[str, Any]:
        """Wait until the thread waits for something of this kind."""
        return await self.thread_shows(thread_id, lambda seen: (seen["waiting"] or {}).get("kind") == kind)

    async def thread_shows(self, thread_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the thread's description holds."""

        async def look() -> dict[str, Any]:
            description: dict[str, Any] = await self.thread(thread_id).query("describe")
            return description

        return await eventually(look, holds)


@asynccontextmanager
async def running_stack(
    address: str, folder: Path, database_url: str | None = None, **changes: Any
) -> AsyncIterator[Stack]:
    """A stack over a server that runs, with a fresh database; `changes` are of the settings."""
    queue = f"queue-{uuid.uuid4().hex[:12]}"
    settings = Settings(task_queue=queue, database_url=f"sqlite:///{folder / 'test.db'}", **changes)
    backend = make_backend(database_url or settings.database_url)
    await backend.upgrade()
    try:
        client = await connect(backend, settings, address=address)
        yield Stack(backend, client, await Client.connect(address), settings)
    finally:
        await backend.close()
