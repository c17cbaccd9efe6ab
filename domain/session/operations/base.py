"""What every operation that starts a thread from another one has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.flow.model import FlowDefinition, SubflowNode
from domain.ids import execution_key
from domain.thread.checkpoint import Checkpoint
from domain.thread.journal import JournalEntry, JournalItem, executions
from domain.thread.program import Program, Programs
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
        flow: The flow's document; None when the thread has none of its own, or goes on in one that its source
            was given, whose documents are in the seed.
        flows: The documents of the flows that it names, by reference.
        definition: The flow that is the thread's own from now on, if any.
        kept: What the answer says about the operation: fork point or scope.
    """

    flow: JsonObject | None
    flows: Mapping[str, JsonObject]
    definition: FlowDefinition | None
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


def program_at(snapshot: Snapshot, moment: Checkpoint) -> Program:
    """The flows that the snapshot's thread executes at a moment.

    Raises:
        ThreadloomError: `FLOW_INVALID`; `FLOW_NOT_FOUND` when the snapshot came without the documents.
    """
    return Programs(Program.of(snapshot.flow, snapshot.flows)).at(moment, snapshot.library)


def inherited(items: Iterable[JournalItem]) -> tuple[JournalItem, ...]:
    """The items as they stand in the journal of a descendant."""
    return tuple(replace(item, inherited=True) if isinstance(item, JournalEntry) else item for item in items)


def relationship_mapping(parent: str, seed: Seed) -> Mapping[str, str]:
    """Old id → new id of the thread and of every execution it keeps."""
    child = seed.identity.thread_id
    mapping = {parent: child}
    for entry in executions(seed.journal):
        old = execution_key(parent, entry.node, entry.visit)
        mapping[old] = execution_key(child, entry.node, entry.visit)
    return mapping


def path_exists(program: Program, path: str) -> tuple[bool, list[str]]:
    """Whether the flows have a node at the path, and the nodes of the last flow on the way to it."""
    flow = program.flow
    *outer, last = path.split("/")
    for step in outer:
        node = flow.nodes.get(step)
        if not isinstance(node, SubflowNode):
            return False, sorted(flow.nodes)
        flow = program.named(node.flow)
    return last in flow.nodes, sorted(flow.nodes)


def check_standing(program: Program, start: Checkpoint) -> None:
    """Refuse flows that do not have the nodes where the thread goes on, or that its subflows return to.

    Raises:
        ThreadloomError: `NODE_NOT_FOUND`, `FLOW_NOT_FOUND`.
    """
    for frame in (*start.callers, start) if program.main is not None else ():
        flow, node = program.at(frame), frame.next
        if node not in flow.nodes:
            raise ThreadloomError(Code.NODE_NOT_FOUND, f"{flow.label} has no node {node}", {"node": node})
