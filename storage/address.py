"""Database URLs: the forms people write, what SQLAlchemy needs, and what may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import Code, ThreadloomError

_POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_SQLITE = ("sqlite", "sqlite+aiosqlite")
_OPTIONS = {"host": "host", "port": "port", "user": "user", "password": "password", "ssl": "ssl", "sslmode": "ssl"}
"""What may follow the question mark, in libpq's names, and the driver's name for it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is.

    Attributes:
        url: For SQLAlchemy's asynchronous engine.
        shown: For people: without the password.
        file: The database's file; None unless it is SQLite.
    """

    url: URL
    shown: str
    file: Path | None = None


def parse_address(text: str) -> Address:
    """Read a URL as people write it: `sqlite:///PATH`, `postgresql://…` or `postgres://…`.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, never quoting the URL, which may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise _refuse("the database URL is malformed; write sqlite:///PATH or postgresql://HOST/NAME") from error
    if url.drivername in _SQLITE:
        return _sqlite(url)
    if url.drivername in _POSTGRESQL:
        return _postgresql(url)
    raise _refuse(f"databases of kind {url.drivername!r} are not supported; use sqlite:///PATH or postgresql://…")


def _sqlite(url: URL) -> Address:
    if url.host or url.query or not url.database or url.database == ":memory:":
        raise _refuse("SQLite needs a file: sqlite:///relative/path or sqlite:////absolute/path")
    file = Path(url.database).absolute()
    return Address(URL.create("sqlite+aiosqlite", database=str(file)), f"sqlite:///{file}", file)


def _postgresql(url: URL) -> Address:
    surplus = sorted(url.query.keys() - _OPTIONS.keys())
    if surplus:
        raise _refuse(f"the database URL has options that are not known: {', '.join(surplus)}")
    query = {_OPTIONS[name]: value for name, value in url.query.items()}
    shown = url.set(drivername="postgresql")
    if "password" in query:
        shown = shown.update_query_dict({"password": "***"})
    return Address(url.set(drivername="postgresql+asyncpg", query=query), shown.render_as_string(hide_password=True))


def _refuse(message: str) -> ThreadloomError:
    return ThreadloomError(Code.INVALID_ARGUMENT, message)
