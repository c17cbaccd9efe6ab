"""Transactions: a lazily created engine, time limits, and failures as codes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.address import Address
from storage.engines import create_engine, prepare_file
from storage.failures import translate

_POSTGRESQL_WRITERS = 8
"""Writers at a time: a burst of records that queue for one session leaves connections for reads."""


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
                await asyncio.to_thread(prepare_file, self._address.file, self.timeout)
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
            self._engine = create_engine(self._address, self.timeout, self.patience)
        return self._engine
