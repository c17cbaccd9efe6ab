"""The composition root: where ports get their implementations. `worker.py` and the commands share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import Worker

from domain.errors import Code, ThreadloomError
from storage import Database
from storage.payload_driver import SqlPayloadDriver
from threadloom.backend import Backend
from threadloom.client import Threadloom
from threadloom.plugin import ThreadloomPlugin
from threadloom.secrets import EnvironmentSecrets
from threadloom.settings import Settings

CONNECT_SECONDS = 5.0
"""Within this a server has answered or is unreachable; the command line promises ten."""


def make_backend(database_url: str) -> Backend:
    """The backend of a database; nothing is connected yet.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` when the URL is none that SQLAlchemy's drivers here take.
    """
    database = Database(database_url)
    return Backend(
        address=database.url_shown,
        records=database.records,
        flows=database.flows,
        payload_driver=SqlPayloadDriver(database.payloads),
        upgrade=database.upgrade,
        check=database.check,
        close=database.close,
    )


async def connect(
    backend: Backend,
    settings: Settings,
    *,
    address: str | None = None,
    namespace: str | None = None,
    metrics: bool = False,
) -> Client:
    """A Temporal client with the plugin, as the environment says, or to another address.

    Raises:
        ThreadloomError: `SERVER_UNREACHABLE` with the address, within ten seconds; `INVALID_ARGUMENT`
            when the metrics cannot be served.
    """
    config: dict[str, Any] = {"target_host": "localhost:7233"}
    if address is None or namespace is None:
        config |= ClientConfig.load_client_connect_config()
    # With both given it is another server than the environment's, whose certificates and keys are not for it.
    config |= {"target_host": address} if address is not None else {}
    config |= {"namespace": namespace} if namespace is not None else {}
    config["runtime"] = _runtime(settings.metrics_address if metrics else None)
    secrets = EnvironmentSecrets(Path(settings.secrets_dir) if settings.secrets_dir else None)
    plugin = ThreadloomPlugin(backend, payload_threshold=settings.payload_threshold, secrets=secrets)
    target = config["target_host"]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await Client.connect(**config, plugins=[plugin])
    except (RuntimeError, TimeoutError) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Somebody stopped waiting (Ctrl-C), and the SDK told it as a failure of its own.
            raise asyncio.CancelledError from error
        message = f"no Temporal server answers at {target}: {_reason(error)}"
        raise ThreadloomError(Code.SERVER_UNREACHABLE, message, {"address": target}) from error


@cache
def _runtime(metrics_address: str | None) -> Runtime:
    """The SDK's runtime; its own log goes to Python's, because by itself it would write on stdout."""
    logging_config = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
    )
    metrics = PrometheusConfig(bind_address=metrics_address) if metrics_address else None
    try:
        return Runtime(telemetry=TelemetryConfig(logging=logging_config, metrics=metrics))
    except ValueError as error:
        message = f"metrics cannot be served at {metrics_address!r}, which should be a free IP:PORT: {error}"
        raise ThreadloomError(Code.INVALID_ARGUMENT, message) from error


def _reason(error: Exception) -> str:
    """Why a connection failed, out of the SDK's nested words."""
    text = str(error)
    known = {"Connection refused": "connection refused", "dns error": "the name is not known"}
    return next((short for found, short in known.items() if found in text), text[:200] or "time-out")


@asynccontextmanager
async def open_threadloom(
    settings: Settings | None = None, *, address: str | None = None, actor: str | None = None
) -> AsyncIterator[Threadloom]:
    """A client, for as long as the context lasts.

    Args:
        settings: As the environment says by default.
        address: Of the Temporal server; as the environment says by default.
        actor: Who works with it, for the history; the login name by default.

    Raises:
        ThreadloomError: `SERVER_UNREACHABLE`, `INVALID_ARGUMENT` (a database URL of another kind).
    """
    settings = settings or Settings()
    backend = make_backend(settings.database())
    try:
        yield Threadloom(await connect(backend, settings, address=address), backend, settings, actor)
    finally:
        await backend.close()


def make_worker(
    client: Client,
    settings: Settings,
    *,
    activities: Sequence[Callable[..., Any]] = (),
    concurrency: int = 100,
    max_cached_workflows: int = 1_000,
) -> Worker:
    """A worker of the product's own task queue, with a team's activities beside our own."""
    return Worker(
        client,
        task_queue=settings.task_queue,
        activities=list(activities),
        activity_executor=ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="activity"),
        max_concurrent_activities=concurrency,
        max_cached_workflows=max_cached_workflows,
        # What a worker that died had cached is asked of another one after so long.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=3),
        graceful_shutdown_timeout=timedelta(seconds=5),
    )
