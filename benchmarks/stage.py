"""What a benchmark plays on: a Temporal server of its own, the product, and a worker for what is written by hand."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks import hand
from benchmarks.common import Sample, Size
from benchmarks.flows import Flow
from benchmarks.history import read_job
from benchmarks.steps import INLINE_INCREMENT, add_one, increment
from domain.ids import thread_workflow_id
from domain.thread.functions import register
from threadloom.client import Threadloom
from threadloom.composition import connect, make_backend, make_worker
from threadloom.embedded import NAMESPACE, SERVER_SETTINGS, choose_port, embedded_server
from threadloom.session import SessionHandle
from threadloom.settings import Settings, sqlite_url

HAND_QUEUE = "by-hand"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A server, and clients of it.

    Attributes:
        address: `HOST:PORT` of the server.
        settings: The product's, for workers in other processes.
        loom: The product's client.
        bare: A client without the product's plugin, as a team has it.
    """

    address: str
    settings: Settings
    loom: Threadloom
    bare: Client

    async def run_by_hand(self, workflow: Any, *args: Any, result: Any) -> Sample:
        """Run a hand-written workflow; its result has to be this one."""
        workflow_id = f"by-hand-{uuid.uuid4().hex}"
        started = time.perf_counter()
        found = await self.bare.execute_workflow(workflow, args=args, id=workflow_id, task_queue=HAND_QUEUE)
        wall = time.perf_counter() - started
        _require(found, result)
        return (await read_job(self.bare, workflow_id)).sample(wall)

    async def run_flow(self, session: SessionHandle, flow: Flow, *, result: Any) -> Sample:
        """Run a flow as a thread of the session; its result has to be this one."""
        thread_id = f"t-{uuid.uuid4().hex}"
        workflow_id = thread_workflow_id(session.session_id, thread_id)
        started = time.perf_counter()
        await session.create_thread(flow, thread_id=thread_id)
        # Not `thread.result`, which looks again and again: this waits as `execute_workflow` does.
        found = await self.bare.get_workflow_handle(workflow_id).result()
        wall = time.perf_counter() - started
        _require(found["result"], result)
        return (await read_job(self.bare, workflow_id)).sample(wall)

    async def start_session(self) -> SessionHandle:
        """A session of its own."""
        return self.loom.session((await self.loom.start_session()).session_id)


@asynccontextmanager
async def server(size: Size, *, on_disk: bool = False) -> AsyncIterator[Stage]:
    """A server without workers.

    Args:
        size: Says whether the server is throttled.
        on_disk: Keep its workflows in a file; in memory otherwise, as for most development.
    """
    with tempfile.TemporaryDirectory(prefix="threadloom-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = Settings(task_queue="threadloom", database_url=sqlite_url(folder), metrics_address=None)
        backend = make_backend(settings.database_url)
        await backend.upgrade()
        running = embedded_server(
            port=choose_port(None),
            ui_port=choose_port(None),
            log_file=folder / "temporal.log",
            database=folder / "temporal.db" if on_disk else None,
            settings=[] if size.throttled else SERVER_SETTINGS,
        )
        try:
            async with running as temporal:
                client = await connect(backend, settings, address=temporal.address, namespace=NAMESPACE)
                bare = await Client.connect(temporal.address, namespace=NAMESPACE)
                loom = Threadloom(client, backend, settings, "benchmark")
                yield Stage(address=temporal.address, settings=settings, loom=loom, bare=bare)
        finally:
            await backend.close()


@asynccontextmanager
async def stage(size: Size, *, on_disk: bool = False) -> AsyncIterator[Stage]:
    """A server with one worker for either side, both in this process."""
    register(INLINE_INCREMENT, add_one)
    async with server(size, on_disk=on_disk) as made:
        ours = make_worker(made.loom.client, made.settings, activities=[increment])
        theirs = Worker(made.bare, task_queue=HAND_QUEUE, workflows=list(hand.ALL), activities=[increment])
        async with ours, theirs:
            yield made


def _require(found: Any, wanted: Any) -> None:
    if found != wanted:
        raise RuntimeError(f"a job ended with {found!r:.200} instead of {wanted!r:.200}")
