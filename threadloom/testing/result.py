"""What a run comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain.thread.active import Role
from domain.thread.journal import Failure
from domain.thread.views import elide
from domain.values import Json, JsonObject

RunStatus = Literal["completed", "failed", "waiting", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something that a node asked of the world outside.

    Attributes:
        node: The node's path.
        kind: The node's kind; `cancel` where a join dismissed threads.
        name: The activity or workflow; the kind for what has no name.
        args: With all templates rendered: an activity's arguments; {method, url, query, headers, json,
            body} of a request; {to, name, type, body, session_id} of a message; {thread_id, input, …}
            for each thread that is started; the ids of threads that are joined or dismissed.
        role: `node`, or the hook or compensation that the node's work is for.
        item: Of a map, the place of the item.
        at: Virtual time.
    """

    node: str
    visit: int
    kind: str
    name: str
    args: tuple[Json, ...]
    role: Role
    item: int | None
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """How a run ended.

    Attributes:
        status: `waiting` when it waits for what nobody gives (or is held by a limit of the flow),
            `stopped` when it took more steps than it may.
        result: Of the flow's `end`.
        error: Why it failed or was stopped: {code, message, details, node}.
        waiting: What it waits for, as `thread show` has it: {kind, node, since, …}.
        waiting_for: The same in words.
        steps: Node executions.
        path: The nodes' paths in the order in which their executions ended.
        variables: Of the flow itself, as they were at the end.
        executions: As `thread executions` lists them, in virtual time, results whole.
        calls: In the order in which they began.
        sent: The messages that `send` nodes sent: {to, name, type, body, session_id}.
        not_undone: Compensations that failed: {node, visit, error}.
    """

    status: RunStatus
    result: Json = None
    error: Failure | None = None
    waiting: JsonObject | None = None
    waiting_for: str | None = None
    steps: int
    path: list[str]
    started_at: datetime
    ended_at: datetime
    variables: JsonObject = field(repr=False)
    executions: list[JsonObject] = field(repr=False)
    calls: list[Call] = field(repr=False)
    sent: list[JsonObject] = field(repr=False)
    not_undone: list[JsonObject] = field(repr=False)

    def document(self) -> JsonObject:
        """The run as JSON, without large results of single executions."""
        return {
            "status": self.status,
            "result": self.result,
            "error": self.error.visible() if self.error else None,
            "variables": self.variables,
            "executions": [{**each, "result": elide(each["result"])} for each in self.executions],
            "waiting": self.waiting,
            "waiting_for": self.waiting_for,
            "steps": self.steps,
            "sent": self.sent,
            "not_undone": self.not_undone,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
        }
