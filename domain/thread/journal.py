"""The journal of a thread, and the fold that turns a prefix of it into the state at that point.

An entry holds what one node execution changed, never a copy of what it did not. A value that a node
saves whole in a variable is stored once, as the result, and named in `saved_as`. Where a thread was
forked or copied, a `Rebase` stands in its journal between what it inherited and what it executed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One execution of one node.

    Attributes:
        seq: From 1 in the thread's life; a fork goes on counting from its point.
        changed: Variables set, except `saved_as`.
        saved_as: The variable that took the result as it is.
        next: The node that follows; None when the thread ended here.
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
    saved_as: str | None = None
    next: str | None = None
    usage: JsonObject | None = None
    inherited: bool = False

    def variables(self) -> JsonObject:
        """All variables that this execution set."""
        return self.changed if self.saved_as is None else {**self.changed, self.saved_as: self.result}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase:
    """What a fork or copy did to the state it inherited.

    Attributes:
        next: Where the new thread goes on.
        drop_error: Forget the last failure that an edge caught.
        keep_visits: Go on counting visits of the dropped nodes, because their executions stay in the journal.
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


JournalItem: TypeAlias = Annotated[JournalEntry | Rebase, Field(discriminator="type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """What a thread remembers of a node: its last execution.

    Attributes:
        result_in: The variable that still holds the result; `result` is None then.
    """

    status: ExecutionStatus
    visits: int
    result: Json = None
    result_in: str | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A thread's data between two node executions.

    Attributes:
        seq: The last journal entry folded in.
        next: The node to enter; None when the thread has ended.
        error: The last failure that an edge caught.
        past_visits: Visits of nodes whose state was dropped while their history was kept, so that the
            next visit has a number of its own.
        usage: By model: {calls, tokens, cost}, of what this thread itself executed.
    """

    seq: int = 0
    variables: JsonObject = field(default_factory=dict)
    nodes: Mapping[str, NodeState] = field(default_factory=dict)
    next: str | None = None
    error: Failure | None = None
    usage: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    past_visits: Mapping[str, int] = field(default_factory=dict)

    def visits(self, node: str) -> int:
        """How often the node was executed."""
        state = self.nodes.get(node)
        return state.visits if state else self.past_visits.get(node, 0)

    def result(self, node: str) -> Json:
        """The result of the node's last execution."""
        state = self.nodes[node]
        return state.result if state.result_in is None else self.variables[state.result_in]

    def apply(self, item: JournalItem) -> Checkpoint:
        """The state after the item."""
        if isinstance(item, Rebase):
            return self._rebased(item)
        changes = item.variables()
        nodes = self._detached(changes)
        nodes[item.node] = NodeState(
            status=item.status,
            visits=item.visit,
            result=item.result if item.saved_as is None else None,
            result_in=item.saved_as,
            error=item.error,
        )
        return Checkpoint(
            seq=item.seq,
            variables={**self.variables, **changes} if changes else self.variables,
            nodes=nodes,
            next=item.next,
            error=item.error if item.error is not None and item.next is not None else self.error,
            usage=add_usage(self.usage, item.usage) if item.usage else self.usage,
            past_visits=self.past_visits,
        )

    def _rebased(self, rebase: Rebase) -> Checkpoint:
        nodes = self._detached({*rebase.set, *rebase.drop_variables})
        variables = {**self.variables, **rebase.set}
        visited = {node: self.visits(node) for node in {*rebase.drop_nodes, *self.past_visits}}
        for node in rebase.drop_nodes:
            nodes.pop(node, None)
        for name in rebase.drop_variables:
            variables.pop(name, None)
        return Checkpoint(
            seq=rebase.seq,
            variables=variables,
            nodes=nodes,
            next=rebase.next,
            error=None if rebase.drop_error else self.error,
            # The ancestor has told its session what it used; told again, it would count twice.
            usage={},
            past_visits=dict(sorted(visited.items())) if rebase.keep_visits else {},
        )

    def _detached(self, variables: Container[str | None]) -> dict[str, NodeState]:
        """The nodes, those whose result was in one of the variables now holding it themselves."""
        return {
            name: replace(node, result=self.variables[node.result_in], result_in=None)
            if node.result_in is not None and node.result_in in variables
            else node
            for name, node in self.nodes.items()
        }


def fold(base: Checkpoint, items: Iterable[JournalItem]) -> Checkpoint:
    """The state after all the items."""
    for item in items:
        base = base.apply(item)
    return base


def executions(items: Iterable[JournalItem]) -> list[JournalEntry]:
    """The node executions among the items."""
    return [item for item in items if isinstance(item, JournalEntry)]


def add_usage(
    totals: Mapping[str, Mapping[str, int | float]], usage: Mapping[str, Json]
) -> Mapping[str, Mapping[str, int | float]]:
    """Totals by model with one call's usage {model, tokens, cost} added."""
    model = str(usage.get("model") or "unknown")
    before = totals.get(model, {})
    return {
        **totals,
        model: {
            "calls": before.get("calls", 0) + 1,
            "tokens": before.get("tokens", 0) + (usage.get("tokens") or 0),
            "cost": before.get("cost", 0) + (usage.get("cost") or 0),
        },
    }
