"""What a thread is doing at a node, and what is to be done around nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain.thread.calls import ActivityCall, SessionRequest
from domain.thread.journal import Failure
from domain.values import Json, JsonObject

WaitKind = Literal["activity", "workflow", "map", "timer", "message", "approval", "session", "join"]
"""What a node waits for; the first three are in flight outside, and a pause waits for them."""

IN_FLIGHT = ("activity", "workflow", "map")

IDLE = ("timer", "message", "approval", "join")
"""Waits in which a thread does nothing, for however long."""

Role = Literal["node", "before_node", "after_node", "on_error", "backoff", "compensation"]
"""What a thread is doing at a node: the node itself, a hook around it, waiting to try it again, undoing it."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What the node in execution waits for.

    Attributes:
        due: When a timer fires.
        deadline: When the node times out.
        remind_at: When the history is told that nobody has answered yet.
        expects: For an activity {activity, task_queue, maximum_attempts}, for a workflow {workflow, id},
            for a message {name}, for an approval {prompt, choices, assignees, context, schema}, for
            the session {request}, for a join {threads, need}.
    """

    kind: WaitKind
    since: datetime
    due: datetime | None = None
    deadline: datetime | None = None
    remind_at: datetime | None = None
    expects: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MapProgress:
    """How far a map is.

    Attributes:
        items: What it goes over.
        started: How many of the items were begun, in order.
        running: Places of the items in flight.
        results: By place.
        failures: By place.
    """

    items: tuple[Json, ...]
    started: int = 0
    running: tuple[int, ...] = ()
    results: Mapping[int, Json] = field(default_factory=dict)
    failures: Mapping[int, Failure] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ActiveNode:
    """The node in execution.

    Attributes:
        node: Its path.
        key: The execution's id; with a suffix, what is done around it. Results are recognised by it.
        role: What is done there.
        answer: The answer to its approval, which takes effect when nothing holds the thread.
        limit_at: When the flow's `max_duration` is over, waiting or not.
        map: Of a map, how far it is.
        request: What the session was asked for, to ask again when the session was lost.
        standings: Of a join, the status of each thread that has ended or is not there, by id.
    """

    node: str
    visit: int
    kind: str
    key: str
    started_at: datetime
    waiting: Waiting
    role: Role = "node"
    answer: JsonObject | None = None
    limit_at: datetime | None = None
    map: MapProgress | None = None
    request: SessionRequest | None = None
    standings: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_flight(self) -> bool:
        """Whether something runs outside that a pause must wait for."""
        if self.map is not None:
            return bool(self.map.running)
        return self.waiting.kind in IN_FLIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """What undoes a node that completed.

    Attributes:
        call: The activity, all templates rendered; None when they could not be.
        failure: Why not.
    """

    node: str
    visit: int
    kind: str
    call: ActivityCall | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDue:
    """A hook that is to run behind a node before the thread goes on.

    Attributes:
        error: Why the node failed, for `on_error`.
    """

    role: Literal["after_node", "on_error"]
    node: str
    visit: int
    error: Failure | None = None


def awaiting(call: ActivityCall, since: datetime, deadline: datetime | None = None, **more: Json) -> Waiting:
    """To wait for an activity, with what people are told of it."""
    expects = {
        "activity": call.activity,
        "task_queue": call.task_queue,
        "maximum_attempts": call.retry.maximum_attempts,
    }
    return Waiting(kind="activity", since=since, deadline=deadline, expects={**more, **expects})
