"""Hands a workflow's records to the database, beside its work and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities.records import RecordActivities
from domain.outbox import BATCH_RECORDS, Outbox
from domain.records import RecordBatch
from domain.values import JsonObject
from workflows.trace import Trace

LAG = timedelta(seconds=5)
"""How long records that nobody looks for in particular wait for company."""

_ATTEMPT = timedelta(seconds=10)
_TRIES = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3)
_LONGEST_PAUSE = 60.0


class Recorder:
    """Writes the outbox batch by batch, in order, for as long as the database takes.

    Args:
        outbox: What to write.
        seal: Makes the next batch, with the row as it is now.
        trace: Left when a batch is stored, since nothing else may follow from that.
        acknowledged: Called with the highest journal entry stored, after each batch that has one.
    """

    def __init__(
        self,
        outbox: Outbox,
        seal: Callable[[], RecordBatch],
        trace: Trace,
        acknowledged: Callable[[int], None] | None = None,
    ) -> None:
        self.outbox = outbox
        self.failing = False
        self._seal = seal
        self._trace = trace
        self._acknowledged = acknowledged
        self._closing = False
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    def visible(self) -> JsonObject:
        """{pending, last_seq, failing}: how many records wait, and whether the database takes none."""
        return {"pending": len(self.outbox.pending), "last_seq": self.outbox.last_seq, "failing": self.failing}

    async def drain(self) -> None:
        """Write everything and stop; waits for the database as long as it is away."""
        self._closing = True
        if self._task is not None:
            await self._task

    async def hand_over(self) -> JsonObject:
        """Stop at once; what the next run takes over. A batch under way may still arrive: twice is once."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        return self.outbox.carry()

    async def _write(self) -> None:
        pause = 1.0
        # A cancellation may be swallowed by an activity that ends at the same moment, so the flag decides.
        while not self._stopped:
            await workflow.wait_condition(lambda: bool(self.outbox.pending) or self._closing)
            if not self.outbox.pending:
                return
            if not self._pressing():
                await self._linger()
            batch = self._seal()
            try:
                applied = await workflow.execute_activity_method(
                    RecordActivities.record_batch,
                    batch,
                    start_to_close_timeout=_ATTEMPT,
                    retry_policy=_TRIES,
                    summary=f"{len(batch.records)} records",
                )
            except ActivityError:
                if self._stopped:
                    return  # a cancelled activity is told as an activity's failure, not as a cancellation
                self.failing = True
                await workflow.sleep(pause, summary="the database is away")
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause, self.failing = 1.0, False
            self._trace.leave()
            entry = self.outbox.acknowledge(applied)
            if entry and self._acknowledged:
                self._acknowledged(entry)

    def _pressing(self) -> bool:
        return self._closing or self.outbox.urgent or len(self.outbox.pending) >= BATCH_RECORDS

    async def _linger(self) -> None:
        try:
            await workflow.wait_condition(self._pressing, timeout=LAG, timeout_summary="records")
        except TimeoutError:
            return
