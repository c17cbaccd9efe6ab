"""Sessions, what they have counted, and their history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from threadloom.views.base import Hold, View

ENDED_SESSION = frozenset({"closed", "terminated"})


class ThreadCounts(View):
    """How many threads have which status; pausing ones count as running."""

    total: int = 0
    running: int = 0
    paused: int = 0
    pending: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0


class SessionSummary(View):
    """A session in a list."""

    session_id: str
    status: str
    title: str = ""
    user_id: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether the session will never do anything again."""
        return self.status in ENDED_SESSION


class SessionView(SessionSummary):
    """A session.

    Attributes:
        status: `active`, `pausing`, `paused`, `closing`, `closed`, `terminating` or `terminated`;
            `inactive` when it is in Temporal and no worker has taken it up yet.
        config: As `domain.session.config.SessionConfig`.
        not_paused_yet: While pausing, the threads that still have something in flight.
        in_flight: What that is, for the first twenty of them: {thread_id, status, current_node, in_flight}.
        queue: {waiting, taken}: threads that wait for their turn to start, and running places that are taken.
        preparing: Forks and copies under way: {operation, source, thread_id}.
        activity: {message_count}: messages that its threads had taken when they last reported.
    """

    config: dict[str, Any] = Field(default_factory=dict)
    threads: ThreadCounts = ThreadCounts()
    holds: list[Hold] = Field(default_factory=list)
    not_paused_yet: list[str] = Field(default_factory=list)
    in_flight: list[dict[str, Any]] = Field(default_factory=list)
    queue: dict[str, int] = Field(default_factory=dict)
    preparing: list[dict[str, Any]] = Field(default_factory=list)
    activity: dict[str, Any] = Field(default_factory=dict)
    last_activity_at: datetime | None = None
    as_of: datetime | None = None


class SessionTree(View):
    """Threads by lineage.

    Attributes:
        roots: [{thread_id, flow, version, status, origin, fork_point, children: [the same]}].
    """

    session_id: str
    status: str
    roots: list[dict[str, Any]]
    as_of: datetime | None = None


class SessionStatistics(View):
    """What a session counts.

    Attributes:
        operations: {fork, copy: {total, successful, failed, by_strategy}, other: {name: count}}.
        performance: Execution times of ended threads in seconds, and rates.
        usage: {calls, tokens, cost, average_cost_per_call, by_model}.
        messages: {received, by_type}: what its threads had taken when they last reported.
        resources: {threads: {used, peak, limit}}.
    """

    operations: dict[str, Any] = Field(default_factory=dict)
    performance: dict[str, Any] = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    messages: dict[str, Any] = Field(default_factory=dict)
    resources: dict[str, Any] = Field(default_factory=dict)
    as_of: datetime | None = None


class SessionResources(View):
    """What is taken of a session's resources.

    Attributes:
        resources: By name {used, peak, limit}.
        allocations: {id, session, thread, holder, resources, allocated_at, expires_at} each.
        leases: What threads have at pools, or stand in line for: {thread_id, pool, granted}.
    """

    resources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    allocations: list[dict[str, Any]] = Field(default_factory=list)
    leases: list[dict[str, Any]] = Field(default_factory=list)


class HistoryRecord(View):
    """One fact of a session's history. `seq` counts per session, from 1."""

    seq: int
    type: str
    thread: str | None = None
    flow: str | None = None
    node: str | None = None
    visit: int | None = None
    actor: str | None = None
    reason: str | None = None
    title: str = ""
    timestamp: datetime
    details: dict[str, Any] = Field(default_factory=dict)


class History(View):
    """Records in order."""

    records: list[HistoryRecord]
