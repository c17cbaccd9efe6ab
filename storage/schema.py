"""The tables. The migrations build the same ones; a test keeps the two equal.

JSON columns are JSON, not JSONB: JSONB reorders keys, rewrites numbers and refuses the character
NUL, and what is restored from a journal must be what the thread had. Nothing searches inside them.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from storage.types import AnyText, Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

epochs = Table(
    "epochs",
    metadata,
    Column("workflow_id", AnyText, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("base", Integer, comment="The epoch whose records below first_seq this one shares"),
    Column("first_seq", Integer, nullable=False, comment="The first record of its own"),
    Column("through", Integer, nullable=False, comment="The highest record_seq stored"),
    Column("last_at", Instant, nullable=False, comment="Of its latest record: the live epoch has the latest"),
    comment="The timelines of each workflow",
)

records = Table(
    "records",
    metadata,
    Column("workflow_id", AnyText, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("record_seq", Integer, primary_key=True, autoincrement=False, comment="Below 1: a note of the store's own"),
    Column("digest", String(64), nullable=False),
    Column("session_id", AnyText, nullable=False),
    Column("seq", Integer, nullable=False, comment="Counts per session, from 1, without gaps"),
    Column("type", AnyText, nullable=False),
    Column("at", Instant, nullable=False),
    Column("thread_id", AnyText),
    Column("flow", AnyText),
    Column("node", AnyText),
    Column("visit", Integer),
    Column("actor", AnyText),
    Column("reason", AnyText),
    Column("title", AnyText, nullable=False),
    Column("details", JSON, nullable=False),
    Column("entry", JSON(none_as_null=True), comment="A journal entry"),
    Column("entry_seq", Integer),
    Column("seed", JSON(none_as_null=True), comment="What a thread's journal starts from"),
    UniqueConstraint("session_id", "seq"),
    Index(None, "session_id", "thread_id", "seq"),
    Index(None, "session_id", "type", "seq"),
    comment="The event log and the journal: append only",
)

session_counters = Table(
    "session_counters",
    metadata,
    Column("session_id", AnyText, primary_key=True),
    Column("last_seq", Integer, nullable=False),
    comment="The lock under which records.seq is given out",
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", AnyText, primary_key=True),
    Column("status", AnyText, nullable=False),
    Column("title", AnyText, nullable=False),
    Column("user_id", AnyText),
    Column("config", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("statistics", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(None, "updated_at"),
    Index(None, "status", "updated_at"),
)

threads = Table(
    "threads",
    metadata,
    Column("session_id", AnyText, primary_key=True),
    Column("thread_id", AnyText, primary_key=True),
    Column("epoch", Integer, comment="Of the thread's own workflow; null until it wrote"),
    Column("flow", AnyText),
    Column("version", AnyText),
    Column("flow_digest", AnyText),
    Column("status", AnyText, nullable=False),
    Column("priority", AnyText, nullable=False),
    Column("title", AnyText, nullable=False),
    Column("parent", AnyText),
    Column("root", AnyText),
    Column("depth", Integer, nullable=False),
    Column("origin", AnyText, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("current_node", AnyText),
    Column("waiting", JSON(none_as_null=True)),
    Column("fork_info", JSON(none_as_null=True)),
    Column("copy_info", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True)),
    Column("error", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("destroyed", Boolean, nullable=False),
    Index(None, "created_at"),
    Index(None, "flow", "version", "created_at"),
    Index(None, "status", "created_at"),
)

flows = Table(
    "flows",
    metadata,
    Column("id", Integer, primary_key=True, comment="The order of registration"),
    Column("flow", AnyText, nullable=False),
    Column("version", AnyText, nullable=False),
    Column("digest", AnyText, nullable=False),
    Column("status", AnyText, nullable=False),
    Column("title", AnyText, nullable=False),
    Column("description", AnyText, nullable=False),
    Column("document", JSON, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("registered_by", AnyText),
    UniqueConstraint("flow", "version"),
)

payloads = Table(
    "payloads",
    metadata,
    Column("key", String(64), primary_key=True, comment="SHA-256 of data, in hex"),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)
