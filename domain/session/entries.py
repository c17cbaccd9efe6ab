"""What a session keeps of each of its threads: where it stands, and where it is on its way into Temporal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain.session.wishes import WishId
from domain.thread.state import ThreadStatus
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEntry:
    """What a session knows of one of its threads.

    Attributes:
        flow: None for a thread without a flow of its own.
        number: The thread is the session's so many-th.
        started: Its workflow exists in Temporal.
        idle: It waits for a join, a timer, a message or a person, and so takes no running slot.
        command_id: The command that asked for it, to be answered when it has started.
        spawned_by: The thread that started it beside itself.
        on_parent_end: What becomes of it when that thread ends.
        requires: What it needs before it starts, by resource.
        cancel: How it was told to end, or is to be told when its workflow exists.
        messages: How many messages it had taken when it last reported, by type; nothing when it has ended.
    """

    thread_id: str
    flow: str | None
    version: str | None
    flow_digest: str | None
    status: ThreadStatus
    priority: str
    title: str
    origin: str
    parent: str | None
    root: str
    depth: int
    created_at: datetime
    number: int = 0
    command_id: str
    started: bool = False
    idle: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: JsonObject | None = None
    fork_info: JsonObject | None = None
    copy_info: JsonObject | None = None
    spawned_by: str | None = None
    on_parent_end: Literal["cancel", "leave"] = "leave"
    requires: Mapping[str, float] = field(default_factory=dict)
    cancel: JsonObject | None = None
    messages: Mapping[str, int] = field(default_factory=dict)
    destroyed: bool = False

    @property
    def alive(self) -> bool:
        return not self.status.terminal

    @property
    def label(self) -> str | None:
        """Its flow as people name it."""
        return f"{self.flow}@{self.version}" if self.flow is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchInPreparation:
    """A fork or copy whose source is being read.

    Attributes:
        digest: Of the command that asked for it.
        wish: Set when a thread asked for it.
    """

    digest: str
    operation: Literal["fork", "copy"]
    thread_id: str
    source: str
    strategy: str
    plan: bool
    wish: WishId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A thread whose workflow is being started: how its command is answered then.

    Attributes:
        command_id: Whom to answer; None when the command was answered while the thread waited for its turn.
        held: It starts held, and will tell so.
        wish: Set when a thread asked for it and has not been told of it.
    """

    digest: str
    answer: JsonObject
    command_id: str | None = None
    held: bool = False
    wish: WishId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A thread that waits for its turn to start.

    Attributes:
        start: `domain.messages.ThreadStart` as JSON, without its flows.
        bundle: Under which its flows are kept.
        launch: How its command is answered.
        patient: It waits for resources that are taken, instead of being refused.
        hold: Who keeps it from starting: {actor, reason, at}.
        called_off: Who has cancelled it: {actor, reason}.
    """

    start: JsonObject
    bundle: str
    launch: Launch
    patient: bool = True
    hold: JsonObject | None = None
    called_off: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Resources of the session that somebody has.

    Attributes:
        allocation_id: The thread's id, where a thread has them.
        holder: Whom it was made for, where that is no thread.
        expires_at: When they are free again without anybody's doing.
    """

    allocation_id: str
    resources: Mapping[str, float]
    thread_id: str | None = None
    holder: str | None = None
    allocated_at: datetime
    expires_at: datetime | None = None

    def visible(self, session_id: str) -> JsonObject:
        """As `session resources` prints it."""
        return {
            "id": self.allocation_id,
            "session": session_id,
            "thread": self.thread_id,
            "holder": self.holder,
            "resources": dict(self.resources),
            "allocated_at": self.allocated_at.isoformat(),
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A flow and those that it names, for the threads that wait to execute it.

    Attributes:
        uses: How many threads these are.
    """

    flow: JsonObject | None
    flows: Mapping[str, JsonObject] = field(default_factory=dict)
    uses: int = 0
