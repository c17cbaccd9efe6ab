"""Snapshots: a consistent cut through a thread, and what a new thread starts from.

A thread offers the capability (create a snapshot, cut it at a past point, restore from a seed);
what a fork or a copy makes of it is the session's business (`domain.session.operations`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.model import FlowDefinition
from domain.ids import NAME_PATTERN
from domain.thread.active import ActiveNode
from domain.thread.checkpoint import Checkpoint, fold
from domain.thread.frame import Frame
from domain.thread.journal import EXECUTED_FLOW, JournalEntry, JournalItem, executions
from domain.thread.state import Identity, Operation, Outcome, ThreadState, ThreadStatus
from domain.values import Json, JsonObject

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What a thread starts from.

    Attributes:
        outcome: Set when the thread is the copy of an ended one, and has ended before it began.
        library: Documents by digest, of the flows that a thread without one of its own executes or did.
    """

    identity: Identity
    input: Json = None
    context: Json = None
    metadata: JsonObject = field(default_factory=dict)
    shared: JsonObject = field(default_factory=dict)
    base: Checkpoint
    journal: tuple[JournalItem, ...] = ()
    operations: tuple[Operation, ...] = ()
    outcome: Outcome | None = None
    library: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A thread between two journal entries.

    Attributes:
        flow: The flow's document; None for a thread without a flow of its own.
        flows: The documents of the flows it names, by reference.
        library: As in `Seed`.
        base: The state before the first item of `journal`.
        active: The node in execution when the snapshot was taken.
    """

    version: int = VERSION
    taken_at: datetime
    identity: Identity
    flow: JsonObject | None
    flow_digest: str
    flows: Mapping[str, JsonObject] = field(default_factory=dict)
    status: ThreadStatus
    input: Json = None
    context: Json = None
    metadata: JsonObject = field(default_factory=dict)
    shared: JsonObject = field(default_factory=dict)
    base: Checkpoint
    journal: tuple[JournalItem, ...] = ()
    active: ActiveNode | None = None
    operations: tuple[Operation, ...] = ()
    outcome: Outcome | None = None
    library: Mapping[str, JsonObject] = field(default_factory=dict)

    def current(self) -> Checkpoint:
        """The state at the cut."""
        return fold(self.base, self.journal)

    def with_archive(
        self, base: Checkpoint, items: Sequence[JournalItem], library: Mapping[str, JsonObject] | None = None
    ) -> Snapshot:
        """The same snapshot reaching back to `base`, with the items that had left memory and their flows.

        Raises:
            ThreadloomError: `JOURNAL_INCOMPLETE` when the items do not reach the snapshot's own.
        """
        older = [item for item in items if item.seq <= self.base.seq]
        if [item.seq for item in older] != list(range(base.seq + 1, self.base.seq + 1)):
            raise ThreadloomError(
                Code.JOURNAL_INCOMPLETE,
                f"the records of {self.identity.thread_id} do not reach back from @{self.base.seq}",
                {"from": base.seq, "to": self.base.seq, "stored": len(older)},
            )
        return replace(self, base=base, journal=(*older, *self.journal), library={**(library or {}), **self.library})


@dataclass(frozen=True, slots=True)
class Point:
    """A point in a thread's past: `node`, `node#visit` or `@seq`; a node of a subflow by its path.

    In a thread without a flow of its own, paths begin with the number of the flow's execution, which
    alone is a point as well.
    """

    node: str | None = None
    visit: int | None = None
    seq: int | None = None

    def __str__(self) -> str:
        if self.seq is not None:
            return f"@{self.seq}"
        return f"{self.node}#{self.visit}" if self.visit else str(self.node)


_PATH = rf"(?:\d{{1,9}}|(?:\d{{1,9}}/)?{NAME_PATTERN}(?:/{NAME_PATTERN})*)"
_POINT = re.compile(rf"(?:@(?P<seq>\d{{1,9}})|(?P<node>{_PATH})(?:#(?P<visit>\d{{1,9}}))?)\Z")


def parse_point(text: str) -> Point:
    """Read a point.

    Raises:
        ThreadloomError: `FORK_POINT_MISSING` when there is none, `INVALID_ARGUMENT` when it is malformed.
    """
    if not text:
        raise ThreadloomError(Code.FORK_POINT_MISSING, "no point was given")
    match = _POINT.match(text)
    if match is None:
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"{text[:80]!r} is no point: write node, node#visit or @seq")
    seq, visit = match["seq"], match["visit"]
    return Point(node=match["node"], visit=int(visit) if visit else None, seq=int(seq) if seq else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A snapshot cut at a point.

    Attributes:
        entry: The execution at the point; None when the node has not been executed yet.
        items: The journal before the cut.
        checkpoint: The state at the cut; its `next` is where a thread restored from it goes on.
        at: The moment of the cut; None when it is the snapshot's own.
    """

    point: str
    entry: JournalEntry | None
    items: tuple[JournalItem, ...]
    checkpoint: Checkpoint
    at: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether the source stands at the point and has not passed it."""
        return self.entry is None


def reaches(snapshot: Snapshot, point: Point) -> bool:
    """Whether the snapshot's memory holds the point; otherwise the archive is to be read first."""
    if point.seq is not None:
        entry = _find(snapshot, point)
        return point.seq > snapshot.base.seq and (entry is None or (entry.begun or point.seq) > snapshot.base.seq)
    assert point.node is not None
    if entry := _find(snapshot, point):
        return entry.begun is None or entry.begun > snapshot.base.seq
    if _next_is(snapshot, point):
        return True
    if frame := _executing(snapshot, point):
        return frame.begun > snapshot.base.seq
    number = point.node.partition("/")[0]
    if number.isdigit():
        return int(number) > snapshot.base.executed
    before = _visits(snapshot.base, point.node)
    return before == 0 or (point.visit or 0) > before


