"""What the client answers with: typed, and as JSON exactly what the command line prints.

Every view keeps fields it does not know (`extra="allow"`), so that a newer worker can say more than
an older client expects. Times are aware, in UTC. `as_of` is null when Temporal or the workflow itself
answered; otherwise nobody did, and the answer is what the database knew at that time.
"""

from __future__ import annotations

from threadloom.views.answers import (
    ConfigChanged,
    FlowAccepted,
    FlowView,
    SessionAnswer,
    ThreadAnswer,
    ThreadBranched,
    ThreadDestroyed,
    ThreadStarted,
)
from threadloom.views.base import (
    Failure,
    Hold,
    View,
)
from threadloom.views.sessions import (
    History,
    HistoryRecord,
    SessionStatistics,
    SessionSummary,
    SessionTree,
    SessionView,
    ThreadCounts,
)
from threadloom.views.threads import (
    Execution,
    Executions,
    FlowExecution,
    InFlight,
    SnapshotView,
    ThreadList,
    ThreadResult,
    ThreadSummary,
    ThreadView,
    Variables,
    Waiting,
)

__all__ = [
    "ConfigChanged",
    "Execution",
    "Executions",
    "Failure",
    "FlowAccepted",
    "FlowExecution",
    "FlowView",
    "History",
    "HistoryRecord",
    "Hold",
    "InFlight",
    "SessionAnswer",
    "SessionStatistics",
    "SessionSummary",
    "SessionTree",
    "SessionView",
    "SnapshotView",
    "ThreadAnswer",
    "ThreadBranched",
    "ThreadCounts",
    "ThreadDestroyed",
    "ThreadList",
    "ThreadResult",
    "ThreadStarted",
    "ThreadSummary",
    "ThreadView",
    "Variables",
    "View",
    "Waiting",
]
