"""One visit to one node, and what can come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Code
from domain.flow.model import FlowDefinition, Node
from domain.ids import execution_key
from domain.thread.active import ActiveNode, MapProgress, Waiting
from domain.thread.calls import NodeCall
from domain.thread.checkpoint import Checkpoint
from domain.thread.journal import Failure
from domain.thread.program import Program
from domain.thread.scope import Scope
from domain.thread.state import ThreadState
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Done:
    """The node has its result.

    Attributes:
        changed: Variables that the node itself sets, apart from its `save`.
        appended: Items that the node itself adds to lists.
        consumed: Id of the message that was received.
        dismissed: Threads that need not go on.
    """

    result: Json = None
    changed: JsonObject | None = None
    appended: dict[str, list[Json]] | None = None
    consumed: str | None = None
    dismissed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The node failed, or its time is over.

    Attributes:
        final: The flow wants the thread to fail: no policy and no edge is asked.
        consumed: Id of the message that the node could not take.
        dismissed: Threads that need not go on.
    """

    failure: Failure
    timed_out: bool = False
    final: bool = False
    consumed: str | None = None
    dismissed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """The node waits."""

    waiting: Waiting
    call: NodeCall | None = None
    map: MapProgress | None = None


@dataclass(frozen=True, slots=True)
class Descended:
    """The node executes another flow."""

    flow: str
    input: Json
    variables: JsonObject
    start: str
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to one node: what a kind needs to know.

    Attributes:
        id: The node's id in its flow.
        path: Its path in the thread.
        at: The state that its expressions see.
    """

    program: Program
    flow: FlowDefinition
    state: ThreadState
    at: Checkpoint
    id: str
    node: Node
    number: int
    now: datetime

    @property
    def path(self) -> str:
        return self.at.path_of(self.id)

    @property
    def key(self) -> str:
        """The execution's id."""
        return execution_key(self.state.identity.thread_id, self.path, self.number)

    @property
    def summary(self) -> str:
        """How the node's work is called in Temporal's own UI."""
        return self.node.title or f"{self.path}#{self.number}"

    def scope(self, **extra: Json) -> Scope:
        """What the node's expressions see."""
        return Scope(self.state, self.now, self.path, self.number, checkpoint=self.at, extra=extra)

    def fail(self, code: str, message: str, details: JsonObject | None = None) -> Failed:
        """A failure of this node."""
        return Failed(Failure(code=code, message=message, details=details or {}, node=self.path))

    def active(self, waiting: Waiting, map: MapProgress | None = None) -> ActiveNode:
        """The node in execution, waiting like this."""
        return ActiveNode(
            node=self.path,
            visit=self.number,
            kind=self.node.kind,
            key=self.key,
            started_at=self.now,
            waiting=waiting,
            map=map,
        )

    def remaining(self, timeout: timedelta | None) -> timedelta | None:
        """How long the node may take: until its deadline, or until a thread that may not last longer fails."""
        ends = self.program.ends_at(self.state) if self.program.flow.limits.on_limit == "fail" else None
        until = min((at for at in (self.deadline(timeout), ends) if at is not None), default=None)
        return None if until is None else max(until - self.now, timedelta(milliseconds=1))

    def deadline(self, timeout: timedelta | None) -> datetime | None:
        """When the node's own timeout, or that of a subflow around it, is over."""
        own = self.now + timeout if timeout is not None else None
        return min((at for at in (own, self.at.deadline) if at is not None), default=None)


def timed_out(visit: Visit, last: Failure | None = None) -> Failed:
    """The failure of a node whose time is over; `last` is why the attempt before its end failed."""
    message, details = f"{visit.path} did not end within its timeout", {}
    if last is not None and last.code != Code.NODE_TIMEOUT:
        message, details = f"{message}: {last.code}: {last.message}", {"last": last.visible()}
    return Failed(Failure(code=Code.NODE_TIMEOUT, message=message, details=details, node=visit.path), timed_out=True)
