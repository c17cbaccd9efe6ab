"""Tells the session where the thread stands."""

from __future__ import annotations

from collections.abc import Callable

from domain.messages import ThreadReport
from domain.thread.state import ThreadStatus
from workflows.thread.line import SessionLine
from workflows.trace import Trace


class Reporter(SessionLine):
    """Sends the newest report; one that became old before it was sent is not sent at all.

    That a new thread runs is no news: its session has started it, and would hear a signal for each.

    Args:
        session_id: Whom to tell.
        trace: Left when a report has arrived.
        lost: Called when the session is not there.
        new: Whether its session has just started the thread. One that somebody else started looks for its session.
    """

    signal = "thread_report"

    def __init__(self, session_id: str, trace: Trace, lost: Callable[[], None], *, new: bool) -> None:
        super().__init__(session_id, trace, lost)
        self._newest: ThreadReport | None = None
        self._new = new

    def report(self, report: ThreadReport) -> None:
        """Send this report soon."""
        if self._new and report.status == ThreadStatus.RUNNING and not report.idle:
            return
        self._new = False
        self._newest = report
        self.begin()

    def recovered(self) -> None:
        super().recovered()
        self._new = False

    def next(self) -> ThreadReport | None:
        report, self._newest = self._newest, None
        return report

    def clear(self) -> None:
        self._newest = None
