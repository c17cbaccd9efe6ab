"""Users of a resource pool that do as a test says: bare workflows under the ids of a session and its threads."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio import workflow
from temporalio.worker import Worker

from tests.integration.stack import Handle, Stack, eventually


@workflow.defn(name="PoolUser", sandboxed=False)
class PoolUser:
    """Stands for a session, and collects what it is answered; or for a thread, and just lives."""

    def __init__(self) -> None:
        self._answers: list[dict[str, Any]] = []
        self._ended = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._ended)

    @workflow.signal
    def lease_answer(self, answer: dict[str, Any]) -> None:
        self._answers.append(answer)

    @workflow.signal
    def end(self) -> None:
        self._ended = True

    @workflow.query
    def answers(self) -> list[dict[str, Any]]:
        return self._answers


@dataclass
class Pool:
    """A pool, driven with raw messages, and sessions that use it."""

    stack: Stack
    pool: str
    handle: Handle
    users: str

    async def update(self, name: str, **message: Any) -> dict[str, Any]:
        message.setdefault("command_id", uuid.uuid4().hex)
        answer: dict[str, Any] = await self.handle.execute_update(name, {"actor": "tester", **message})
        return answer

    async def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = await self.handle.query("describe")
        return description

    async def leases(self) -> dict[str, Any]:
        leases: dict[str, Any] = await self.handle.query("leases")
        return leases

    async def holders(self) -> list[str]:
        return [lease["lease_id"] for lease in (await self.leases())["holders"]]

    async def held_by(self, *lease_ids: str) -> None:
        """Wait until exactly these leases are granted."""
        await eventually(self.holders, lambda seen: sorted(seen) == sorted(lease_ids))

    async def start_user(self, workflow_id: str) -> Handle:
        return await self.stack.bare.start_workflow("PoolUser", id=workflow_id, task_queue=self.users)

    async def start_session(self) -> PoolSession:
        """A session that collects its answers."""
        session_id = f"u-{uuid.uuid4().hex[:12]}"
        return PoolSession(self, session_id, await self.start_user(f"session/{session_id}"))

    async def records(self) -> list[dict[str, Any]]:
        """The pool's records in their order, as far as they are written."""
        found = await self.stack.backend.records.history(self.handle.id, limit=10_000)
        return [{"type": record.type, **record.details} for record in found]


@dataclass
class PoolSession:
    """A session that uses a pool."""

    pool: Pool
    session_id: str
    handle: Handle

    async def start_thread(self, thread_id: str) -> Handle:
        """A thread of it that lives."""
        return await self.pool.start_user(f"session/{self.session_id}/thread/{thread_id}")

    async def request(self, lease_id: str, **fields: Any) -> None:
        """Ask for a lease of the thread that is called like it."""
        asked = {"session_id": self.session_id, "thread_id": lease_id, "since": datetime.now(UTC).isoformat()}
        await self.pool.handle.signal("lease_request", {"lease_id": lease_id, **asked, **fields})

    async def give_up(self, lease_id: str) -> None:
        await self.pool.handle.signal("lease_release", {"lease_id": lease_id})

    async def answers(self) -> list[tuple[str, str]]:
        """What it was told: (lease, `granted` or the code)."""
        told: list[dict[str, Any]] = await self.handle.query("answers")
        return [(answer["lease_id"], "granted" if answer["granted"] else answer["error"]["code"]) for answer in told]

    async def answered(self, count: int) -> list[tuple[str, str]]:
        """Wait until it was told so much."""
        return await eventually(self.answers, lambda seen: len(seen) >= count)

    async def told(self, *wanted: tuple[str, str]) -> None:
        """Wait until it was told exactly this."""
        await eventually(self.answers, lambda seen: sorted(seen) == sorted(wanted))


async def start_pool(stack: Stack, users: str, capacity: float, **config: Any) -> Pool:
    """A pool with a name of its own."""
    pool = f"p-{uuid.uuid4().hex[:12]}"
    handle = await stack.bare.start_workflow(
        "ResourcePoolWorkflow",
        {"pool": pool, "config": {"capacity": capacity, **config}, "actor": "tester"},
        id=f"pool/{pool}",
        task_queue=stack.settings.task_queue,
    )
    return Pool(stack, pool, handle, users)


@asynccontextmanager
async def users(stack: Stack) -> AsyncIterator[str]:
    """A worker for sessions and threads that a test makes; the name of its task queue."""
    queue = f"{stack.settings.task_queue}-users"
    async with Worker(stack.bare, task_queue=queue, workflows=[PoolUser]):
        yield queue
