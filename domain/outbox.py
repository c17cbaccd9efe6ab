"""Records on their way to the database: numbered, in order, kept until they are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.records import BatchApplied, Fact, Record, RecordBatch, SessionRow, ThreadRow
from domain.values import JsonObject, size

FULL_RECORDS = 200
"""So many make a batch that need not wait for others."""

BATCH_RECORDS = 1_000
BATCH_BYTES = 512 * 1024
"""What one batch holds at most; a single larger record goes alone."""

BACKLOG_RECORDS = 5_000
BACKLOG_BYTES = 1024 * 1024
"""What a workflow keeps at most while the database is away; then it holds itself."""


RECORD_BYTES = 200
"""What a record takes besides what it tells."""


@dataclass(slots=True)
class Outbox:
    """The records of one workflow that the database has not acknowledged.

    Attributes:
        sealed: How many of the pending were handed over and may not change any more.
        sizes: What each of the pending takes, in bytes of JSON.
        bytes: What they take together.
        failing: Whether the database does not take what was handed over. A run that begins while its
            answer is awaited assumes so: runs may be shorter than the database's silence.
    """

    session_id: str
    workflow_id: str
    epoch: int = 0
    last_seq: int = 0
    pending: list[Record] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    sealed: int = 0
    urgent: bool = False
    bytes: int = 0
    failing: bool = False

    @property
    def backlogged(self) -> bool:
        """Whether more is waiting than a workflow should carry."""
        return len(self.pending) >= BACKLOG_RECORDS or self.bytes >= BACKLOG_BYTES

    @property
    def relieved(self) -> bool:
        """Whether the backlog is over for good, not just for one record."""
        return len(self.pending) <= BACKLOG_RECORDS // 2 and self.bytes <= BACKLOG_BYTES // 2

    def add(self, facts: Sequence[Fact], at: datetime) -> None:
        """Number the facts and keep them: all, or none when one of them can be no record."""
        records = [self._record(fact, seq, at) for seq, fact in enumerate(facts, start=self.last_seq + 1)]
        sizes = [weight(record) for record in records]
        self.last_seq += len(records)
        self._keep(records, sizes)
        self.urgent = self.urgent or any(fact.urgent for fact in facts)

    def _record(self, fact: Fact, seq: int, at: datetime) -> Record:
        return Record(
            seq=seq,
            type=fact.type,
            at=at,
            session_id=self.session_id,
            thread_id=fact.thread_id,
            flow=fact.flow,
            node=fact.node,
            visit=fact.visit,
            actor=fact.actor,
            reason=fact.reason,
            title=fact.title,
            details=fact.details,
            entry=fact.entry,
            seed=fact.seed,
            thread=fact.thread,
        )

    def _keep(self, records: Sequence[Record], sizes: Sequence[int]) -> None:
        self.pending.extend(records)
        self.sizes.extend(sizes)
        self.bytes += sum(sizes)

    def next_batch(self, *, session: SessionRow | None = None, thread: ThreadRow | None = None) -> RecordBatch:
        """The oldest records; the last of a batch that empties the outbox carries the row as it is now."""
        if not self.sealed:
            room = BATCH_BYTES
            for length in self.sizes[:BATCH_RECORDS]:
                room -= length
                if room < 0 and self.sealed:
                    break
                self.sealed += 1
            if self.sealed == len(self.pending):
                rows = {"session": session} if session else {"thread": thread}
                self.pending[-1] = self.pending[-1].model_copy(update=rows)
                self.urgent = False
        return RecordBatch(workflow_id=self.workflow_id, epoch=self.epoch, records=self.pending[: self.sealed])

    def acknowledge(self, applied: BatchApplied) -> int:
        """Let go of what is stored; the highest journal entry among it, or 0."""
        stored = self.pending[: self.sealed]
        self.bytes -= sum(self.sizes[: self.sealed])
        del self.pending[: self.sealed], self.sizes[: self.sealed]
        self.sealed = 0
        self.failing = False
        self.epoch = applied.epoch
        return max((record.entry["seq"] for record in stored if record.entry), default=0)

    def carry(self) -> JsonObject:
        """What the next run takes over."""
        return {
            "epoch": self.epoch,
            "last_seq": self.last_seq,
            "sealed": self.sealed,
            "failing": self.failing or self.sealed > 0,
            "pending": [record.compact() for record in self.pending],
        }

    @classmethod
    def take_over(cls, session_id: str, workflow_id: str, carried: JsonObject | None) -> Outbox:
        """The outbox as the last run left it, or an empty one."""
        outbox = cls(session_id=session_id, workflow_id=workflow_id)
        if carried:
            records: Sequence[Record] = [Record.model_validate(record) for record in carried["pending"]]
            outbox.epoch, outbox.last_seq, outbox.sealed = carried["epoch"], carried["last_seq"], carried["sealed"]
            outbox.failing = carried.get("failing", False)
            outbox._keep(records, [weight(record) for record in records])
            outbox.urgent = bool(records)
        return outbox


def weight(record: Record) -> int:
    """What the record takes, in bytes of JSON."""
    return size(record.entry) + size(record.seed) + size(record.details) + RECORD_BYTES