def cut(snapshot: Snapshot, point: Point, *, after: bool = False) -> Cut:
    """Cut at the point: before that execution, or with `after` behind it.

    Raises:
        ThreadloomError: `FORK_POINT_NOT_EXECUTED`, or `INVALID_ARGUMENT` for a cut behind the end.
    """
    entry = _find(snapshot, point)
    if entry is None:
        if not after and (standing := _standing(snapshot, point)):
            return standing
        raise ThreadloomError(
            Code.FORK_POINT_NOT_EXECUTED,
            f"{snapshot.identity.thread_id} has not executed {point}",
            {"executed": sorted({entry.node for entry in executions(snapshot.journal)})},
        )
    name = f"{entry.node}#{entry.visit}"
    whole = entry.kind == EXECUTED_FLOW
    if after and entry.next is None and not whole:
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"nothing follows {name}: the flow ended there; fork at it")
    # A subflow's node began where its flow was entered, not where that ended. A whole flow begins again behind
    # its beginning, which says what flow it is.
    last = entry.seq if after else (entry.begun or entry.seq) - (0 if whole else 1)
    if last < snapshot.base.seq:
        raise ThreadloomError(
            Code.FORK_POINT_NOT_EXECUTED, f"{snapshot.identity.thread_id} was made inside {name}, and has not begun it"
        )
    items = tuple(item for item in snapshot.journal if item.seq <= last)
    checkpoint = fold(snapshot.base, items)
    return Cut(
        point=name,
        entry=entry,
        items=items,
        checkpoint=checkpoint if after or whole else replace(checkpoint, next=entry.node.rpartition("/")[2]),
        at=entry.ended_at if after else entry.started_at,
    )


def _find(snapshot: Snapshot, point: Point) -> JournalEntry | None:
    for entry in reversed(executions(snapshot.journal)):
        if entry.seq == point.seq or (entry.node == point.node and point.visit in (None, entry.visit)):
            return entry
    return None


