"""What threads tell of themselves, and what Temporal tells of them, as events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.errors import Code
from domain.instants import as_utc
from domain.messages import Finding, ThreadReport
from domain.session.events import Reconciled, SessionEvent, ThreadsForgotten
from domain.session.state import ENDED_KEPT, SessionState
from domain.session.thread_events import ThreadChanged
from domain.thread.mailbox import MESSAGE_TYPES
from domain.thread.state import ENDED, ThreadStatus
from domain.values import JsonObject

_STATUSES = frozenset(status.value for status in ThreadStatus)


def reported(state: SessionState, report: ThreadReport, now: datetime) -> list[SessionEvent]:
    """A thread told where it stands; nothing follows when it is unknown or was known to have ended."""
    entry = state.threads.get(report.thread_id)
    if entry is None or report.status not in _STATUSES:
        return []
    changed = ThreadChanged(
        thread_id=report.thread_id,
        status=ThreadStatus(report.status),
        at=min(as_utc(report.at), now),
        started_at=as_utc(report.started_at) if report.started_at else None,
        error=report.error,
        idle=report.idle,
        usage=report.usage,
        seconds=max(report.seconds, 0.0),
        messages={kind: report.messages[kind] for kind in MESSAGE_TYPES if kind in report.messages},
    )
    return [changed]


def forgotten(state: SessionState, now: datetime) -> list[SessionEvent]:
    """The database holds what the session has told: threads that ended long ago leave memory."""
    surplus = len(state.ended) - ENDED_KEPT
    return [ThreadsForgotten(thread_ids=tuple(state.ended)[:surplus], at=now)] if surplus > 0 else []


def found(state: SessionState, findings: Iterable[Finding], now: datetime) -> list[SessionEvent]:
    """What looking in Temporal found."""
    gone = (_gone(state, finding, now) for finding in findings)
    return [Reconciled(at=now), *(event for event in gone if event)]


def _gone(state: SessionState, finding: Finding, now: datetime) -> ThreadChanged | None:
    """A thread that ended without the session hearing of it, recorded as what it was."""
    entry = state.threads.get(finding.thread_id)
    if entry is None or not entry.started or finding.status == "running":
        return None
    at = min(as_utc(finding.closed_at), now) if finding.closed_at else now
    seconds = max((at - (entry.started_at or entry.created_at)).total_seconds(), 0.0)
    status, error = end_of(finding, forced=state.ending is not None and state.ending.forced)
    return ThreadChanged(
        thread_id=finding.thread_id, status=status, at=at, error=error, seconds=seconds, behind_back=True
    )


def end_of(finding: Finding, *, forced: bool = False) -> tuple[ThreadStatus, JsonObject | None]:
    """How a thread ended whose workflow is no longer running, and its error.

    Args:
        finding: What Temporal knows of it.
        forced: Whether its session ended it by force, which is no failure.
    """
    if finding.status == "completed" and finding.outcome in ENDED:
        return ThreadStatus(finding.outcome), finding.error
    code = Code.THREAD_LOST if finding.status == "missing" else Code.THREAD_TERMINATED
    message = f"the thread's workflow is {finding.status} in Temporal"
    cancelled = forced or finding.status == "canceled"
    status = ThreadStatus.CANCELLED if cancelled else ThreadStatus.FAILED
    return status, {"code": code.value, "message": message, "details": {}}
