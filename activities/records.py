"""Writes records."""

from __future__ import annotations

from temporalio import activity

from domain.ports import RecordStore
from domain.records import BatchApplied, RecordBatch


class RecordActivities:
    """Activities over the record store."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    @activity.defn(name="threadloom.record_batch")
    async def record_batch(self, batch: RecordBatch) -> BatchApplied:
        """Store a batch; the same batch again changes nothing."""
        return await self._records.apply(batch)
