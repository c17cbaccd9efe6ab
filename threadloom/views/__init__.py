"""What the client answers with: typed, and as JSON exactly what the command line prints.

Every view keeps fields it does not know (`extra="allow"`), so that a newer worker can say more than
an older client expects. Times are aware, in UTC. `as_of` is null when Temporal or the workflow itself
answered; otherwise nobody did, and the answer is what the database knew at that time.
"""

from __future__ import annotations

from threadloom.views.answers import (
    ConfigChanged,
    FlowAccepted,
    FlowCancelled,
    FlowView,
    ResourcesAllocated,
    ResourcesReleased,
    SessionAnswer,
    SessionRecovered,
    ThreadAnswer,
    ThreadBranched,
    ThreadDestroyed,
    ThreadPrioritised,
    ThreadsCreated,
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
from threadloom.views.pools import (
    LeaseReleased,
    LeaseSummary,
    LeaseView,
    PoolAnswer,
    PoolConfigChanged,
    PoolLeases,
    PoolView,
)
from threadloom.views.sessions import (
    History,
    HistoryRecord,
    SessionResources,
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
    "Broadcast",
    "ConfigChanged",
    "Execution",
    "Executions",
    "Failure",
    "FlowAccepted",
    "FlowCancelled",
    "FlowExecution",
    "FlowView",
    "History",
    "HistoryRecord",
    "Hold",
    "InFlight",
    "LeaseReleased",
    "LeaseSummary",
    "LeaseView",
    "Mailbox",
    "PoolAnswer",
    "PoolConfigChanged",
    "PoolLeases",
    "PoolView",
    "ResourcesAllocated",
    "ResourcesReleased",
    "SessionAnswer",
    "SessionRecovered",
    "SessionResources",
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
    "ThreadPrioritised",
    "ThreadResult",
    "ThreadStarted",
    "ThreadSummary",
    "ThreadView",
    "ThreadsCreated",
    "UnreadMessage",
    "UnreadMessages",
    "Variables",
    "View",
    "Waiting",
]
