"""A flow in execution: its variables, what is remembered of its nodes, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.thread.journal import Execution, ExecutionStatus, Failure
from domain.values import Json, JsonObject


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """What a thread remembers of a node: its last execution.

    Attributes:
        result_in: The variable that still holds the result; `result` is None then.
        retried: How often in a row it has failed and is to be visited again.
    """

    status: ExecutionStatus
    visits: int
    result: Json = None
    result_in: str | None = None
    error: Failure | None = None
    retried: int = 0


@dataclass(frozen=True, kw_only=True)
class LastExecution:
    """How the last execution of a flow ended, in a thread without a flow of its own."""

    execution: Execution
    status: ExecutionStatus
    result: Json = None
    error: Failure | None = None
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A flow in execution: the thread's own, one that it executes, or one that a subflow node executes.

    Attributes:
        path: The subflow node's path; the number of an execution; empty for the thread's own flow.
        visit: The subflow node's visit.
        flow: The flow's reference; None for the outermost one.
        input: Its input; None for the thread's own, whose input is the thread's.
        nodes: What is remembered of its nodes, by id.
        next: The node to enter, or the subflow node that is being executed; None when the flow has ended.
        error: The last failure that an edge of it caught.
        begun: Seq of the journal item with which it began.
    """

    path: str = ""
    visit: int = 0
    flow: str | None = None
    input: Json = None
    variables: JsonObject = field(default_factory=dict)
    nodes: Mapping[str, NodeState] = field(default_factory=dict)
    next: str | None = None
    error: Failure | None = None
    begun: int = 0
    started_at: datetime | None = None
    deadline: datetime | None = None

    def path_of(self, node: str) -> str:
        """The path of a node of this flow."""
        return f"{self.path}/{node}" if self.path else node
