"""Tells the session where the thread stands."""

from __future__ import annotations

from collections.abc import Callable

from domain.messages import ThreadReport
from workflows.thread.line import SessionLine
from workflows.trace import Trace


class Reporter(SessionLine):
    """Sends the newest report; one that became old before it was sent is not sent at all."""

    signal = "thread_report"

    def __init__(self, session_id: str, trace: Trace, lost: Callable[[], None]) -> None:
        super().__init__(session_id, trace, lost)
        self._newest: ThreadReport | None = None

    def report(self, report: ThreadReport) -> None:
        """Send this report soon."""
        self._newest = report
        self.begin()

    def next(self) -> ThreadReport | None:
        report, self._newest = self._newest, None
        return report

    def clear(self) -> None:
        self._newest = None
