"""What a thread is at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.thread.active import IDLE, ActiveNode, Compensation, HookDue, Role
from domain.thread.checkpoint import Checkpoint
from domain.thread.journal import Execution, Failure, JournalItem
from domain.thread.mailbox import MailboxLimits, Message
from domain.values import Json, JsonObject

SYSTEM = "threadloom"
"""The actor of what the product does by itself."""

LINE_LIMIT = 100
"""Flows that may wait in line for a thread that executes another one; the next one is refused."""

OPERATIONS_KEPT = 100
"""Operations a thread remembers; the records hold them all."""


class ThreadStatus(StrEnum):
    """Statuses of a thread; the last three are terminal."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in (ThreadStatus.COMPLETED, ThreadStatus.FAILED, ThreadStatus.CANCELLED)


ENDED = frozenset(status.value for status in ThreadStatus if status.terminal)
"""Names of the terminal statuses."""


class Origin(StrEnum):
    """How a thread came to be."""

    CREATED = "created"
    FORKED = "forked"
    COPIED = "copied"
    SPAWNED = "spawned"


class HoldKind(StrEnum):
    """Why a thread is held. There is at most one hold of a kind; each is lifted apart."""

    START = "start"
    THREAD = "thread"
    SESSION = "session"
    LIMIT = "limit"
    RECORDS_BACKLOG = "records_backlog"
    LOST_SESSION = "lost_session"


BY_HAND = (HoldKind.START, HoldKind.THREAD, HoldKind.LIMIT, HoldKind.LOST_SESSION)
"""Holds that `thread resume` lifts."""


class HoldLike(Protocol):
    """Anything that holds until some time."""

    @property
    def until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Keeps a thread from entering nodes.

    Attributes:
        until: When it lifts itself.
    """

    kind: HoldKind
    actor: str
    at: datetime
    reason: str | None = None
    until: datetime | None = None


def outlasts(until: datetime | None, held: HoldLike | None) -> bool:
    """Whether a pause until then (None: for good) holds longer than what holds already: it never shortens."""
    return held is None or (held.until is not None and (until is None or until > held.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing done to the thread, by whom and why."""

    type: str
    actor: str | None
    reason: str | None
    at: datetime
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a thread ended."""

    status: ThreadStatus
    result: Json = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The innermost flow has ended, and its subflow node, or the thread, not yet.

    Attributes:
        compensate: Undo what the thread did, if this is how it ends.
    """

    outcome: Outcome
    compensate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Who wants the thread cancelled, and why."""

    actor: str
    reason: str | None
    at: datetime
    compensate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What never changes in a thread's life.

    Attributes:
        parent: The thread it was forked or copied from.
        root: The oldest ancestor; its own id for a created thread.
        depth: Forks and copies between the root and this thread.
        flowless: It has no flow of its own, and executes those that it is given, one after the other.
    """

    session_id: str
    thread_id: str
    created_at: datetime
    origin: Origin = Origin.CREATED
    parent: str | None = None
    root: str
    depth: int = 0
    fork_info: JsonObject | None = None
    copy_info: JsonObject | None = None
    priority: str = "normal"
    title: str = ""
    description: str = ""
    flowless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A flow in line, to be executed when those before it have been.

    Attributes:
        variables: The flow's initial ones, for those that the thread will not have then.
        next: The flow's first node.
    """

    execution: Execution
    input: Json = None
    variables: JsonObject = field(default_factory=dict)
    next: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ThreadState:
    """A thread at one moment.

    Attributes:
        base: The state before the first entry of `journal`; entries before it have left memory.
        current: The fold of `base` and `journal`; derived, never stored.
        shared: The session's shared variables as they were when the thread started.
        watermarks: The highest number taken of each sender's messages, by the run that sent them.
        received: How many messages were ever taken, by type.
        limits_waived: Someone resumed the thread after it had reached a limit of its flow.
        passed: What has been done before the next node, so that it is not done again: its hook, its backoff.
        hook: The hook that is to run next.
        returned: How the innermost flow ended, while a hook keeps it.
        compensations: What undoes the nodes that this thread completed, in their order.
        ending: How the thread will have ended when hooks and compensations have run.
        not_undone: Compensations that failed: {node, visit, error}.
        line: Flows to execute, the next first. The rest is of threads without a flow of their own too.
        library: Documents by digest: of the flows in line, and of those that the journal speaks of.
        steps_before: `steps` when the execution of the flow began: its limits count from there.
        closing: It takes no more flows, and ends when it has executed those that it has.
    """

    identity: Identity
    status: ThreadStatus
    input: Json
    context: Json = None
    metadata: JsonObject = field(default_factory=dict)
    shared: JsonObject = field(default_factory=dict)
    base: Checkpoint
    journal: tuple[JournalItem, ...] = ()
    current: Checkpoint
    active: ActiveNode | None = None
    holds: Mapping[HoldKind, Hold] = field(default_factory=dict)
    mailbox: tuple[Message, ...] = ()
    mailbox_limits: MailboxLimits = field(default_factory=MailboxLimits)
    watermarks: Mapping[str, int] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    cancellation: Cancellation | None = None
    outcome: Outcome | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_activity_at: datetime
    steps: int = 0
    limits_waived: bool = False
    passed: tuple[Role, ...] = ()
    hook: HookDue | None = None
    returned: Returned | None = None
    compensations: tuple[Compensation, ...] = ()
    ending: Outcome | None = None
    not_undone: tuple[JsonObject, ...] = ()
    line: tuple[Requested, ...] = ()
    library: Mapping[str, JsonObject] = field(default_factory=dict)
    steps_before: int = 0
    closing: bool = False

    @property
    def idle(self) -> bool:
        """Whether the thread has no flow of its own and executes none."""
        return self.identity.flowless and self.current.execution is None

    @property
    def in_flight(self) -> bool:
        """Whether something runs outside that a pause must wait for."""
        return self.active is not None and self.active.in_flight

    @property
    def waits(self) -> bool:
        """Whether it does nothing until a time comes, others end, or somebody says something."""
        if self.active is not None:
            return self.outcome is None and self.active.waiting.kind in IDLE
        return self.outcome is None and self.idle and not self.line and not self.closing

    def derived_status(self) -> ThreadStatus:
        """The status that the rest of the state amounts to."""
        if self.outcome:
            return self.outcome.status
        if self.holds:
            return ThreadStatus.PAUSING if self.in_flight else ThreadStatus.PAUSED
        return ThreadStatus.RUNNING if self.started_at else ThreadStatus.PENDING


def wake_at(state: ThreadState) -> datetime | None:
    """When the thread has something to do although nothing arrives; None when only input wakes it."""
    if state.outcome:
        return None
    ends = [hold.until for hold in state.holds.values() if hold.until]
    if state.holds:
        # A timer that fires while the thread is held takes effect on resume, so it need not wake anyone.
        return min(ends, default=None)
    if state.active is None or state.in_flight:
        return None
    waiting = state.active.waiting
    limit = None if state.limits_waived else state.active.limit_at
    return min((at for at in (waiting.due, waiting.deadline, waiting.remind_at, limit) if at), default=None)
