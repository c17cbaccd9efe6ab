"""Running a worker in a process of its own: until a signal, and with an honest end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from domain.errors import Code, ThreadloomError
from threadloom.pollers import find_pollers

_SEEN_SECONDS = 10.0
_BETWEEN_TRIES = 0.05


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Do the work until it ends, or until SIGINT or SIGTERM cancels it; a second signal cancels its clean-up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def serve(worker: Worker, client: Client, announce: Callable[[], None]) -> None:
    """Run the worker until this call is cancelled; then let it end what it can, and return.

    Args:
        worker: The worker.
        client: Its client.
        announce: Called once, when the server has seen the worker poll.

    Raises:
        ThreadloomError: `SERVER_UNREACHABLE` when the worker cannot start.
        Exception: What made the worker fail later on.
    """
    running = asyncio.ensure_future(worker.run())
    try:
        seeing = asyncio.ensure_future(_seen(client, worker.task_queue))
        await asyncio.wait({running, seeing}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            seeing.cancel()
            _raise_start_failure(running)
        announce()
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await worker.shutdown()
        await running


async def _seen(client: Client, task_queue: str) -> None:
    """Return when the server knows of our polls; also when it does not tell, or takes too long to."""
    with contextlib.suppress(ThreadloomError, TimeoutError):
        async with asyncio.timeout(_SEEN_SECONDS):
            while True:
                if client.identity in (await find_pollers(client, task_queue)).workflows:
                    return
                await asyncio.sleep(_BETWEEN_TRIES)


def _raise_start_failure(running: asyncio.Future[None]) -> None:
    error = running.exception()
    if isinstance(error, RuntimeError):
        raise ThreadloomError(Code.SERVER_UNREACHABLE, f"the worker cannot start: {error}") from error
    if error is not None:
        raise error
