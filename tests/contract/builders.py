"""Facts for the contract tests: as little as each test has to say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.ids import session_workflow_id, thread_workflow_id
from domain.records import Record, RecordBatch, RecordType, SessionRow, ThreadRow

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEED = {"flow": "f", "input": {"n": 1}}


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def record(seq: int, *, at: float | None = None, **facts: Any) -> Record:
    """A record of session s at minute `seq`, unless said otherwise."""
    values = {"type": RecordType.NODE_EXECUTED, "session_id": "s"} | facts
    return Record(seq=seq, at=minute(seq if at is None else at), **values)


def steps(
    numbers: Iterable[int], *, thread: str = "t", session: str = "s", mark: str = "", delay: float = 0
) -> list[Record]:
    """A thread's records: the first with its row and seed, each other with the journal entry before its number."""
    return [
        record(
            seq,
            session_id=session,
            at=seq + delay,
            thread_id=thread,
            node="n",
            visit=seq,
            details={"mark": mark},
            seed={**SEED, "mark": mark} if seq == 1 else None,
            thread=thread_row(thread, session=session) if seq == 1 else None,
            entry={"seq": seq - 1, "mark": mark} if seq > 1 else None,
        )
        for seq in numbers
    ]


def thread_batch(records: list[Record], *, epoch: int = 1) -> RecordBatch:
    """Of the workflow of the thread that the first record names."""
    first = records[0]
    return RecordBatch(
        workflow_id=thread_workflow_id(first.session_id, first.thread_id or ""), epoch=epoch, records=records
    )


def session_batch(records: list[Record], *, epoch: int = 1) -> RecordBatch:
    return RecordBatch(workflow_id=session_workflow_id(records[0].session_id), epoch=epoch, records=records)


def session_row(session: str = "s", *, updated: float = 0, **facts: Any) -> SessionRow:
    values = {"status": "active"} | facts
    return SessionRow(session_id=session, created_at=START, updated_at=minute(updated), **values)


def thread_row(thread: str = "t", *, session: str = "s", updated: float = 0, **facts: Any) -> ThreadRow:
    values = {"status": "running", "created_at": START} | facts
    return ThreadRow(session_id=session, thread_id=thread, updated_at=minute(updated), **values)
