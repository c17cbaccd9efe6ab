"""`effects(events) → effects`: what the workflow has to do because of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.thread.events import ActivityCall, CancelRequested, NodeEntered, StatusChanged, ThreadEvent
from domain.thread.state import ThreadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunActivity:
    """Start the activity; its end comes back as an input."""

    call: ActivityCall


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelActivity:
    """Ask the activity in flight to stop; its end still comes back as an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """Tell the session."""

    status: ThreadStatus
    at: datetime


ThreadEffect: TypeAlias = RunActivity | CancelActivity | ReportStatus

_UNREPORTED = (ThreadStatus.PENDING, ThreadStatus.PAUSING)
"""Statuses on the way to another one, which the session need not know."""


def effects(events: Iterable[ThreadEvent]) -> list[ThreadEffect]:
    """The effects of the events, in their order."""
    found: list[ThreadEffect] = []
    for event in events:
        match event:
            case NodeEntered(call=ActivityCall() as call):
                found.append(RunActivity(call=call))
            case CancelRequested():
                found.append(CancelActivity())
            case StatusChanged(status=status, at=at) if status not in _UNREPORTED:
                found.append(ReportStatus(status=status, at=at))
    return found
