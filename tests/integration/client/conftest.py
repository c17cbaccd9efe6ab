"""Fixtures of the client's tests: the client of a stack, and the same as another process has it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from temporalio.worker import Worker

from tests.integration.client.flows import echo, gated, never, third_time
from tests.integration.stack import Stack
from tests.servers import TemporalServer
from threadloom import SessionHandle, Threadloom, open_threadloom


@pytest.fixture
def loom(stack: Stack) -> Threadloom:
    """A client; no worker runs yet."""
    return Threadloom(stack.client, stack.backend, stack.settings, "ann")


@pytest.fixture
async def other(stack: Stack, temporal_server: TemporalServer) -> AsyncIterator[Threadloom]:
    """The client of another process."""
    async with open_threadloom(stack.settings, address=temporal_server.address, actor="bob") as client:
        yield client


@pytest.fixture
async def worker(stack: Stack) -> AsyncIterator[Worker]:
    """A worker with all activities of these tests."""
    async with stack.worker(echo, gated, third_time, never) as running:
        yield running


@pytest.fixture
def new_id() -> str:
    """An id that no other test has used on the server they share."""
    return f"s-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def session(worker: Worker, loom: Threadloom) -> SessionHandle:
    """An active session, and a worker that serves it."""
    return loom.session((await loom.start_session()).session_id)
