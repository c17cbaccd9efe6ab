"""Bounds what one workflow task carries and computes, so that it stays small enough to be answered.

A task whose commands exceed Temporal's 4 MiB ends the workflow for good, and one that computes or
waits for local work for long keeps pauses and queries waiting. An activity that does nothing ends
the task within about ten milliseconds; a timer, however short, within a second (docs/adr/0014).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

_TURN = timedelta(seconds=1)
"""How long a worker whose places are all taken keeps it waiting."""

TASK_BYTES = 2 * 1024 * 1024
"""Bytes of arguments and local results that one task may carry."""

LOCAL_TIME = timedelta(milliseconds=500)
"""Local work in a row after which the task ends."""

LOCAL_RETRY = timedelta(milliseconds=50)
"""A local activity that is to be tried again later than this waits by a timer, not within the workflow task."""


class TaskBudget:
    """What the current workflow task has carried so far. Counted the same on every replay."""

    def __init__(self) -> None:
        self._task = -1
        self._bytes = 0
        self._local_nodes = 0
        self._local_since: float | None = None
        self._turn: asyncio.Task[None] | None = None

    async def carry(self, length: int) -> None:
        """Wait for the next task if this one cannot carry so many bytes more."""
        self._look()
        while self._bytes and self._bytes + length > TASK_BYTES:
            await self._next_task("arguments")
            self._look()
        self._bytes += length

    def carried(self, length: int) -> None:
        """So many bytes came back within the task."""
        self._look()
        self._bytes += length

    async def local(self, nodes: int, within: timedelta) -> None:
        """Before local work: end the task when it has done so many nodes, worked for so long, or carries enough."""
        self._look()
        now = workflow.time()
        if self._local_since is None:
            self._local_since = now
        worked = now - self._local_since >= min(within, LOCAL_TIME).total_seconds()
        # A checkpoint of one node means rows of one, not a task for each.
        done = (nodes > 1 and self._local_nodes >= nodes) or (worked and self._local_nodes)
        if done or self._bytes >= TASK_BYTES:
            await self._next_task("local work")
            self._look()
            self._local_since = workflow.time()

    def did_local(self, nodes: int = 1) -> None:
        """So many nodes were executed locally."""
        self._look()
        self._local_nodes += nodes

    async def _next_task(self, why: str) -> None:
        """Wait for the next task, together with all others that do."""
        if self._turn is None or self._turn.done():
            self._turn = asyncio.create_task(end_task(why))
        await asyncio.wait([self._turn])

    def _look(self) -> None:
        """Begin anew when a new task has begun."""
        length = workflow.info().get_current_history_length()
        if length != self._task:
            self._task, self._bytes, self._local_nodes, self._local_since = length, 0, 0, None


async def end_task(why: str) -> None:
    """End the workflow task, so that what it carried is stored and messages get their turn."""
    try:
        await workflow.execute_activity(
            "threadloom.turn",
            schedule_to_close_timeout=_TURN,
            retry_policy=RetryPolicy(maximum_attempts=1),
            summary=why,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise
        # No worker had a place for it: the task has ended all the same.
