"""What a session is at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.answers import Answered
from domain.session.config import SessionConfig
from domain.session.entries import Allocation, BranchInPreparation, Bundle, Launch, Queued, ThreadEntry
from domain.session.statistics import Statistics
from domain.session.wishes import Watch, Wishes
from domain.thread.state import ThreadStatus
from domain.values import JsonObject

ENDED_KEPT = 1_000
"""Threads that have ended and stay in memory; of older ones only the database knows."""


class SessionStatus(StrEnum):
    """Statuses of a session; closed and terminated are terminal."""

    ACTIVE = "active"
    PAUSING = "pausing"
    PAUSED = "paused"
    CLOSING = "closing"
    CLOSED = "closed"
    TERMINATING = "terminating"
    TERMINATED = "terminated"

    @property
    def terminal(self) -> bool:
        return self in (SessionStatus.CLOSED, SessionStatus.TERMINATED)

    @property
    def held(self) -> bool:
        return self in (SessionStatus.PAUSING, SessionStatus.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHold:
    """Who paused the session, and why."""

    actor: str
    reason: str | None
    at: datetime
    until: datetime | None = None

    def visible(self) -> JsonObject:
        return {
            "kind": "session",
            "actor": self.actor,
            "reason": self.reason,
            "at": self.at.isoformat(),
            "until": self.until.isoformat() if self.until else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Who ends the session, and when its threads are ended by force."""

    actor: str
    reason: str | None
    at: datetime
    deadline: datetime | None = None
    compensate: bool = True
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session at one moment.

    Attributes:
        threads: Those that have not ended, in the order of their creation.
        ended: The newest that have, in the order of their ends.
        ended_counts: How many have ended in which status and are not destroyed, also those that left memory.
        created: How many there ever were; the number of the newest.
        preparing: Forks and copies under way, by command id.
        queue: Threads that wait for their turn to start, in the order in which they came.
        bundles: What the flows of waiting threads are made of, once each.
        allocations: Who has what of the session's resources.
        leases: By thread and pool: whether the thread has the lease that it asked for.
        launching: Threads whose workflow is being started.
        wishes: What living threads asked for and have no answer to, by request id, the oldest first.
        settled: What they were answered, should they ask again.
        watches: Living threads that wait for the end of others, by request id.
        answers: Commands and their answers, the oldest first.
        shared: Variables that threads see as `session.shared`.
        searchable: Whether the server has our search attributes.
        expired: `max_duration` ran out before; resuming the session waives it.
        messages_waived: `max_messages` was reached before; resuming the session waives it.
    """

    session_id: str
    status: SessionStatus
    config: SessionConfig
    created_at: datetime
    title: str = ""
    user_id: str | None = None
    metadata: JsonObject = field(default_factory=dict)
    shared: JsonObject = field(default_factory=dict)
    searchable: bool = False
    hold: SessionHold | None = None
    ending: Ending | None = None
    threads: Mapping[str, ThreadEntry] = field(default_factory=dict)
    ended: Mapping[str, ThreadEntry] = field(default_factory=dict)
    ended_counts: Mapping[str, int] = field(default_factory=dict)
    created: int = 0
    preparing: Mapping[str, BranchInPreparation] = field(default_factory=dict)
    queue: Mapping[str, Queued] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    allocations: Mapping[str, Allocation] = field(default_factory=dict)
    leases: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    launching: Mapping[str, Launch] = field(default_factory=dict)
    wishes: Mapping[str, Wishes] = field(default_factory=dict)
    settled: Mapping[str, Wishes] = field(default_factory=dict)
    watches: Mapping[str, Watch] = field(default_factory=dict)
    answers: Mapping[str, Answered] = field(default_factory=dict)
    statistics: Statistics = field(default_factory=Statistics)
    last_activity_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    reconciled_at: datetime
    expired: bool = False
    messages_waived: bool = False

    def find(self, thread_id: str) -> ThreadEntry | None:
        """The thread, as long as it is in memory."""
        return self.threads.get(thread_id) or self.ended.get(thread_id)

    def known(self) -> list[ThreadEntry]:
        """Threads in memory that are not destroyed, in the order of their creation."""
        ended = (entry for entry in self.ended.values() if not entry.destroyed)
        return sorted([*self.threads.values(), *ended], key=lambda entry: (entry.created_at, entry.number))

    @property
    def total(self) -> int:
        """How many threads there are that are not destroyed, whether in memory or not."""
        return len(self.threads) + sum(self.ended_counts.values())

    @property
    def forgotten(self) -> bool:
        """Whether threads have left memory, so that only the database knows them."""
        return self.created > len(self.threads) + len(self.ended)

    def counts(self) -> JsonObject:
        """How many threads have which status; pausing ones still run."""
        counts = {"total": self.total, "running": 0, "paused": 0, "pending": 0}
        for entry in self.threads.values():
            counts["running" if entry.status is ThreadStatus.PAUSING else entry.status.value] += 1
        return counts | {status: self.ended_counts.get(status, 0) for status in ("completed", "failed", "cancelled")}


def settled(state: SessionState) -> SessionState:
    """The state with each thread in its place: earlier versions kept those that have ended among the living."""
    ended = {thread_id: entry for thread_id, entry in state.threads.items() if not entry.alive}
    if not ended:
        return state
    counts = dict(state.ended_counts)
    for entry in ended.values():
        if not entry.destroyed:
            counts[entry.status.value] = counts.get(entry.status.value, 0) + 1
    threads = {thread_id: entry for thread_id, entry in state.threads.items() if entry.alive}
    return replace(state, threads=threads, ended={**state.ended, **ended}, ended_counts=counts)


def taken(state: SessionState, command_id: str) -> str | None:
    """The digest of the command that was taken under this id, whether it is answered or under way."""
    if command_id in state.answers:
        return state.answers[command_id].digest
    if command_id in state.preparing:
        return state.preparing[command_id].digest
    return next((launch.digest for launch in state.launching.values() if launch.command_id == command_id), None)


def wake_at(state: SessionState) -> datetime | None:
    """When the session has something to do although nothing arrives; None when only input wakes it."""
    if state.status.terminal:
        return None
    instants = [state.reconciled_at + state.config.reconcile_every] if state.threads else []
    instants.extend(allocation.expires_at for allocation in state.allocations.values() if allocation.expires_at)
    if state.hold and state.hold.until:
        instants.append(state.hold.until)
    if state.ending and state.ending.deadline and not state.ending.forced:
        instants.append(state.ending.deadline)
    if state.status is SessionStatus.ACTIVE:
        instants.extend(expiries(state))
    return min(instants, default=None)


def not_paused(state: SessionState) -> list[str]:
    """Living threads that a pause still waits for; one that waits to start has nothing in flight."""
    return [
        thread_id
        for thread_id, entry in state.threads.items()
        if entry.status is not ThreadStatus.PAUSED and thread_id not in state.queue
    ]


def expiries(state: SessionState) -> list[datetime]:
    """When the session's limits of time run out. While threads live it is not idle."""
    config, found = state.config, []
    if config.max_duration and not state.expired:
        found.append(state.created_at + config.max_duration)
    if config.idle_timeout and not state.threads:
        found.append(state.last_activity_at + config.idle_timeout)
    return found
