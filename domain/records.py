"""Records: what sessions and threads tell the database, for search, counts and audit.

A workflow numbers its records from 1, in the order in which they happened, and hands them over in
batches. Its key in the database is (workflow_id, epoch, seq) with the record's digest, so a batch
applied twice counts once; the same key with another digest means that the workflow's past was
rewritten (a reset in Temporal, an id used again after retention), and opens a new epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, field_serializer

from domain.values import Json, JsonObject, digest


class RecordType(StrEnum):
    """The types of history records."""

    SESSION_CREATED = "session_created"
    SESSION_STARTED = "session_started"
    SESSION_STATUS_CHANGED = "session_status_changed"
    SESSION_CONFIG_CHANGED = "session_config_changed"
    SESSION_CLOSED = "session_closed"
    SESSION_RESTORED = "session_restored"
    THREAD_CREATED = "thread_created"
    THREAD_STARTED = "thread_started"
    THREAD_PAUSE_REQUESTED = "thread_pause_requested"
    THREAD_PAUSED = "thread_paused"
    THREAD_RESUMED = "thread_resumed"
    THREAD_FORKED = "thread_forked"
    THREAD_COPIED = "thread_copied"
    THREAD_COMPLETED = "thread_completed"
    THREAD_FAILED = "thread_failed"
    THREAD_CLOSE_REQUESTED = "thread_close_requested"
    THREAD_CANCEL_REQUESTED = "thread_cancel_requested"
    THREAD_CANCELLED = "thread_cancelled"
    THREAD_DESTROYED = "thread_destroyed"
    MESSAGE_SENT = "message_sent"
    SNAPSHOT_RESTORED = "snapshot_restored"
    NODE_EXECUTED = "node_executed"
    NODE_FAILED = "node_failed"
    NODE_SKIPPED = "node_skipped"
    NODE_COMPENSATED = "node_compensated"
    SUBFLOW_ENTERED = "subflow_entered"
    FLOW_STARTED = "flow_started"
    FLOW_EXECUTED = "flow_executed"
    FLOW_FAILED = "flow_failed"
    VARIABLES_CHANGED = "variables_changed"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_DECIDED = "approval_decided"
    POOL_CREATED = "pool_created"
    POOL_CONFIG_CHANGED = "pool_config_changed"
    POOL_CLOSED = "pool_closed"
    RESOURCE_REQUESTED = "resource_requested"
    RESOURCE_ALLOCATED = "resource_allocated"
    RESOURCE_RELEASED = "resource_released"
    RESOURCE_DENIED = "resource_denied"
    WARNING = "warning"
    ERROR = "error"


JOURNAL_TYPES = (
    RecordType.NODE_EXECUTED,
    RecordType.NODE_FAILED,
    RecordType.NODE_SKIPPED,
    RecordType.SUBFLOW_ENTERED,
    RecordType.FLOW_STARTED,
    RecordType.FLOW_EXECUTED,
    RecordType.FLOW_FAILED,
    RecordType.VARIABLES_CHANGED,
)
"""The types whose records carry a journal item."""


class Row(BaseModel):
    """Base of everything written to or read from the database."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SessionRow(Row):
    """What the list of sessions shows. Written whole whenever something in it changed."""

    session_id: str
    status: str
    title: str = ""
    user_id: str | None = None
    config: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    statistics: dict[str, Any] = {}
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None


class ThreadRow(Row):
    """What the list of threads shows. Written whole whenever something in it changed."""

    session_id: str
    thread_id: str
    flow: str | None = None
    version: str | None = None
    flow_digest: str | None = None
    status: str
    priority: str = "normal"
    title: str = ""
    parent: str | None = None
    root: str | None = None
    depth: int = 0
    origin: str = "created"
    progress: int = 0
    current_node: str | None = None
    waiting: dict[str, Any] | None = None
    fork_info: dict[str, Any] | None = None
    copy_info: dict[str, Any] | None = None
    result: Json = None
    error: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    destroyed: bool = False


class Record(Row):
    """One fact, and what it changes in the lists.

    Attributes:
        seq: From 1, without gaps, per workflow.
        entry: A journal item as JSON, on records of `JOURNAL_TYPES` (a flow that failed before it began has none).
        seed: On a thread's first record: what its journal starts from (flow document, input, base
            checkpoint, inherited entries), so that it can be restored from the records alone.
        session: The session's row from now on.
        thread: The thread's row from now on.
    """

    seq: int
    type: RecordType
    at: datetime
    session_id: str
    thread_id: str | None = None
    flow: str | None = None
    node: str | None = None
    visit: int | None = None
    actor: str | None = None
    reason: str | None = None
    title: str = ""
    details: dict[str, Any] = {}
    entry: dict[str, Any] | None = None
    seed: dict[str, Any] | None = None
    session: SessionRow | None = None
    thread: ThreadRow | None = None

    def compact(self) -> JsonObject:
        """The record as JSON, without defaults."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def digest(self) -> str:
        """SHA-256 of the record's canonical JSON: equal for equal facts.

        Defaults are left out, so that a later version's new field does not make an old record another one.
        """
        return digest(self.compact())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A record before it has a number and a time; see `Record` for the fields.

    Attributes:
        urgent: People look for what it changes in the lists, so it is written without delay.
    """

    type: RecordType
    thread_id: str | None = None
    flow: str | None = None
    node: str | None = None
    visit: int | None = None
    actor: str | None = None
    reason: str | None = None
    title: str = ""
    details: JsonObject = field(default_factory=dict)
    entry: JsonObject | None = None
    seed: JsonObject | None = None
    thread: ThreadRow | None = None
    urgent: bool = False


class RecordBatch(Row):
    """Consecutive records of one workflow, in order."""

    workflow_id: str
    epoch: int
    records: list[Record]

    @field_serializer("records", when_used="json")
    def _without_defaults(self, records: list[Record]) -> list[JsonObject]:
        """As it crosses Temporal's history, which keeps every byte: half of a record would be names of nothing."""
        return [record.compact() for record in records]


class BatchApplied(Row):
    """The database's answer.

    Attributes:
        epoch: The epoch the workflow is to use from now on: the batch's own, or a new one when the
            batch contradicted what was stored.
        through: The highest seq that is stored in that epoch.
    """

    epoch: int
    through: int


class StoredRecord(Row):
    """A history record as it is read back. `seq` counts per session, without gaps, from 1."""

    seq: int
    type: str
    timestamp: datetime
    session_id: str
    thread: str | None = None
    flow: str | None = None
    node: str | None = None
    visit: int | None = None
    actor: str | None = None
    reason: str | None = None
    title: str = ""
    details: dict[str, Any] = {}


class StoredFlow(Row):
    """A registered version of a flow.

    Attributes:
        status: `draft`, `active`, `inactive` or `archived`. Only a draft's document ever changes.
        registered_at: When this content was registered.
    """

    flow: str
    version: str
    digest: str
    status: str
    title: str = ""
    description: str = ""
    document: dict[str, Any]
    registered_at: datetime
    registered_by: str | None = None


class StoredJournal(Row):
    """What the records hold of one thread's life: its seed and its journal entries by seq."""

    epoch: int
    seed: dict[str, Any]
    entries: list[dict[str, Any]]
    thread: ThreadRow
