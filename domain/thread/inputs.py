"""What reaches a thread: the inputs of `decide`. Each carries the workflow's time as `now`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.thread.journal import Failure
from domain.thread.state import HoldKind
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Go on by one step, if anything can go on."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCompleted:
    now: datetime
    key: str
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFailed:
    """The activity will not be tried again.

    Attributes:
        timed_out: The whole node's time is over.
        cancelled: It ended because the thread asked for it.
    """

    now: datetime
    key: str
    failure: Failure
    timed_out: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    now: datetime
    kind: HoldKind
    actor: str
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    now: datetime
    kinds: tuple[HoldKind, ...]
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    now: datetime
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """A message for the mailbox."""

    now: datetime
    id: str
    body: Json
    name: str | None = None
    type: str = "data"
    sender: str | None = None


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
    Advance | ActivityCompleted | ActivityFailed | Pause | Resume | Cancel | Receive | Answer | Archived
)
