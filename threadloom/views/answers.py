"""Answers to commands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from threadloom.views.base import Sparse, View
from threadloom.views.sessions import ThreadCounts


class SessionAnswer(View):
    """The answer to a command to a session.

    Attributes:
        status: The session's status right after the command, or `requested` when no worker has
            answered yet: the command is in Temporal and takes effect when one does.
    """

    session_id: str
    status: str


class SessionRecovered(View):
    """A session that was lost is there again.

    Attributes:
        status: Its status now; `requested` when the recovery is in Temporal and not done yet, and then the rest
            is not known.
        source: Where its state comes from: `state` (its last one), `start` (what its last run began with),
            `records` (the database) or `threads` (their own word alone).
        threads: How its threads stand now.
        adopted: How many threads live and were taken over.
        ended: How many threads were found to have ended meanwhile.
        lost: Threads that Temporal does not have, the first hundred: they have failed with `THREAD_LOST`.
    """

    session_id: str
    status: str
    source: str | None = None
    threads: ThreadCounts | None = None
    adopted: int | None = None
    ended: int | None = None
    lost: list[str] = Field(default_factory=list)


class ThreadAnswer(View):
    """The answer to a command to a thread; `status` as in `SessionAnswer`."""

    session_id: str
    thread_id: str
    status: str


class ThreadStarted(View):
    """A thread was created.

    Attributes:
        queued: Set when it waits for its turn to start.
    """

    thread_id: str
    status: str
    queued: Annotated[bool | None, Sparse] = None


class ThreadsCreated(View):
    """What became of each of many threads: {thread_id, status}, or {thread_id, entry, error}.

    Attributes:
        threads: In the order in which they were asked for; `entry` is a bad one's place, from 0.
    """

    threads: list[dict[str, Any]]


class ThreadPrioritised(View):
    """A waiting thread's priority from now on."""

    thread_id: str
    priority: str


class FlowCancelled(View):
    """All threads of a flow were told to end.

    Attributes:
        threads: Their ids.
    """

    flow: str
    threads: list[str]


class FlowAccepted(View):
    """A thread without a flow of its own was given one.

    Attributes:
        execution: Its number, from 1 in the thread's life; null while `requested`.
        command_id: The execution's id.
        status: `accepted`: it is executed, or waits in line. `requested`: the session has passed it on,
            and the thread has not answered yet.
    """

    session_id: str
    thread_id: str
    execution: int | None = None
    command_id: str
    status: str


class ThreadDestroyed(View):
    """An ended thread was taken off the lists."""

    thread_id: str
    destroyed: bool


class ResourcesAllocated(View):
    """{id, session, thread, holder, resources, allocated_at, expires_at}."""

    allocation: dict[str, Any]


class ResourcesReleased(View):
    """What was allocated is free again."""

    allocation: str
    released: bool


class ConfigChanged(View):
    """The configuration from now on, as `domain.session.config.SessionConfig`."""

    config: dict[str, Any]


class ThreadBranched(View):
    """A thread was forked or copied, or it was only planned.

    Attributes:
        fork_point: Of a fork, `node#visit`.
        scope: Of a copy: the nodes and variables it keeps.
        warnings: [{code, message}].
        relationship_mapping: Old id → new id of the thread and of each execution it keeps.
        plan: With `plan=True` what the operation would have answered, and nothing else is set.
    """

    thread_id: Annotated[str | None, Sparse] = None
    source: Annotated[str | None, Sparse] = None
    status: Annotated[str | None, Sparse] = None
    strategy: Annotated[str | None, Sparse] = None
    fork_point: Annotated[str | None, Sparse] = None
    scope: Annotated[dict[str, Any] | None, Sparse] = None
    warnings: Annotated[list[dict[str, Any]] | None, Sparse] = None
    relationship_mapping: Annotated[dict[str, str] | None, Sparse] = None
    plan: Annotated[dict[str, Any] | None, Sparse] = None


class FlowView(View):
    """A registered version of a flow. Only a draft's content changes; its status may.

    Attributes:
        status: `draft`, `active`, `inactive` or `archived`.
    """

    flow: str
    version: str
    digest: str
    status: str
    title: str = ""
    description: str = ""
    registered_at: datetime
    registered_by: str | None = None
