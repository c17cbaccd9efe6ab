"""A product on the time-skipping server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.integration.stack import Session, Stack
from threadloom.composition import make_backend
from threadloom.plugin import ThreadloomPlugin
from threadloom.settings import Settings


@dataclass
class Clockwork:
    """A product, and its time."""

    environment: WorkflowEnvironment
    stack: Stack

    async def skip(self, **duration: float) -> None:
        """Let so much time pass."""
        await self.environment.sleep(timedelta(**duration))

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def session(self, **start: Any) -> Session:
        return await self.stack.start_session(**start)


@asynccontextmanager
async def clockwork(environment: WorkflowEnvironment, folder: Path) -> AsyncIterator[Clockwork]:
    """The product on the environment's server, with a fresh database."""
    settings = Settings(task_queue=f"queue-{uuid.uuid4().hex[:12]}", database_url=f"sqlite:///{folder / 'test.db'}")
    backend = make_backend(settings.database_url)
    await backend.upgrade()
    bare = environment.client
    try:
        address = bare.service_client.config.target_host
        client = await Client.connect(address, plugins=[ThreadloomPlugin(backend)])
        yield Clockwork(environment, Stack(backend, client, bare, settings))
    finally:
        await backend.close()
