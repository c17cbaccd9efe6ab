"""The first tables: records and their epochs, lists of sessions and threads, flows, payloads.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "epochs",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "base", sa.Integer(), nullable=True, comment="The epoch whose records below first_seq this one shares"
        ),
        sa.Column("first_seq", sa.Integer(), nullable=False, comment="The first record of its own"),
        sa.Column("through", sa.Integer(), nullable=False, comment="The highest record_seq stored"),
        sa.Column(
            "last_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Of its latest record: the live epoch has the latest",
        ),
        sa.PrimaryKeyConstraint("workflow_id", "epoch", name="pk_epochs"),
        comment="The timelines of each workflow",
    )
    op.create_table(
        "flows",
        sa.Column("id", sa.Integer(), nullable=False, comment="The order of registration"),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_flows"),
        sa.UniqueConstraint("flow", "version", name="uq_flows_flow_version"),
    )
    op.create_table(
        "payloads",
        sa.Column("key", sa.String(length=64), nullable=False, comment="SHA-256 of data, in hex"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_payloads"),
    )
    op.create_table(
        "records",
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "record_seq",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Below 1: a note of the store's own",
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, comment="Counts per session, from 1, without gaps"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("flow", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=True, comment="A journal entry"),
        sa.Column("entry_seq", sa.Integer(), nullable=True),
        sa.Column("seed", sa.JSON(), nullable=True, comment="What a thread's journal starts from"),
        sa.PrimaryKeyConstraint("workflow_id", "epoch", "record_seq", name="pk_records"),
        sa.UniqueConstraint("session_id", "seq", name="uq_records_session_id_seq"),
        comment="The event log and the journal: append only",
    )
    op.create_index("ix_records_session_id_thread_id_seq", "records", ["session_id", "thread_id", "seq"], unique=False)
    op.create_index("ix_records_session_id_type_seq", "records", ["session_id", "type", "seq"], unique=False)
    op.create_table(
        "session_counters",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_session_counters"),
        comment="The lock under which records.seq is given out",
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("statistics", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_status_updated_at", "sessions", ["status", "updated_at"], unique=False)
    op.create_index("ix_sessions_updated_at", "sessions", ["updated_at"], unique=False)
    op.create_table(
        "threads",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True, comment="Of the thread's own workflow; null until it wrote"),
        sa.Column("flow", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("flow_digest", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("root", sa.Text(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("current_node", sa.Text(), nullable=True),
        sa.Column("waiting", sa.JSON(), nullable=True),
        sa.Column("fork_info", sa.JSON(), nullable=True),
        sa.Column("copy_info", sa.JSON(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "thread_id", name="pk_threads"),
    )
    op.create_index("ix_threads_created_at", "threads", ["created_at"], unique=False)
    op.create_index("ix_threads_flow_version_created_at", "threads", ["flow", "version", "created_at"], unique=False)
    op.create_index("ix_threads_status_created_at", "threads", ["status", "created_at"], unique=False)
