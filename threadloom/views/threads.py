"""Threads, and what they have executed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from threadloom.views.base import Failure, Hold, Sparse, View
from threadloom.views.mail import Mailbox

ENDED_THREAD = frozenset({"completed", "failed", "cancelled"})


class Waiting(View):
    """What a thread waits for, as data.

    Attributes:
        kind: `timer`, `approval`, `message`, `join`, `activity`, `flow`, `hold`, `queue` or `pool`.
        until: When the wait ends by itself; absent when it does not.
        choices: What an approval offers.
        assignees: Who is asked for an approval.
        pool: Where it stands in line.
        place: In a queue, from 1, of so many (`of`).
    """

    kind: str
    node: str | None = None
    since: datetime | None = None
    until: Annotated[datetime | None, Sparse] = None
    choices: Annotated[list[str] | None, Sparse] = None
    assignees: Annotated[list[str] | None, Sparse] = None
    place: Annotated[int | None, Sparse] = None
    of: Annotated[int | None, Sparse] = None
    pool: Annotated[str | None, Sparse] = None


class InFlight(View):
    """An activity, or another team's workflow, that has been called and has not ended, as Temporal sees it.

    Attributes:
        id: The activity's id in Temporal: `node#visit`, and behind a slash the item of a map or the hook.
        role: `node`, or the hook or compensation that it is.
        item: The place of a map's item.
        state: `scheduled` (no worker has it), `running`, or `backing_off` (failed, and tried again later).
        attempt: The one that runs or comes next, from 1.
        maximum_attempts: Null when there is no limit.
        last_failure: {code, message} of the attempt before; null on the first.
        worker: Identity of the worker that has or had it.
    """

    node: str
    visit: int
    id: str = ""
    role: str = "node"
    item: int | None = None
    activity: str | None = None
    workflow: str | None = None
    workflow_id: str | None = None
    task_queue: str | None = None
    state: str = "scheduled"
    attempt: int = 1
    maximum_attempts: int | None = None
    since: datetime | None = None
    next_attempt_at: datetime | None = None
    last_failure: dict[str, Any] | None = None
    worker: str | None = None


class ThreadSummary(View):
    """A thread in a list.

    Attributes:
        flow: Null for a thread without a flow of its own.
        status: `pending`, `running`, `pausing`, `paused`, `completed`, `failed` or `cancelled`.
        origin: `created`, `forked` or `copied`.
        progress: Per cent of the flow's nodes that were executed; null when unknown.
        waiting_for: What it waits for, in words; null while it works or has ended.
        mailbox: Its unread messages; null when only the database could be asked, or its session.
    """

    session_id: str
    thread_id: str
    flow: str | None = None
    version: str | None = None
    status: str
    priority: str = "normal"
    title: str = ""
    parent: str | None = None
    root: str | None = None
    depth: int = 0
    origin: str = "created"
    progress: int | None = None
    current_node: str | None = None
    waiting_for: str | None = None
    waiting: Waiting | None = None
    mailbox: Mailbox | None = None
    error: Failure | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    as_of: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether the thread will never do anything again."""
        return self.status in ENDED_THREAD


class ThreadView(ThreadSummary):
    """A thread. A value over 8 KiB is shown as `{"elided": true, "bytes": n}`.

    Attributes:
        in_flight: Activities under way.
        execution: Of a thread without a flow of its own, the one that it executes: {number, id, flow, version,
            started_at}.
        last_execution: How the one before ended: {number, id, flow, version, status, result, error, started_at,
            ended_at}.
        in_line: How many wait for their turn.
        operations: What was done to it: {type, actor, reason, at, details}.
        not_undone: Compensations that failed: {node, visit, error}.
    """

    holds: list[Hold] = Field(default_factory=list)
    in_flight: list[InFlight] = Field(default_factory=list)
    variables: dict[str, Any] = Field(default_factory=dict)
    metadata: Any = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    fork_info: dict[str, Any] | None = None
    copy_info: dict[str, Any] | None = None
    operations: list[dict[str, Any]] = Field(default_factory=list)
    not_undone: list[dict[str, Any]] = Field(default_factory=list)
    execution: dict[str, Any] | None = None
    last_execution: dict[str, Any] | None = None
    in_line: int = 0
    result: Any = None


class ThreadList(View):
    """The threads of a session, in the order of their creation."""

    threads: list[ThreadSummary]
    as_of: datetime | None = None


class Execution(View):
    """One execution of one node.

    Attributes:
        seq: What `@seq` points at.
        status: `running`, `completed`, `failed`, `skipped` or `cancelled`.
        attempts: Of an activity or a request; null when neither Temporal nor the records know them any more.
        inherited: Executed by an ancestor of the thread.
    """

    seq: int
    id: str
    node: str
    kind: str | None = None
    visit: int
    status: str
    attempts: int | None = None
    started_at: datetime
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    result: Any = None
    error: Failure | None = None
    next: str | None = None
    changed: list[str] = Field(default_factory=list)
    usage: dict[str, Any] | None = None
    inherited: bool = False


class Executions(View):
    """Node executions from the first on, the one under way last.

    Attributes:
        complete: False when older ones have left the thread's memory and the database did not answer.
    """

    executions: list[Execution]
    complete: bool = True
    as_of: datetime | None = None


class Variables(View):
    """All variables, whole."""

    variables: dict[str, Any]
    as_of: datetime | None = None


class SnapshotView(View):
    """A thread between two node executions.

    Attributes:
        point: Where the cut is: `node#visit`; null for the thread as it is.
        flow: Null for a thread without a flow of its own.
        execution: The flow that such a thread executes: {number, id, flow, version, document, flows}.
        seq: The last execution that counts.
        next: The node that follows; null when the thread has ended.
        nodes: Last execution of each node: {status, visits, error}.
    """

    session_id: str
    thread_id: str
    taken_at: datetime
    flow: str | None = None
    version: str | None = None
    flow_digest: str | None = None
    execution: dict[str, Any] | None = None
    status: str
    point: str | None = None
    seq: int
    next: str | None = None
    input: Any = None
    context: Any = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, Any] = Field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    as_of: datetime | None = None


class ThreadResult(View):
    """How a thread ended, or where it stands.

    `result` is whole, whatever its size, as long as Temporal has the thread; the database keeps one of
    more than 8 KiB only as `{"elided": true, "bytes": n}`.

    Attributes:
        result: What the flow's end made; null unless completed.
    """

    status: str
    result: Any = None
    error: Failure | None = None
    as_of: Annotated[datetime | None, Sparse] = None


class FlowExecution(View):
    """Where the execution of a flow stands, by a thread without one of its own; its result whole.

    Attributes:
        number: From 1 in the thread's life.
        id: That of the command that asked for it.
        status: `pending` (in line), `running`, `completed`, `failed` or `cancelled`.
    """

    number: int
    id: str
    flow: str
    version: str
    status: str
    result: Any = None
    error: Failure | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED_THREAD
