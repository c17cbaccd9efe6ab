"""A database that is away says so in time, by its address, and is used again when it is back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from domain.errors import ThreadloomError
from storage import Database
from storage.address import parse_address
from tests.contract.builders import START, steps, thread_batch
from tests.servers import PostgresqlServer

Use = Callable[[Database], Awaitable[object]]

USES: dict[str, Use] = {
    "check": lambda database: database.check(),
    "apply": lambda database: database.records.apply(thread_batch(steps([1]))),
    "history": lambda database: database.records.history("s"),
    "register": lambda database: database.flows.register({"flow": "f", "version": "1"}, "d", actor=None, at=START),
    "put": lambda database: database.payloads.put([b"value"]),
    "get": lambda database: database.payloads.get(["0" * 64]),
}


@pytest.fixture(params=USES)
def use(request: pytest.FixtureRequest) -> Use:
    return USES[request.param]


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Somebody else's transaction that lets nobody write."""
    engine = create_async_engine(parse_address(url).url)
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("LOCK TABLE payloads, records, session_counters IN EXCLUSIVE MODE"))
        else:
            await connection.execute(text("BEGIN IMMEDIATE"))
        yield
    await engine.dispose()


async def test_a_port_where_nobody_listens(use: Use) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        database = Database(f"postgres://ann:s3cret@127.0.0.1:{port}/x")
        with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE") as refused:
            await use(database)
    assert f"127.0.0.1:{port}/x" in refused.value.message
    assert "s3cret" not in f"{refused.value.message} {refused.value.details}"
    await database.close()


async def test_a_server_that_never_answers(use: Use) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        database = Database(f"postgresql://ann@127.0.0.1:{listening.getsockname()[1]}/x", timeout=0.2)
        async with asyncio.timeout(10):
            with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
                await use(database)
        await database.close()


async def test_a_file_that_is_not_there_is_not_made_by_asking(use: Use, tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    database = Database(f"sqlite:///{file}")
    with pytest.raises(ThreadloomError, match=r"DATABASE_UNREACHABLE.*none\.db"):
        await use(database)
    await database.close()
    assert not file.exists()


async def test_a_file_that_is_no_database(use: Use, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database " * 100)
    database = Database(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await use(database)
    await database.close()


async def test_a_database_name_that_the_server_does_not_know(postgresql_server: PostgresqlServer, use: Use) -> None:
    database = Database(postgresql_server.create_database().replace("/test_", "/no_test_"))
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await use(database)
    await database.close()


@pytest.mark.parametrize("name", ["apply", "put"])
async def test_a_writer_gives_up_on_a_lock_and_succeeds_when_it_is_gone(
    database: Database, empty_url: str, name: str
) -> None:
    hasty = Database(empty_url, timeout=0.2)
    async with locked(empty_url):
        for _ in range(3):
            async with asyncio.timeout(10):
                with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
                    await USES[name](hasty)
    await USES[name](database)
    await hasty.close()


async def test_connections_that_the_server_has_cut_are_replaced(postgresql_server: PostgresqlServer) -> None:
    url = postgresql_server.create_database()
    database = Database(url)
    await database.upgrade()
    await database.payloads.put([b"value"])
    engine = create_async_engine(parse_address(url).url)
    async with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        await connection.execute(text(f"{others} AND datname = current_database()"))
    await engine.dispose()
    assert len(await database.payloads.put([b"value", b"another"])) == 2
    await database.close()


async def test_a_closed_database_can_be_used_again(database: Database) -> None:
    await database.close()
    await database.check()


async def test_a_violated_constraint_is_not_taken_for_an_outage(database: Database) -> None:
    nameless = thread_batch(steps([1])).model_copy(update={"workflow_id": None})
    with pytest.raises(IntegrityError):
        await database.records.apply(nameless)
