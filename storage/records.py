"""Records in SQL: batches in, lists, history and journals out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Code, ThreadloomError
from domain.ids import thread_workflow_id
from domain.records import BatchApplied, RecordBatch, SessionRow, StoredJournal, StoredRecord, ThreadRow
from storage.appending import append, load_epochs
from storage.connection import Connector
from storage.schema import records, sessions, threads
from storage.timelines import segments


class SqlRecordStore:
    """`domain.ports.RecordStore` over SQLAlchemy."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def apply(self, batch: RecordBatch) -> BatchApplied:
        """Store the batch in one transaction; the same batch again changes nothing.

        A record whose number is taken by another digest opens a new epoch (see `storage.timelines`).
        When the database has lost what comes before the batch, a `warning` in the session's history
        says which numbers, and the batch is stored.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`; `INTERNAL` when the numbers are not consecutive.
        """
        async with self._connector.writing() as connection:
            return await append(connection, batch)

    async def sessions(self, *, status: str | None = None, limit: int = 100) -> list[SessionRow]:
        """Sessions, the most recently changed first."""
        query = select(sessions).order_by(sessions.c.updated_at.desc(), sessions.c.session_id).limit(max(limit, 0))
        if status is not None:
            query = query.where(sessions.c.status == status)
        async with self._connector.reading() as connection:
            return [SessionRow.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def session(self, session_id: str) -> SessionRow | None:
        """The session's row."""
        query = select(sessions).where(sessions.c.session_id == session_id)
        async with self._connector.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
            return SessionRow.model_validate(dict(row)) if row else None

    async def threads(
        self,
        *,
        session_id: str | None = None,
        status: str | None = None,
        flow: str | None = None,
        version: str | None = None,
        include_destroyed: bool = False,
        limit: int = 1_000,
    ) -> list[ThreadRow]:
        """Threads in the order of their creation."""
        query = (
            select(threads)
            .where(*_equal({threads.c.session_id: session_id, threads.c.status: status}))
            .where(*_equal({threads.c.flow: flow, threads.c.version: version}))
            .order_by(threads.c.created_at, threads.c.session_id, threads.c.thread_id)
            .limit(max(limit, 0))
        )
        if not include_destroyed:
            query = query.where(threads.c.destroyed.is_(False))
        async with self._connector.reading() as connection:
            return [ThreadRow.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def thread(self, session_id: str, thread_id: str) -> ThreadRow | None:
        """The thread's row, destroyed or not."""
        async with self._connector.reading() as connection:
            return await _thread(connection, session_id, thread_id)

    async def history(
        self,
        session_id: str,
        *,
        type: str | None = None,
        thread_id: str | None = None,
        flow: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[StoredRecord]:
        """Records with seq above `after`, in order; `since` is included, `until` is not."""
        query = (
            select(
                records.c.seq,
                records.c.type,
                records.c.at.label("timestamp"),
                records.c.session_id,
                records.c.thread_id.label("thread"),
                records.c.flow,
                records.c.node,
                records.c.visit,
                records.c.actor,
                records.c.reason,
                records.c.title,
                records.c.details,
            )
            .where(records.c.session_id == session_id, records.c.seq > after)
            .where(*_equal({records.c.type: type, records.c.thread_id: thread_id}))
            .where(*_equal({records.c.flow: flow, records.c.actor: actor}))
            .order_by(records.c.seq)
            .limit(max(limit, 0))
        )
        if since is not None:
            query = query.where(records.c.at >= since)
        if until is not None:
            query = query.where(records.c.at < until)
        async with self._connector.reading() as connection:
            return [StoredRecord.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def journal(self, session_id: str, thread_id: str, *, before: int | None = None) -> StoredJournal | None:
        """The thread's live epoch: seed and all entries, or those with an entry seq below `before`.

        The live epoch is the one with the latest record. None when the database has no record of the thread.

        Raises:
            ThreadloomError: `JOURNAL_INCOMPLETE` when records are missing among those it should hold.
        """
        workflow_id = thread_workflow_id(session_id, thread_id)
        async with self._connector.reading() as connection:
            epochs = await load_epochs(connection, workflow_id)
            thread = await _thread(connection, session_id, thread_id)
            if not epochs or thread is None:
                return None
            live = list(epochs)[-1]
            timeline = and_(
                records.c.workflow_id == workflow_id,
                or_(
                    *(
                        and_(records.c.epoch == piece.epoch, records.c.record_seq.between(piece.first, piece.last))
                        for piece in segments(epochs, live)
                    )
                ),
            )
            seeded = select(records.c.seed).where(timeline, records.c.seed.is_not(None)).order_by(records.c.record_seq)
            seed = (await connection.execute(seeded.limit(1))).scalar_one_or_none()
            count = (await connection.execute(select(func.count()).where(timeline))).scalar_one()
            if seed is None or count != epochs[live].through:
                raise ThreadloomError(
                    Code.JOURNAL_INCOMPLETE,
                    f"the database holds {count} of {epochs[live].through} records of thread {thread_id}",
                )
            listed = select(records.c.entry).where(timeline, records.c.entry_seq.is_not(None))
            if before is not None:
                listed = listed.where(records.c.entry_seq < before)
            entries = await connection.execute(listed.order_by(records.c.entry_seq, records.c.record_seq))
            return StoredJournal(epoch=live, seed=seed, entries=list(entries.scalars()), thread=thread)


async def _thread(connection: AsyncConnection, session_id: str, thread_id: str) -> ThreadRow | None:
    query = select(threads).where(threads.c.session_id == session_id, threads.c.thread_id == thread_id)
    row = (await connection.execute(query)).mappings().first()
    return ThreadRow.model_validate(dict(row)) if row else None


def _equal(wanted: dict[ColumnElement[str], str | None]) -> list[ColumnElement[bool]]:
    """A condition for each column that has a wanted value."""
    return [column == value for column, value in wanted.items() if value is not None]
