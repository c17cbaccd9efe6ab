"""What a session is at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from domain.answers import Answered
from domain.session.config import SessionConfig
from domain.session.statistics import Statistics
from domain.session.wishes import Watch, Wishes, WishId
from domain.thread.state import ThreadStatus
from domain.values import JsonObject


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
class ThreadEntry:
    """What a session knows of one of its threads.

    Attributes:
        flow: None for a thread without a flow of its own.
        started: Its workflow exists in Temporal.
        command_id: The command that asked for it, to be answered when it has started.
        spawned_by: The thread that started it beside itself.
        on_parent_end: What becomes of it when that thread ends.
        cancel: How it was told to end, or is to be told when its workflow exists.
    """

    thread_id: str
    flow: str | None
    version: str | None
    flow_digest: str | None
    status: ThreadStatus
    priority: str
    title: str
    origin: str
    parent: str | None
    root: str
    depth: int
    created_at: datetime
    command_id: str
    started: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: JsonObject | None = None
    fork_info: JsonObject | None = None
    copy_info: JsonObject | None = None
    spawned_by: str | None = None
    on_parent_end: Literal["cancel", "leave"] = "leave"
    cancel: JsonObject | None = None
    destroyed: bool = False

    @property
    def alive(self) -> bool:
        return not self.status.terminal

    @property
    def label(self) -> str | None:
        """Its flow as people name it."""
        return f"{self.flow}@{self.version}" if self.flow is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchInPreparation:
    """A fork or copy whose source is being read.

    Attributes:
        digest: Of the command that asked for it.
        wish: Set when a thread asked for it.
    """

    digest: str
    operation: Literal["fork", "copy"]
    thread_id: str
    source: str
    strategy: str
    plan: bool
    wish: WishId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A thread whose workflow is being started: how its command is answered then.

    Attributes:
        held: It starts held, and will tell so.
        wish: Set when a thread asked for it.
    """

    digest: str
    answer: JsonObject
    held: bool = False
    wish: WishId | None = None


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
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session at one moment.

    Attributes:
        preparing: Forks and copies under way, by command id.
        launching: Threads whose workflow is being started.
        wishes: What living threads asked for and have no answer to, by request id, the oldest first.
        settled: What they were answered, should they ask again.
        watches: Living threads that wait for the end of others, by request id.
        answers: Commands and their answers, the oldest first.
        shared: Variables that threads see as `session.shared`.
        searchable: Whether the server has our search attributes.
        expired: `max_duration` ran out before; resuming the session waives it.
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
    preparing: Mapping[str, BranchInPreparation] = field(default_factory=dict)
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

    def alive(self) -> list[ThreadEntry]:
        """Threads that have not ended, in the order of their creation."""
        return [entry for entry in self.threads.values() if entry.alive]

    def counts(self) -> JsonObject:
        """How many threads have which status; pausing ones still run."""
        counts = {"total": 0, "running": 0, "paused": 0, "pending": 0, "completed": 0, "failed": 0, "cancelled": 0}
        for entry in self.threads.values():
            if not entry.destroyed:
                status = "running" if entry.status is ThreadStatus.PAUSING else entry.status.value
                counts["total"] += 1
                counts[status] += 1
        return counts


def taken(state: SessionState, command_id: str) -> str | None:
    """The digest of the command that was taken under this id, whether it is answered or under way."""
    if command_id in state.answers:
        return state.answers[command_id].digest
    if command_id in state.preparing:
        return state.preparing[command_id].digest
    launching = (thread_id for thread_id in state.launching if state.threads[thread_id].command_id == command_id)
    return next((state.launching[thread_id].digest for thread_id in launching), None)


def wake_at(state: SessionState) -> datetime | None:
    """When the session has something to do although nothing arrives; None when only input wakes it."""
    if state.status.terminal:
        return None
    instants = [state.reconciled_at + state.config.reconcile_every] if state.alive() else []
    if state.hold and state.hold.until:
        instants.append(state.hold.until)
    if state.ending and state.ending.deadline and not state.ending.forced:
        instants.append(state.ending.deadline)
    if state.status is SessionStatus.ACTIVE:
        instants.extend(expiries(state))
    return min(instants, default=None)


def expiries(state: SessionState) -> list[datetime]:
    """When the session's limits of time run out. While threads live it is not idle."""
    config, found = state.config, []
    if config.max_duration and not state.expired:
        found.append(state.created_at + config.max_duration)
    if config.idle_timeout and not state.alive():
        found.append(state.last_activity_at + config.idle_timeout)
    return found
