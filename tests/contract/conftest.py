from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database
from tests.servers import postgresql_server

__all__ = ["postgresql_server"]

PATIENT = 30.0
"""Seconds: only the tests of outages are about time, and they choose their own."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables, on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/threadloom.db"
    url: str = request.getfixturevalue("postgresql_server").create_database()
    return url


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database with this version's schema."""
    database = Database(empty_url, timeout=PATIENT)
    await database.upgrade()
    yield database
    await database.close()


@pytest.fixture
async def other(database: Database, empty_url: str) -> AsyncIterator[Database]:
    """The same database, as another process has it: nothing shared but the server or the file."""
    other = Database(empty_url, timeout=PATIENT)
    yield other
    await other.close()
