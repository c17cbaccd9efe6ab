"""What the client answers with: typed, and as JSON exactly what the command line prints.

Every view keeps fields it does not know (`extra="allow"`), so that a newer worker can say more than
an older client expects. Times are aware, in UTC. `as_of` is null when Temporal or the workflow itself
answered; otherwise nobody did, and the answer is what the database knew at that time.
"""

from __future__ import annotations

from threadloom.views.answers import (
    ConfigChanged,
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
from threadloom.views.mail import (
    Broadcast,
    Mailbox,
    UnreadMessage,
    UnreadMessages,
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
    "Broadcast",
    "ConfigChanged",
    "Execution",
    "Executions",
    "Failure",
    "FlowView",
    "History",
    "HistoryRecord",
    "Hold",
    "InFlight",
    "Mailbox",
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
    "UnreadMessage",
    "UnreadMessages",
    "Variables",
    "View",
    "Waiting",
]
