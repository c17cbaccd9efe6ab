"""A thread as its records hold it."""

from __future__ import annotations

from domain.codec import load
from domain.errors import Code, ThreadloomError
from domain.records import StoredJournal
from domain.thread.checkpoint import Checkpoint
from domain.thread.journal import Failure, JournalItem, executions
from domain.thread.snapshot import Seed, Snapshot
from domain.thread.state import Outcome, ThreadStatus
from domain.values import Json, JsonObject


def archived_items(stored: StoredJournal) -> tuple[Checkpoint, list[JournalItem]]:
    """What the thread began with, and everything it inherited and executed since."""
    seed = load(Seed, stored.seed["seed"])
    executed = load(list[JournalItem], stored.entries)
    return seed.base, [*seed.journal, *executed]


def archived_library(stored: StoredJournal) -> dict[str, JsonObject]:
    """The documents by digest of all flows that a thread without one of its own was executing, or did."""
    library = dict(load(Seed, stored.seed["seed"]).library)
    for entry in stored.entries:
        library |= entry.get("documents") or {}
    return library


def snapshot_from_records(stored: StoredJournal) -> Snapshot:
    """A snapshot of a thread that Temporal no longer has.

    Raises:
        ThreadloomError: `JOURNAL_INCOMPLETE` when the records have a gap.
    """
    seed = load(Seed, stored.seed["seed"])
    base, items = archived_items(stored)
    if [item.seq for item in items] != list(range(base.seq + 1, base.seq + 1 + len(items))):
        raise ThreadloomError(Code.JOURNAL_INCOMPLETE, f"the records of {seed.identity.thread_id} have a gap")
    row = stored.thread
    status = ThreadStatus(row.status)
    outcome = None
    if status.terminal:
        error = load(Failure, row.error) if row.error else None
        result = None if seed.identity.flowless else _result(status, items)
        outcome = Outcome(status=status, result=result, error=error)
    return Snapshot(
        taken_at=row.updated_at,
        identity=seed.identity,
        flow=stored.seed["flow"],
        flow_digest=stored.seed["flow_digest"],
        flows=stored.seed.get("flows", {}),
        status=status,
        input=seed.input,
        context=seed.context,
        metadata=seed.metadata,
        shared=seed.shared,
        base=base,
        journal=tuple(items),
        operations=seed.operations,
        outcome=outcome,
        library=archived_library(stored),
    )


def _result(status: ThreadStatus, items: list[JournalItem]) -> Json:
    """What the thread ended with: the last execution's result, as the list of threads leaves large ones out."""
    executed = executions(items)
    return executed[-1].result if executed and status is ThreadStatus.COMPLETED else None
