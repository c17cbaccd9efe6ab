"""One timer that is restarted only when its time changes, so that messages do not cost timers."""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio import workflow

from workflows import naming

_LONGEST = 30 * 86_400.0
"""Seconds after which an alarm rings early. Who waits for longer looks at the time and sets it again."""


class Alarm:
    """Rings at an instant of workflow time, or earlier when that is more than a month away."""

    def __init__(self, summary: str) -> None:
        self._summary = summary
        self._at: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self.ringing = False

    def set(self, at: datetime | None, summary: str | None = None) -> None:
        """Ring at this instant instead of any other; never, when there is none."""
        if at == self._at:
            return
        self.stop()
        self._at = at
        if at is not None:
            delay = min(max((at - workflow.now()).total_seconds(), 0.001), _LONGEST)
            self._task = asyncio.create_task(self._sleep(delay, summary or self._summary))

    def stop(self) -> None:
        """Do not ring."""
        if self._task is not None:
            self._task.cancel()
        self._task, self._at, self.ringing = None, None, False

    async def _sleep(self, delay: float, summary: str) -> None:
        await workflow.sleep(delay, summary=naming.summary(summary))
        self._task, self._at, self.ringing = None, None, True
