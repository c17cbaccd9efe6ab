"""What every operation that starts a thread from another one has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.flow.model import FlowDefinition
from domain.flow.parse import parse_flow
from domain.ids import execution_key
from domain.thread.journal import JournalItem, Rebase, executions
from domain.thread.snapshot import Seed, Snapshot
from domain.values import JsonObject


@dataclass(frozen=True, slots=True)
class BranchWarning:
    """Something the operator should know, and that does not stop the operation."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The thread to be: its id, and the command that asked for it."""

    thread_id: str
    command_id: str
    at: datetime
    max_depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A thread ready to start, and what was kept of its source.

    Attributes:
        kept: What the answer says about the operation: fork point or scope.
    """

    flow: JsonObject
    definition: FlowDefinition
    seed: Seed
    strategy: str
    kept: JsonObject
    warnings: tuple[BranchWarning, ...]

    def answer(self) -> JsonObject:
        """What the command answers with."""
        parent = self.seed.identity.parent
        assert parent is not None
        return {
            "thread_id": self.seed.identity.thread_id,
            "source": parent,
            "strategy": self.strategy,
            **self.kept,
            "warnings": [dump(warning) for warning in self.warnings],
            "relationship_mapping": relationship_mapping(parent, self.seed),
        }


def check_depth(snapshot: Snapshot, child: Child) -> None:
    """Refuse a lineage deeper than the session allows."""
    if child.max_depth is not None and snapshot.identity.depth >= child.max_depth:
        raise ThreadloomError(
            Code.DEPTH_LIMIT_REACHED,
            f"{snapshot.identity.thread_id} is {snapshot.identity.depth} deep, and {child.max_depth} is the limit",
            {"limit": child.max_depth},
        )


def inherited(items: Iterable[JournalItem]) -> tuple[JournalItem, ...]:
    """The items as they stand in the journal of a descendant."""
    return tuple(item if isinstance(item, Rebase) else replace(item, inherited=True) for item in items)


def relationship_mapping(parent: str, seed: Seed) -> Mapping[str, str]:
    """Old id → new id of the thread and of every execution it keeps."""
    child = seed.identity.thread_id
    mapping = {parent: child}
    for entry in executions(seed.journal):
        old = execution_key(parent, entry.node, entry.visit)
        mapping[old] = execution_key(child, entry.node, entry.visit)
    return mapping


def chosen_flow(snapshot: Snapshot, document: JsonObject | None) -> tuple[JsonObject, FlowDefinition]:
    """The flow that the branch executes: the source's own, or another version of it.

    Raises:
        ThreadloomError: `FLOW_INVALID`.
    """
    document = document or snapshot.flow
    return document, parse_flow(document)
