"""The lists: one row a session and one a thread, kept with the records in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import thread_workflow_id
from domain.records import Record, SessionRow, ThreadRow
from storage.schema import sessions, threads

_SESSION_KNOWS = {"status", "error", "completed_at", "updated_at"}
"""What a session's row changes in one that the thread wrote, besides `destroyed`."""

_ENDED = frozenset({"completed", "failed", "cancelled"})


async def project(connection: AsyncConnection, workflow_id: str, epoch: int, records: Sequence[Record]) -> None:
    """Bring the lists up to date with new records of a workflow, in their order."""
    for record in records:
        if record.session is not None:
            await _project_session(connection, record.session)
        if record.thread is not None:
            own = workflow_id == thread_workflow_id(record.thread.session_id, record.thread.thread_id)
            await _project_thread(connection, record.thread, epoch if own else None)


def merge_thread(
    stored: ThreadRow, stored_epoch: int | None, row: ThreadRow, own_epoch: int | None
) -> tuple[ThreadRow, int | None]:
    """The row to keep, and the epoch of the thread's own workflow that it stands for.

    Two workflows write a thread's row, the session and the thread itself, and their records arrive in
    any order. The row that changed last wins; of a row that the session wrote, what it can know better
    than the thread (it does not know results or nodes). An end is final and so is destruction: only another
    epoch of the thread's own workflow, which says that Temporal has reset it, brings an ended one back.

    Args:
        stored: The row as it is.
        stored_epoch: The epoch of the thread's workflow that wrote it last; None when none did.
        row: The row that arrived.
        own_epoch: The epoch that wrote it; None when the session did.
    """
    rewritten = own_epoch is not None and stored_epoch is not None and own_epoch != stored_epoch
    final = stored.status in _ENDED and row.status not in _ENDED and not rewritten
    wins = row.updated_at >= stored.updated_at and not final
    news = row if own_epoch is not None else stored.model_copy(update=row.model_dump(include=_SESSION_KNOWS))
    kept = news if wins else stored
    epoch = own_epoch if wins and own_epoch is not None else stored_epoch
    return kept.model_copy(update={"destroyed": stored.destroyed or row.destroyed}), epoch


async def _project_session(connection: AsyncConnection, row: SessionRow) -> None:
    own = sessions.c.session_id == row.session_id
    stored = (await connection.execute(select(sessions.c.updated_at).where(own))).first()
    if stored is None:
        await connection.execute(sessions.insert().values(_columns(sessions, row.model_dump())))
    elif row.updated_at >= stored.updated_at:
        await connection.execute(update(sessions).where(own).values(_columns(sessions, row.model_dump())))


async def _project_thread(connection: AsyncConnection, row: ThreadRow, own_epoch: int | None) -> None:
    own = (threads.c.session_id == row.session_id) & (threads.c.thread_id == row.thread_id)
    stored = (await connection.execute(select(threads).where(own))).mappings().first()
    if stored is None:
        await connection.execute(threads.insert().values(_columns(threads, row.model_dump() | {"epoch": own_epoch})))
        return
    kept, epoch = merge_thread(ThreadRow.model_validate(dict(stored)), stored["epoch"], row, own_epoch)
    await connection.execute(update(threads).where(own).values(_columns(threads, kept.model_dump() | {"epoch": epoch})))


def _columns(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """The values that the table has columns for: a row may have learnt a field that the schema has not."""
    return {name: value for name, value in values.items() if name in table.c}