def _standing(snapshot: Snapshot, point: Point) -> Cut | None:
    """The cut at what the source has not passed: the next node, or a flow, or subflow's node, in execution."""
    current = snapshot.current()
    if _next_is(snapshot, point):
        name = f"{current.next_path}#{current.visits(current.next or '') + 1}"
        return Cut(point=name, entry=None, items=snapshot.journal, checkpoint=current)
    if (frame := _executing(snapshot, point)) and frame.begun > snapshot.base.seq:
        whole = current.execution is not None and frame.path == current.execution.path
        items = tuple(item for item in snapshot.journal if item.seq < frame.begun + whole)
        checkpoint = fold(snapshot.base, items)
        checkpoint = checkpoint if whole else replace(checkpoint, next=frame.path.rpartition("/")[2])
        return Cut(point=f"{frame.path}#{frame.visit}", entry=None, items=items, checkpoint=checkpoint)
    return None


def _next_is(snapshot: Snapshot, point: Point) -> bool:
    current = snapshot.current()
    if snapshot.outcome or current.next is None:
        return False
    path, visit = current.path_of(current.next), current.visits(current.next) + 1
    return point in (Point(seq=current.seq + 1), Point(node=path), Point(node=path, visit=visit))


def _executing(snapshot: Snapshot, point: Point) -> Frame | None:
    """The flow at the point that is in execution: by a subflow node, or by a thread without one of its own."""
    current = snapshot.current()
    frames = () if snapshot.outcome else (*current.callers, current)
    points = ((Point(node=frame.path), Point(node=frame.path, visit=frame.visit)) for frame in frames)
    return next((frame for frame, here in zip(frames, points, strict=True) if frame.path and point in here), None)


def _visits(checkpoint: Checkpoint, path: str) -> int:
    """How often the node at the path was executed."""
    parent, _, node = path.rpartition("/")
    frames = (*checkpoint.callers, checkpoint)
    found = next((frame.nodes[node].visits for frame in frames if frame.path == parent and node in frame.nodes), 0)
    return max(found, checkpoint.past_visits.get(path, 0))


def create_snapshot(
    state: ThreadState,
    flow: JsonObject | None,
    flow_digest: str,
    now: datetime,
    flows: Mapping[str, JsonObject] | None = None,
) -> Snapshot:
    """The thread as it is, between two journal entries."""
    return Snapshot(
        taken_at=now,
        identity=state.identity,
        flow=flow,
        flow_digest=flow_digest,
        flows=flows or {},
        status=state.status,
        input=state.input,
        context=state.context,
        metadata=state.metadata,
        shared=state.shared,
        base=state.base,
        journal=state.journal,
        active=state.active,
        operations=state.operations,
        outcome=state.outcome,
        library=state.library,
    )


def first_seed(
    flow: FlowDefinition | None,
    identity: Identity,
    *,
    input: Json = None,
    context: Json = None,
    metadata: JsonObject | None = None,
    shared: JsonObject | None = None,
) -> Seed:
    """What a created thread starts from: its input and the flow's initial variables, if it has a flow.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when an initial variable cannot be evaluated.
    """
    return Seed(
        identity=identity,
        input=input,
        context=context,
        metadata=metadata or {},
        shared=shared or {},
        base=Checkpoint(variables=initial_variables(flow, input), next=flow.start) if flow else Checkpoint(),
    )


def initial_variables(flow: FlowDefinition, input: Json) -> JsonObject:
    """The flow's variables as a thread with this input begins with them."""
    return {name: render(template, {"input": input}) for name, template in flow.variables.items()}


def restore(seed: Seed, now: datetime) -> ThreadState:
    """The thread that the seed describes, about to start.

    The copy of an ended thread is pending too: its first decision is that it has ended.
    """
    current = fold(seed.base, seed.journal)
    return ThreadState(
        identity=seed.identity,
        status=ThreadStatus.PENDING,
        input=seed.input,
        context=seed.context,
        metadata=seed.metadata,
        shared=seed.shared,
        base=seed.base,
        journal=seed.journal,
        current=current,
        operations=seed.operations,
        outcome=seed.outcome,
        ended_at=now if seed.outcome else None,
        last_activity_at=now,
        library=seed.library,
    )
