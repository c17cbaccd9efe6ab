"""Transactions: a lazily created engine, time limits, and failures as codes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.address import Address
from storage.failures import translate
from storage.types import to_json

_CONNECTIONS = 15
"""Connections at most, writers included (SQLAlchemy's own default)."""

_POSTGRESQL_WRITERS = 8
"""Writers at a time: a burst of records that queue for one session leaves connections for payloads and reads."""


class Connector:
    """Opens transactions on one database. Nothing is connected before the first one.

    Args:
        address: Where the database is.
        timeout: Seconds within which a payload is read or written, and a connection made.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.shown = address.shown
        self.timeout = timeout
        self.patience = 4 * timeout
        """Seconds for everything else: lists and journals read far more than one payload does."""
        self._address = address
        self._engine: AsyncEngine | None = None
        # SQLite has one writer at a time, and its own waiting is unfair: a queue here, first come first served.
        self._writers = asyncio.Semaphore(1 if address.file else _POSTGRESQL_WRITERS)

    @asynccontextmanager
    async def reading(self, within: float | None = None) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads.

        Args:
            within: Seconds for the whole of it; `patience` by default.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE` or `SCHEMA_OUTDATED`.
        """
        async with self._limited(within or self.patience), self._open().begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, within: float | None = None) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed when the block ends, rolled back when it raises.

        Args and errors as for `reading`.
        """
        engine = self._open().execution_options(threadloom_writes=True)
        async with self._limited(within or self.patience), self._writers, engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for schema changes, which may take as long as they take.

        Creates the file and its folder when the database is SQLite.
        """
        async with self._limited(None), self._writers:
            if self._address.file is not None:
                self._address.file.parent.mkdir(parents=True, exist_ok=True)
                self._address.file.touch()
            async with self._open().execution_options(threadloom_writes=True).begin() as connection:
                yield connection

    async def close(self) -> None:
        """Give back all connections. A later transaction opens them anew."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    @asynccontextmanager
    async def _limited(self, seconds: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except Exception as error:
            failure = translate(error, self.shown)
            if failure is None:
                raise
            raise failure from error

    def _open(self) -> AsyncEngine:
        if self._engine is None:
            self._engine = self._sqlite() if self._address.file else self._postgresql()
        return self._engine

    def _postgresql(self) -> AsyncEngine:
        return create_async_engine(
            self._address.url,
            json_serializer=to_json,
            connect_args={"timeout": self.timeout},
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=self.patience,
        )

    def _sqlite(self) -> AsyncEngine:
        engine = create_async_engine(
            self._address.url,
            json_serializer=to_json,
            # No isolation level: the driver would begin transactions by itself, and too late for a writer.
            # The wait for another process's lock ends before the time limit does, so that SQLite says why.
            connect_args={"isolation_level": None, "timeout": self.timeout * 0.75},
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=self.patience,
        )
        event.listen(engine.sync_engine, "do_connect", self._require_file)
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine

    def _require_file(self, *_connecting: object) -> None:
        # SQLite would make an empty database of a mistyped path. And a failed open is better avoided: the
        # driver's thread may outlive it and print a traceback when the program ends.
        file = self._address.file
        if file is None or not file.is_file():
            raise FileNotFoundError("there is no such file; a worker makes it when it starts")
        if not os.access(file, os.R_OK | os.W_OK):
            raise PermissionError("the file may not be read and written")


def _configure_sqlite(connection: Any, _record: object) -> None:
    # `synchronous` stays FULL: what is acknowledged here leaves a workflow's memory.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader could not wait for the lock: SQLite fails it at once.
    writes = connection.get_execution_options().get("threadloom_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
