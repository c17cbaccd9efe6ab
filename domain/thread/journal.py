"""The journal of a thread: what its executions changed, in order.

An entry holds what one node execution changed, never a copy of what it did not. A value that a node
saves whole in a variable is stored once, as the result, and named in `saved_as`. `domain.thread.checkpoint`
folds a prefix of the journal into the state at that point. Items that are no executions stand in
between: where a subflow began (`Descent`), where a thread without a flow of its own began to execute
one (`Begin`), where a hook set variables (`Change`), and where a thread was forked or copied (`Rebase`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from domain.values import Json, JsonObject


class ExecutionStatus(StrEnum):
    """How a node execution stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


FINISHED = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.SKIPPED})
"""Node states that a partial fork inherits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a node or a thread failed."""

    code: str
    message: str
    details: JsonObject = field(default_factory=dict)
    node: str | None = None

    def __post_init__(self) -> None:
        # A member of the enumeration is text, and yet not the plain text that expressions take.
        object.__setattr__(self, "code", str(self.code))

    def visible(self) -> JsonObject:
        """As `error` in expressions and in answers."""
        return {"code": self.code, "message": self.message, "details": self.details, "node": self.node}


EXECUTED_FLOW = "flow"
"""The kind of the journal entry that ends the execution of a flow, in a thread without one of its own."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """A flow that a thread without one of its own executes.

    Attributes:
        number: From 1 in the thread's life.
        id: That of the command that asked for it.
        flow: Its name.
        document: Digest of its document, which the thread keeps apart, once for all executions.
        flows: By the reference that a flow has to another one, the digest of that one's document.
    """

    number: int
    id: str
    flow: str
    version: str
    document: str
    flows: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """What its nodes' paths begin with: no node's id does."""
        return str(self.number)

    @property
    def label(self) -> str:
        return f"{self.flow}@{self.version}"

    @property
    def documents(self) -> tuple[str, ...]:
        """Digests of all documents that it needs."""
        return (self.document, *self.flows.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One execution of one node, or of a whole flow by a thread without one of its own.

    Attributes:
        seq: From 1 in the thread's life; a fork goes on counting from its point.
        node: The node's path: its id, behind those of the subflow nodes it is in, and behind the
            number of the flow's execution.
        visit: From 1 for each path.
        changed: Variables set, except `saved_as`.
        appended: Items added to variables that are lists.
        saved_as: The variable that took the result as it is.
        next: The node that follows in the same flow; None when the flow ended here.
        retried: How often in a row the node has failed, where the flow's policy visits it again.
        begun: Of a subflow's node, the seq of its `Descent`; of a flow, that of its `Begin`.
        inherited: Executed by an ancestor, not by this thread.
    """

    type: Literal["node"] = "node"
    seq: int
    node: str
    kind: str
    visit: int
    status: ExecutionStatus
    started_at: datetime
    ended_at: datetime
    result: Json = None
    error: Failure | None = None
    changed: JsonObject = field(default_factory=dict)
    appended: dict[str, list[Json]] = field(default_factory=dict)
    saved_as: str | None = None
    next: str | None = None
    usage: JsonObject | None = None
    retried: int = 0
    begun: int | None = None
    inherited: bool = False

    def variables(self) -> JsonObject:
        """All variables that this execution set, apart from lists it appended to."""
        return self.changed if self.saved_as is None else {**self.changed, self.saved_as: self.result}

    @property
    def written(self) -> list[str]:
        """The names of all variables that this execution changed."""
        return sorted({*self.variables(), *self.appended})


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """A subflow node was entered; what follows happens in the flow that it names.

    Attributes:
        node: The subflow node's path.
        flow: The flow's reference.
        input: Its input.
        variables: Its variables as it begins.
        next: Its first node.
        deadline: When the subflow has to have ended.
    """

    type: Literal["descent"] = "descent"
    seq: int
    at: datetime
    node: str
    visit: int
    flow: str
    input: Json = None
    variables: JsonObject = field(default_factory=dict)
    next: str
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A thread without a flow of its own began to execute one; what follows happens in that.

    Attributes:
        input: The execution's input.
        variables: Those of its initial variables that the thread did not have.
        next: Its first node.
    """

    type: Literal["begin"] = "begin"
    seq: int
    at: datetime
    execution: Execution
    input: Json = None
    variables: JsonObject = field(default_factory=dict)
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Variables were set beside the nodes.

    Attributes:
        cause: What set them, such as `before_node`.
        node: The node before, behind or at which that happened.
    """

    type: Literal["change"] = "change"
    seq: int
    at: datetime
    cause: str
    node: str
    set: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase:
    """What a fork or copy did to the state it inherited.

    Attributes:
        next: Where the new thread goes on.
        drop_error: Forget the last failure that an edge caught.
        keep_visits: Go on counting visits of the dropped nodes, because their executions stay in the journal.
        execution: Go on in another flow, or version of the flow, that is executed.
    """

    type: Literal["rebase"] = "rebase"
    seq: int
    at: datetime
    next: str | None
    drop_nodes: tuple[str, ...] = ()
    drop_variables: tuple[str, ...] = ()
    drop_error: bool = False
    keep_visits: bool = False
    set: JsonObject = field(default_factory=dict)
    execution: Execution | None = None


JournalItem: TypeAlias = Annotated[JournalEntry | Descent | Begin | Change | Rebase, Field(discriminator="type")]


def executions(items: Iterable[JournalItem]) -> list[JournalEntry]:
    """The node executions among the items."""
    return [item for item in items if isinstance(item, JournalEntry)]
