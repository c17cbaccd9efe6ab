"""`effects(events) → effects`: what the workflow has to do because of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.thread.calls import ActivityCall, SessionRequest, WorkflowCall
from domain.thread.events import (
    CancelRequested,
    ItemsStarted,
    NodeEnded,
    NodeEntered,
    SessionAskedAgain,
    StatusChanged,
    ThreadEvent,
)
from domain.thread.state import ThreadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunActivity:
    """Start the activity; its end comes back as an input."""

    call: ActivityCall


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWorkflow:
    """Start another team's workflow; its end comes back as an input."""

    call: WorkflowCall


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSession:
    """Ask the session; its answer comes back as an input."""

    request: SessionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelActivity:
    """Ask what is in flight to stop; its end still comes back as an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """Tell the session."""

    status: ThreadStatus
    at: datetime


ThreadEffect: TypeAlias = RunActivity | RunWorkflow | AskSession | CancelActivity | ReportStatus

_UNREPORTED = (ThreadStatus.PENDING, ThreadStatus.PAUSING)
"""Statuses on the way to another one, which the session need not know."""


def effects(events: Iterable[ThreadEvent]) -> list[ThreadEffect]:
    """The effects of the events, in their order."""
    found: list[ThreadEffect] = []
    for event in events:
        match event:
            case NodeEntered(call=ActivityCall() as call):
                found.append(RunActivity(call=call))
            case NodeEntered(call=WorkflowCall() as call):
                found.append(RunWorkflow(call=call))
            case NodeEntered(call=SessionRequest() as request) | SessionAskedAgain(request=request):
                found.append(AskSession(request=request))
            case ItemsStarted(calls=calls):
                found.extend(RunActivity(call=call) for call in calls)
            case NodeEnded(entry=entry, dismissed=dismissed) if dismissed:
                reason = f"{entry.node} needs it no longer"
                request = SessionRequest(
                    key=f"{entry.node}#{entry.visit}", kind="cancel", threads=dismissed, reason=reason
                )
                found.append(AskSession(request=request))
            case CancelRequested(interrupt=True):
                found.append(CancelActivity())
            case StatusChanged(status=status, at=at) if status not in _UNREPORTED:
                found.append(ReportStatus(status=status, at=at))
    return found
