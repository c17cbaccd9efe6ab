"""Migrations from within the program: no alembic.ini, no command line."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from storage.failures import outdated

_FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x7468726561646C6D
"""Key of the advisory lock on PostgreSQL: the letters "threadlm"."""


def newest_revision() -> str:
    """The revision that this program works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("the installation holds no migrations")
    return revision


def stored_revision(connection: Connection) -> str | None:
    """The database's revision; None when it was never upgraded."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, shown: str) -> None:
    """Run what is missing, in the transaction that the connection is in.

    Two processes that start at once take turns: on PostgreSQL by an advisory lock that ends with the
    transaction; on SQLite the transaction itself is the only writer.

    Args:
        connection: In a transaction that writes.
        shown: The database's address, for people.

    Raises:
        ThreadloomError: `SCHEMA_OUTDATED` when a newer program upgraded the database.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    stored = stored_revision(connection)
    if stored is not None and stored not in known:
        raise outdated(shown, stored, newest_revision())
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    # Alembic reads % as the start of an interpolation, and a folder's name may hold one.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
