"""Tells the session where the thread stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.ids import session_workflow_id
from domain.messages import ThreadReport, body
from workflows.trace import Trace


class Reporter:
    """Sends the newest report; one that became old before it was sent is not sent at all.

    Args:
        trace: Left when a report has arrived, since nothing else may follow from that.
        lost: Called when the session's workflow is not there.
    """

    def __init__(self, session_id: str, trace: Trace, lost: Callable[[], None]) -> None:
        self._workflow_id = session_workflow_id(session_id)
        self._trace = trace
        self._lost = lost
        self._newest: ThreadReport | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def report(self, report: ThreadReport) -> None:
        """Send this report soon."""
        self._newest = report
        if self._task is None:
            self._task = asyncio.create_task(self._send())

    async def drain(self) -> None:
        """Wait until all is sent: a signal sent in the task that ends the workflow would be lost."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _send(self) -> None:
        session = workflow.get_external_workflow_handle(self._workflow_id)
        try:
            while self._newest is not None:
                report, self._newest = self._newest, None
                await session.signal("thread_report", body(report))
                self._trace.leave()
        except ApplicationError:
            self._newest = None
            self._lost()
        finally:
            self._task = None
