"""The one place where failures of databases and drivers become codes."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.errors import Code, ThreadloomError

_AWAY = (
    "08",  # connection exception
    "25006",  # read-only transaction: a standby answered
    "28",  # invalid authorization
    "3D000",  # no such database
    "40",  # rolled back: deadlock, serialization
    "53",  # insufficient resources
    "55P03",  # lock not available
    "57",  # operator intervention: shutting down, starting up
    "58",  # system error
)
"""Classes of SQLSTATE that say that PostgreSQL cannot serve now, whatever is asked."""

_NO_SUCH_TABLE = "42P01"
_NO_SUCH_COLUMN = "42703"


def translate(error: Exception, shown: str) -> ThreadloomError | None:
    """The error to raise instead: `DATABASE_UNREACHABLE`, `SCHEMA_OUTDATED`, or None for a defect.

    A violated constraint or a malformed statement is a defect of this program and stays what it is.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause, shown)
    sqlstate = getattr(cause, "sqlstate", None)
    if isinstance(sqlstate, str):
        if sqlstate == _NO_SUCH_TABLE:
            return _without_table(shown, str(cause))
        if sqlstate == _NO_SUCH_COLUMN:
            return _incomplete(shown, str(cause))
        return unreachable(shown, str(cause)) if sqlstate.startswith(_AWAY) else None
    if isinstance(error, DBAPIError):
        return unreachable(shown, str(cause)) if error.connection_invalidated else None
    if isinstance(error, OSError | PoolTimeoutError):  # OSError includes TimeoutError
        return unreachable(shown, str(error) or "no answer in time")
    return None


def unreachable(shown: str, why: str) -> ThreadloomError:
    """The failure of a database that does not serve."""
    return ThreadloomError(Code.DATABASE_UNREACHABLE, f"{shown} does not answer: {why}", {"database": shown})


def outdated(shown: str, stored: str | None, wanted: str) -> ThreadloomError:
    """The failure of a database whose schema is another version's, or that has none (`stored` is None)."""
    why = (
        f"{shown} is empty: a worker makes its tables when it starts"
        if stored is None
        else f"the schema of {shown} is at {stored}; this program works with {wanted}"
    )
    return ThreadloomError(Code.SCHEMA_OUTDATED, why, {"stored": stored, "wanted": wanted})


def _without_table(shown: str, why: str) -> ThreadloomError:
    """Who meets this has most likely not started a worker yet."""
    return ThreadloomError(
        Code.SCHEMA_OUTDATED,
        f"{shown} is empty or older than this program, and a worker makes the tables when it starts: {why}",
    )


def _incomplete(shown: str, why: str) -> ThreadloomError:
    return ThreadloomError(Code.SCHEMA_OUTDATED, f"the schema of {shown} is another version's: {why}")


def _from_sqlite(cause: sqlite3.Error, shown: str) -> ThreadloomError | None:
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        # SQLite has one code for a missing table and for malformed SQL; only its text tells them apart.
        if str(cause).startswith("no such table"):
            return _without_table(shown, str(cause))
        return _incomplete(shown, str(cause)) if str(cause).startswith("no such") else None
    if isinstance(cause, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return None
    return unreachable(shown, str(cause))  # locked, missing, read-only, full, or not a database
