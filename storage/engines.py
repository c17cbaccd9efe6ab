"""The engines of the two databases: how each is connected to, and what SQLite needs besides."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.address import Address
from storage.types import to_json

CONNECTIONS = 15
"""Connections at most, those of writers included."""


def create_engine(address: Address, timeout: float, patience: float) -> AsyncEngine:
    """An engine that has not connected yet.

    Args:
        address: Where the database is.
        timeout: Seconds to make a connection, or to wait for a lock of another process.
        patience: Seconds to wait for a free connection.
    """
    if address.file is None:
        return create_async_engine(
            address.url,
            json_serializer=to_json,
            connect_args={"timeout": timeout},
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=patience,
        )
    file = address.file
    engine = create_async_engine(
        address.url,
        json_serializer=to_json,
        # No isolation level: the driver would begin transactions by itself, and too late for a writer.
        # The wait for another process's lock ends before the time limit does, so that SQLite says why.
        connect_args={"isolation_level": None, "timeout": timeout * 0.75},
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience,
    )
    event.listen(engine.sync_engine, "do_connect", lambda *_: _require_file(file))
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def prepare_file(file: Path, timeout: float) -> None:
    """Make an SQLite file and its folder if need be, and have it keep a write-ahead log.

    With it readers and the writer do not wait for each other; the file remembers it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                # This one statement does not wait for another process that writes: SQLite fails it at once.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def _require_file(file: Path) -> None:
    # SQLite would make an empty database of a mistyped path. And a failed open is better avoided: the
    # driver's thread may outlive it and print a traceback when the program ends.
    if not file.is_file():
        raise FileNotFoundError("there is no such file; a worker makes it when it starts")
    if not os.access(file, os.R_OK | os.W_OK):
        raise PermissionError("the file may not be read and written")


def _configure(connection: Any, _record: object) -> None:
    # `synchronous` stays FULL: what is acknowledged here leaves a workflow's memory.
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer that began as a reader could not wait for the lock: SQLite fails it at once.
    writes = connection.get_execution_options().get("threadloom_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
