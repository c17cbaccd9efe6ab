"""A thread's data between two journal items: what folding a prefix of the journal gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from domain.changing import replace
from domain.thread.frame import Frame, LastExecution, NodeState
from domain.thread.journal import (
    EXECUTED_FLOW,
    Begin,
    Change,
    Descent,
    Execution,
    JournalEntry,
    JournalItem,
    Rebase,
)
from domain.values import Json


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Frame):
    """A thread's data between two journal items: the innermost flow in execution, and those around it.

    Attributes:
        seq: The last journal item folded in.
        callers: The flows around this one, the outermost first.
        usage: By model: {calls, tokens, cost}, of what this thread itself executed.
        past_visits: By path: visits of nodes whose state is gone, so that the next has a number of its own.
        savers: By variable: the node whose result it still holds, as `nodes` say too; None when nobody has
            looked yet. A flow of a thousand nodes would otherwise look through all of them at every step.
        execution: The flow in execution, of a thread that has none of its own; the frames are then in it.
        last: How the one before ended.
    """

    seq: int = 0
    callers: tuple[Frame, ...] = ()
    usage: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    past_visits: Mapping[str, int] = field(default_factory=dict)
    savers: Annotated[Mapping[str, str] | None, Field(exclude=True)] = field(default=None, repr=False, compare=False)
    execution: Execution | None = None
    last: LastExecution | None = None

    def visits(self, node: str) -> int:
        """How often the node of the innermost flow was executed, in the thread's life."""
        state = self.nodes.get(node)
        return state.visits if state else self.past_visits.get(self.path_of(node), 0)

    def visits_here(self, node: str) -> int:
        """How often it was executed since its flow began; the outermost one begins once."""
        past = self.past_visits.get(self.path_of(node), 0) if self.callers else 0
        return self.visits(node) - past

    def result(self, node: str) -> Json:
        """The result of the node's last execution."""
        state = self.nodes[node]
        return state.result if state.result_in is None else self.variables[state.result_in]

    @property
    def outermost(self) -> Frame:
        """The thread's own flow, or the one that it executes; its variables are the thread's."""
        return self.callers[0] if self.callers else self

    @property
    def executed(self) -> int:
        """How many flows a thread without one of its own has begun to execute."""
        if self.execution is not None:
            return self.execution.number
        return self.last.execution.number if self.last is not None else 0

    @property
    def next_path(self) -> str | None:
        """The path of the next node."""
        return None if self.next is None else self.path_of(self.next)

    def apply(self, item: JournalItem) -> Checkpoint:
        """The state after the item."""
        match item:
            case JournalEntry():
                return self._executed(item)
            case Descent():
                return self._descended(item)
            case Begin():
                return self._begun(item)
            case Change():
                variables = {**self.variables, **item.set}
                nodes, savers = self._detached(item.set)
                return replace(self, seq=item.seq, variables=variables, nodes=nodes, savers=savers)
            case Rebase():
                return self._rebased(item)

    def ascend(self) -> Checkpoint:
        """The flow around the innermost one, as it was when it called that."""
        visits = {self.path_of(node): state.visits for node, state in self.nodes.items()}
        caller = self.callers[-1]
        return Checkpoint(
            path=caller.path,
            visit=caller.visit,
            flow=caller.flow,
            input=caller.input,
            variables=caller.variables,
            nodes=caller.nodes,
            next=caller.next,
            error=caller.error,
            begun=caller.begun,
            started_at=caller.started_at,
            deadline=caller.deadline,
            seq=self.seq,
            callers=self.callers[:-1],
            usage=self.usage,
            past_visits={**self.past_visits, **visits},
            execution=self.execution,
            last=self.last,
        )

    def _begun(self, begin: Begin) -> Checkpoint:
        """In the flow that is executed, with the variables that earlier ones have left."""
        return Checkpoint(
            path=begin.execution.path,
            visit=1,
            input=begin.input,
            variables={**begin.variables, **self.variables},
            next=begin.next,
            begun=begin.seq,
            started_at=begin.at,
            seq=begin.seq,
            usage=self.usage,
            execution=begin.execution,
            last=self.last,
        )

    def _idle(self, entry: JournalEntry) -> Checkpoint:
        """Out of the flow that was executed: its variables stay, and its nodes are never visited again."""
        assert self.execution is not None
        last = LastExecution(
            execution=self.execution,
            status=entry.status,
            result=entry.result,
            error=entry.error,
            started_at=entry.started_at,
            ended_at=entry.ended_at,
        )
        return Checkpoint(variables=self.outermost.variables, seq=entry.seq, usage=self.usage, last=last)

    def _executed(self, entry: JournalEntry) -> Checkpoint:
        if entry.kind == EXECUTED_FLOW:
            return self._idle(entry)
        path, _, node = entry.node.rpartition("/")
        if path != self.path and self.callers:
            return self.ascend()._executed(entry)
        changes = entry.variables()
        nodes, savers = self._detached((*changes, *entry.appended))
        _forget(savers, nodes.get(node))
        if entry.saved_as is not None:
            savers[entry.saved_as] = node
        nodes[node] = NodeState(
            status=entry.status,
            visits=entry.visit,
            result=entry.result if entry.saved_as is None else None,
            result_in=entry.saved_as,
            error=entry.error,
            retried=entry.retried,
        )
        variables = {**self.variables, **changes} if changes else self.variables
        if entry.appended:
            longer = {name: [*variables[name], *items] for name, items in entry.appended.items()}
            variables = {**variables, **longer}
        return replace(
            self,
            seq=entry.seq,
            variables=variables,
            nodes=nodes,
            savers=savers,
            next=entry.next,
            error=entry.error if entry.error is not None and entry.next is not None else self.error,
            usage=add_usage(self.usage, entry.usage) if entry.usage else self.usage,
        )

    def _descended(self, descent: Descent) -> Checkpoint:
        caller = Frame(
            path=self.path,
            visit=self.visit,
            flow=self.flow,
            input=self.input,
            variables=self.variables,
            nodes=self.nodes,
            next=self.next,
            error=self.error,
            begun=self.begun,
            started_at=self.started_at,
            deadline=self.deadline,
        )
        return Checkpoint(
            path=descent.node,
            visit=descent.visit,
            flow=descent.flow,
            input=descent.input,
            variables=descent.variables,
            next=descent.next,
            begun=descent.seq,
            started_at=descent.at,
            deadline=descent.deadline,
            seq=descent.seq,
            callers=(*self.callers, caller),
            usage=self.usage,
            past_visits=self.past_visits,
            execution=self.execution,
            last=self.last,
        )

    def _rebased(self, rebase: Rebase) -> Checkpoint:
        nodes, savers = self._detached((*rebase.set, *rebase.drop_variables))
        variables = {**self.variables, **rebase.set}
        visited = {**self.past_visits, **{self.path_of(node): self.visits(node) for node in rebase.drop_nodes}}
        for node in rebase.drop_nodes:
            _forget(savers, nodes.pop(node, None))
        for name in rebase.drop_variables:
            variables.pop(name, None)
        return replace(
            self,
            seq=rebase.seq,
            variables=variables,
            nodes=nodes,
            savers=savers,
            next=rebase.next,
            error=None if rebase.drop_error else self.error,
            # The ancestor has told its session what it used; told again, it would count twice.
            usage={},
            past_visits=dict(sorted(visited.items())) if rebase.keep_visits else {},
            execution=rebase.execution or self.execution,
        )

    def _detached(self, variables: Iterable[str]) -> tuple[dict[str, NodeState], dict[str, str]]:
        """Nodes and savers; nodes whose result was in one of the variables now hold it themselves."""
        nodes, savers = dict(self.nodes), dict(saved_in(self.nodes) if self.savers is None else self.savers)
        for name in variables:
            if (node := savers.pop(name, None)) is not None:
                nodes[node] = replace(nodes[node], result=self.variables[name], result_in=None)
        return nodes, savers


def saved_in(nodes: Mapping[str, NodeState]) -> dict[str, str]:
    """By variable: the node whose result it still holds."""
    return {state.result_in: node for node, state in nodes.items() if state.result_in is not None}


def _forget(savers: dict[str, str], state: NodeState | None) -> None:
    """The node's state is another one, or gone."""
    if state is not None and state.result_in is not None:
        del savers[state.result_in]


def fold(base: Checkpoint, items: Iterable[JournalItem]) -> Checkpoint:
    """The state after all the items."""
    for item in items:
        base = base.apply(item)
    return base


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
