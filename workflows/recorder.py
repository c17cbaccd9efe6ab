"""Hands a workflow's records to the database, beside its work and never in its way.

While the database is away one attempt is left with the server, which repeats it for as long as it
takes: that adds nothing to the history, however many days it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities.records import RecordActivities
from domain.outbox import FULL_RECORDS, Outbox
from domain.records import BatchApplied, RecordBatch
from domain.values import JsonObject
from workflows.failures import defect
from workflows.inline import OrInline
from workflows.trace import Trace

LAG = timedelta(seconds=5)
"""How long records that nobody looks for in particular wait for company."""

_ATTEMPT = timedelta(seconds=10)
_TRIES = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3)
_LONGEST_PAUSE = 60.0
_UNTIL_IT_IS_BACK = RetryPolicy(maximum_interval=timedelta(seconds=_LONGEST_PAUSE))


class Recorder:
    """Writes the outbox batch by batch, in order, for as long as the database takes.

    Args:
        outbox: What to write.
        seal: Makes the next batch, with the row as it is now.
        trace: Left when a batch is stored, since nothing else may follow from that.
        acknowledged: Called after each batch that was stored, with its highest journal entry, or 0.
    """

    def __init__(
        self,
        outbox: Outbox,
        seal: Callable[[], RecordBatch],
        trace: Trace,
        acknowledged: Callable[[int], None] | None = None,
    ) -> None:
        self.outbox = outbox
        self._seal = seal
        self._trace = trace
        self._acknowledged = acknowledged
        self._closing = False
        self._resting = False
        self._storing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    def visible(self) -> JsonObject:
        """{pending, last_seq, failing}: how many records wait, and whether the database takes none."""
        return {"pending": len(self.outbox.pending), "last_seq": self.outbox.last_seq, "failing": self.outbox.failing}

    def close(self) -> None:
        """Write everything and stop, for as long as the database takes."""
        self._closing = True

    @property
    def closed(self) -> bool:
        """Whether everything is written and the recorder has stopped."""
        return self._task is None or self._task.done()

    def rest(self, resting: bool) -> None:
        """Begin no other batch until told to go on.

        The end of a batch that arrives while the task is under way which ends the run makes the server
        refuse that task, and the SDK then replays the whole run: seconds, where the batch takes some
        hundred milliseconds.
        """
        self._resting = resting

    @property
    def at_rest(self) -> bool:
        """Whether no batch is under way, or none that the database is about to take."""
        return not self._storing or self.outbox.failing

    async def _write(self) -> None:
        pause = 1.0
        if self.outbox.failing:
            await self._until_it_is_back()
        while True:
            await workflow.wait_condition(self._due)
            if not self.outbox.pending:
                return
            if not self._pressing():
                await self._linger()
                if self._resting:
                    continue
            try:
                applied = await self._store(self._seal(), _TRIES)
            except Exception as error:
                if not isinstance(error, ActivityError):
                    defect(error)
                self.outbox.failing = True
                await workflow.sleep(pause, summary="the database is away")
                pause = min(pause * 2, _LONGEST_PAUSE)
                await self._until_it_is_back()
                continue
            pause = 1.0
            self._trace.leave()
            entry = self.outbox.acknowledge(applied)
            if self._acknowledged:
                self._acknowledged(entry)

    async def _store(self, batch: RecordBatch, tries: RetryPolicy) -> BatchApplied:
        self._storing = True
        try:
            return await workflow.execute_activity_method(
                RecordActivities.record_batch,
                args=[OrInline(batch)],
                start_to_close_timeout=_ATTEMPT,
                retry_policy=tries,
                summary=f"{len(batch.records)} records",
            )
        finally:
            self._storing = False

    async def _until_it_is_back(self) -> None:
        """Store nothing, as often as it takes until that succeeds."""
        nothing = RecordBatch(workflow_id=self.outbox.workflow_id, epoch=self.outbox.epoch, records=[])
        try:
            await self._store(nothing, _UNTIL_IT_IS_BACK)
        except ActivityError:
            return  # refused: the records themselves will tell

    def _due(self) -> bool:
        return (bool(self.outbox.pending) or self._closing) and not self._resting

    def _pressing(self) -> bool:
        return self._closing or self._resting or self.outbox.urgent or len(self.outbox.pending) >= FULL_RECORDS

    async def _linger(self) -> None:
        try:
            await workflow.wait_condition(self._pressing, timeout=LAG, timeout_summary="records")
        except TimeoutError:
            return
