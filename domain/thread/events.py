"""What happened to a thread, in the past tense: the inputs of `evolve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from domain.messages import SerialNumber
from domain.thread.active import ActiveNode, Compensation, HookDue, Role
from domain.thread.calls import ActivityCall, NodeCall, SessionRequest
from domain.thread.journal import Begin, Change, Descent, Execution, Failure, JournalEntry
from domain.thread.mailbox import Message
from domain.thread.state import Cancellation, Hold, HoldKind, Outcome, Requested, Returned, ThreadStatus
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStarted:
    """The thread began (or, forked or copied, went on from its seed)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """A node that takes time began, or goes on with something else to wait for."""

    active: ActiveNode
    call: NodeCall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsStarted:
    """A map began with more of its items.

    Attributes:
        refused: Items that cannot be executed, by place, and why.
    """

    calls: tuple[ActivityCall, ...]
    refused: Mapping[int, Failure] = field(default_factory=dict)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEnded:
    """An item of a map has its result, or has failed."""

    item: int
    result: Json = None
    failure: Failure | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsTold:
    """The session told which of the threads that a join waits for have ended."""

    standings: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnded:
    """A node execution ended, whatever its status.

    Attributes:
        consumed: Id of the message that a receive took out of the mailbox.
        compensation: What undoes it, if it completed and can be undone.
        hook: The hook that is to run before the thread goes on.
        dismissed: Threads that a join no longer waits for, and that are to be cancelled.
        returned: How the flow that the node is in ended with it.
    """

    entry: JournalEntry
    consumed: str | None = None
    compensation: Compensation | None = None
    hook: HookDue | None = None
    dismissed: tuple[str, ...] = ()
    returned: Returned | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubflowEntered:
    """A subflow node was entered: the thread goes on in the flow that it names."""

    descent: Descent


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequested:
    """A flow got in line.

    Attributes:
        documents: Those of its documents that the thread does not have, by digest.
    """

    requested: Requested
    documents: Mapping[str, JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBegan:
    """The next flow in line is executed from now on.

    Attributes:
        documents: Those of its documents that nothing in memory refers to besides: the records keep them.
    """

    begin: Begin
    documents: Mapping[str, JsonObject]
    actor: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEnded:
    """The execution of a flow ended, whatever its status; the thread does not end with it."""

    execution: Execution
    entry: JournalEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDropped:
    """The next flow in line is not executed, because the thread was cancelled."""

    requested: Requested
    failure: Failure
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequested:
    """The thread takes no more flows."""

    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesChanged:
    """Variables were set beside the nodes."""

    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePassed:
    """What comes before or behind a node is done: a hook, or the wait before it is tried again."""

    role: Role
    at: datetime
    failure: Failure | None = None
    node: str
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingBegan:
    """The thread is going to end; hooks and compensations run before it has."""

    outcome: Outcome
    compensate: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensated:
    """The newest compensation has run."""

    compensation: Compensation
    at: datetime
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAskedAgain:
    """The session may have lost what a node asked it for."""

    request: SessionRequest
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """Nobody has answered an approval, and the history was told again."""

    node: str
    visit: int
    remind_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced:
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted:
    kind: HoldKind
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Attributes: interrupt: Ask what is in flight to stop; what undoes a flow that has failed is not."""

    cancellation: Cancellation
    interrupt: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued:
    message: Message
    serial: SerialNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    node: str
    visit: int
    answer: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalArchived:
    """Storage holds all entries up to `through`, and memory may let go of them."""

    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEnded:
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The status followed from the other events of the same decision."""

    before: ThreadStatus
    status: ThreadStatus
    at: datetime
    actor: str | None = None
    reason: str | None = None


ThreadEvent: TypeAlias = (
    ThreadStarted
    | NodeEntered
    | ItemsStarted
    | ItemEnded
    | StandingsTold
    | NodeEnded
    | SubflowEntered
    | FlowRequested
    | FlowBegan
    | FlowEnded
    | FlowDropped
    | CloseRequested
    | VariablesChanged
    | StagePassed
    | EndingBegan
    | Compensated
    | SessionAskedAgain
    | Reminded
    | HoldPlaced
    | HoldLifted
    | CancelRequested
    | MessageQueued
    | ApprovalDecided
    | JournalArchived
    | ThreadEnded
    | StatusChanged
)
