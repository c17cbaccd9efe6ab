"""Writing a batch of records: the one transaction behind `RecordStore.apply`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Code, ThreadloomError
from domain.records import BatchApplied, Record, RecordBatch, RecordType
from domain.values import digest
from storage.projections import project
from storage.schema import epochs, records, session_counters
from storage.statements import insert_new
from storage.timelines import Epoch, Placement, place


async def append(connection: AsyncConnection, batch: RecordBatch) -> BatchApplied:
    """Store what is not stored yet, number it per session, and bring the lists up to date.

    Raises:
        ThreadloomError: `INTERNAL` when the batch is not a run of consecutive numbers from 1 up.
    """
    numbers = [record.seq for record in batch.records]
    if numbers and (numbers[0] < 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers)))):
        raise ThreadloomError(Code.INTERNAL, f"records of {batch.workflow_id} are not consecutive: {numbers[:20]}")
    # The counters' rows are also what makes concurrent deliveries of one batch take turns.
    counters = await _lock_counters(connection, {record.session_id for record in batch.records})
    known = await load_epochs(connection, batch.workflow_id)
    if not batch.records:
        return BatchApplied(epoch=batch.epoch, through=known[batch.epoch].through if batch.epoch in known else 0)
    digests = {record.seq: record.digest() for record in batch.records}
    stored = await _stored_digests(connection, batch.workflow_id, numbers[0], numbers[-1])
    placement = place(batch.epoch, digests, known, stored)
    epoch = placement.epoch.epoch
    absent = set(placement.absent)
    added = [record for record in batch.records if record.seq in absent]
    if added:
        rows = [_row(batch.workflow_id, epoch, record.seq, digests[record.seq], record) for record in added]
        if placement.missing:
            rows.insert(0, _loss(batch.workflow_id, epoch, placement.missing, batch.records[0]))
        for row in rows:
            counters[row["session_id"]] += 1
            row["seq"] = counters[row["session_id"]]
        await connection.execute(records.insert(), rows)
        await _store_counters(connection, counters)
        if numbers[-1] == placement.epoch.through:
            await _store_epoch(connection, batch.workflow_id, placement, batch.records[-1].at)
        await project(connection, batch.workflow_id, epoch, added)
    return BatchApplied(epoch=epoch, through=placement.epoch.through)


async def load_epochs(connection: AsyncConnection, workflow_id: str) -> dict[int, Epoch]:
    """All epochs of a workflow by number, the live one last.

    Live is the one with the latest record, in the workflow's own time: a batch of a run that Temporal
    has reset may still arrive after the new run's, but what it tells happened before.
    """
    rows = await connection.execute(
        select(epochs.c.epoch, epochs.c.base, epochs.c.first_seq, epochs.c.through)
        .where(epochs.c.workflow_id == workflow_id)
        .order_by(epochs.c.last_at, epochs.c.epoch)
    )
    return {row.epoch: Epoch(row.epoch, row.base, row.first_seq, row.through) for row in rows}


async def _lock_counters(connection: AsyncConnection, session_ids: Iterable[str]) -> dict[str, int]:
    """The sessions' last numbers, locked until the transaction ends.

    Whoever reads history sees a number only when all lower ones are committed.
    """
    counters: dict[str, int] = {}
    for session_id in sorted(session_ids):  # one order for all: no deadlock
        await connection.execute(insert_new(connection, session_counters), {"session_id": session_id, "last_seq": 0})
        counters[session_id] = (
            await connection.execute(
                select(session_counters.c.last_seq).where(session_counters.c.session_id == session_id).with_for_update()
            )
        ).scalar_one()
    return counters


async def _store_counters(connection: AsyncConnection, counters: dict[str, int]) -> None:
    for session_id, last_seq in counters.items():
        await connection.execute(
            update(session_counters).where(session_counters.c.session_id == session_id).values(last_seq=last_seq)
        )


async def _stored_digests(
    connection: AsyncConnection, workflow_id: str, first: int, last: int
) -> dict[tuple[int, int], str]:
    rows = await connection.execute(
        select(records.c.epoch, records.c.record_seq, records.c.digest).where(
            records.c.workflow_id == workflow_id, records.c.record_seq.between(first, last)
        )
    )
    return {(row.epoch, row.record_seq): row.digest for row in rows}


async def _store_epoch(connection: AsyncConnection, workflow_id: str, placement: Placement, last_at: datetime) -> None:
    epoch = placement.epoch
    if placement.is_new:
        await connection.execute(
            epochs.insert().values(
                workflow_id=workflow_id,
                epoch=epoch.epoch,
                base=epoch.base,
                first_seq=epoch.first_seq,
                through=epoch.through,
                last_at=last_at,
            )
        )
        return
    await connection.execute(
        update(epochs)
        .where(epochs.c.workflow_id == workflow_id, epochs.c.epoch == epoch.epoch)
        .values(through=epoch.through, last_at=last_at)
    )


def _row(workflow_id: str, epoch: int, record_seq: int, record_digest: str, record: Record) -> dict[str, Any]:
    facts = record.model_dump(exclude={"seq", "type", "session", "thread"})
    return facts | {
        "workflow_id": workflow_id,
        "epoch": epoch,
        "record_seq": record_seq,
        "digest": record_digest,
        "type": record.type.value,
        "entry_seq": record.entry["seq"] if record.entry is not None else None,
    }


def _loss(workflow_id: str, epoch: int, missing: tuple[int, int], following: Record) -> dict[str, Any]:
    """A note in the history on records that the database has lost, just before the record that follows them."""
    first, last = missing
    note = Record(
        seq=following.seq,
        type=RecordType.WARNING,
        at=following.at,
        session_id=following.session_id,
        thread_id=following.thread_id,
        title=f"The database has lost {last - first + 1} records",
        details={"workflow_id": workflow_id, "epoch": epoch, "first": first, "last": last},
    )
    return _row(workflow_id, epoch, -following.seq, digest(note.details), note)
