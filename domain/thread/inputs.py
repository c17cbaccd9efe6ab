"""What reaches a thread: the inputs of `decide`. Each carries the workflow's time as `now`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from domain.messages import SerialNumber
from domain.thread.journal import Failure
from domain.thread.state import HoldKind
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Go on by one step, if anything can go on.

    Attributes:
        draining: Begin nothing more outside: the next run of the workflow waits for what is in flight.
    """

    now: datetime
    draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCompleted:
    """Attributes: item: Of a map, the place of the item."""

    now: datetime
    key: str
    result: Json
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFailed:
    """The activity, or workflow, will not be tried again.

    Attributes:
        timed_out: The whole node's time is over.
        cancelled: It ended because the thread asked for it.
    """

    now: datetime
    key: str
    failure: Failure
    timed_out: bool = False
    cancelled: bool = False
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalResult:
    """How one node of a row of local nodes ended.

    Attributes:
        key: The execution's id.
        at: When it ended; what follows it happens then.
        failure: Why it failed for good.
        timed_out: The whole node's time is over.
    """

    key: str
    at: datetime
    result: Json = None
    failure: Failure | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCompleted:
    """Local nodes were executed in a row; see `domain.thread.ahead`."""

    now: datetime
    results: tuple[LocalResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAnswered:
    """The session did what a node asked it for, or told how threads stand.

    Attributes:
        answers: By command: the thread's id, and the failure {code, message, details} if it was refused.
        standings: Statuses of threads that a join asked about, by id; `missing` for those that are not there.
    """

    now: datetime
    key: str
    answers: tuple[tuple[str, JsonObject | None], ...] = ()
    standings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    now: datetime
    kind: HoldKind
    actor: str
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Attributes: asks_again: The session may not know what it was asked for, also where no hold tells so."""

    now: datetime
    kinds: tuple[HoldKind, ...]
    actor: str
    reason: str | None = None
    asks_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Attributes: compensate: Undo what the thread did."""

    now: datetime
    actor: str
    reason: str | None = None
    compensate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """A flow for a thread that has none of its own.

    Attributes:
        id: That of the command.
        flow: The flow's document.
        flows: The documents of the flows that it names, by reference.
    """

    now: datetime
    id: str
    flow: JsonObject
    flows: Mapping[str, JsonObject]
    actor: str
    reason: str | None = None
    input: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Take no more flows."""

    now: datetime
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """A message for the mailbox.

    Attributes:
        serial: Of a message that a thread sent.
    """

    now: datetime
    id: str
    body: Json
    name: str | None = None
    type: str = "data"
    sender: str | None = None
    serial: SerialNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person's choice for an approval. Without a visit it is for the one that waits."""

    now: datetime
    node: str
    choice: str
    actor: str
    visit: int | None = None
    reason: str | None = None
    data: Json = None

    def visible(self) -> JsonObject:
        """The approval's result."""
        return {
            "choice": self.choice,
            "actor": self.actor,
            "reason": self.reason,
            "data": self.data,
            "at": self.now.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """Storage has acknowledged all entries up to `through`."""

    now: datetime
    through: int


ThreadInput: TypeAlias = (
    Advance
    | ActivityCompleted
    | ActivityFailed
    | LocalCompleted
    | SessionAnswered
    | Pause
    | Resume
    | Cancel
    | Execute
    | Close
    | Receive
    | Answer
    | Archived
)
