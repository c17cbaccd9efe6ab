"""The schema: built by migrations alone, equal to the tables, by any number of processes at once."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.errors import ThreadloomError
from storage import Database
from storage.address import parse_address
from storage.migrating import newest_revision
from storage.schema import metadata
from tests.contract.builders import steps, thread_batch

_UPGRADE = "import asyncio, sys; from storage import Database; asyncio.run(Database(sys.argv[1], timeout=30).upgrade())"


def make_empty(url: str) -> None:
    """A database that nobody has upgraded; on SQLite, a file without tables."""
    file = parse_address(url).file
    if file is not None:
        file.parent.mkdir(parents=True)
        file.touch()


async def set_revision(url: str, revision: str) -> None:
    engine = create_async_engine(parse_address(url).url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await engine.dispose()


async def test_the_migrations_build_the_tables_of_the_program(database: Database, empty_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = create_async_engine(parse_address(empty_url).url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_an_upgraded_database_passes_the_check_and_upgrades_again(database: Database) -> None:
    await database.check()
    await database.records.apply(thread_batch(steps(range(1, 3))))
    await database.upgrade()
    assert len(await database.records.history("s")) == 2


async def test_a_database_without_tables_is_outdated_whatever_is_asked(empty_url: str) -> None:
    make_empty(empty_url)
    database = Database(empty_url)
    with pytest.raises(ThreadloomError, match="SCHEMA_OUTDATED") as refused:
        await database.check()
    assert refused.value.details == {"stored": None, "wanted": newest_revision()}
    assert "is empty: a worker makes its tables when it starts" in str(refused.value)
    advice = "SCHEMA_OUTDATED.* is empty or older than this program, and a worker makes the tables when it starts"
    with pytest.raises(ThreadloomError, match=advice):
        await database.records.sessions()
    with pytest.raises(ThreadloomError, match=advice):
        await database.flows.list()
    with pytest.raises(ThreadloomError, match=advice):
        await database.records.apply(thread_batch(steps([1])))
    await database.close()


async def test_a_database_of_a_newer_program_is_left_alone(database: Database, empty_url: str) -> None:
    await set_revision(empty_url, "9999")
    with pytest.raises(ThreadloomError, match="SCHEMA_OUTDATED") as refused:
        await database.check()
    assert refused.value.details == {"stored": "9999", "wanted": newest_revision()}
    with pytest.raises(ThreadloomError, match="SCHEMA_OUTDATED"):
        await database.upgrade()


async def test_processes_that_upgrade_at_once_all_succeed(empty_url: str) -> None:
    root = Path(__file__).parents[2]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _UPGRADE, empty_url, cwd=root, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    async with asyncio.timeout(60):
        errors = [(await process.communicate())[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    database = Database(empty_url)
    await database.check()
    await database.close()


async def test_tasks_that_upgrade_at_once_all_succeed(empty_url: str) -> None:
    databases = [Database(empty_url, timeout=30) for _ in range(8)]
    await asyncio.gather(*(database.upgrade() for database in databases))
    await asyncio.gather(*(database.check() for database in databases))
    await asyncio.gather(*(database.close() for database in databases))


async def test_an_upgrade_waits_for_another_process_that_is_busy_with_the_new_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db", timeout=30)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.3, busy.execute, "COMMIT")
        await database.upgrade()
        await database.check()
    await database.close()
