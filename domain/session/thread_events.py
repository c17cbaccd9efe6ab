"""What happened to a session's threads, in the past tense; see `domain.session.events`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.session.entries import Launch, ThreadEntry
from domain.thread.state import ThreadStatus
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadCreated:
    """A thread was admitted; its workflow is to be started when its turn comes.

    Attributes:
        start: `domain.messages.ThreadStart` as JSON.
        launch: How its command is answered.
        patient: It waits for resources that are taken.
    """

    entry: ThreadEntry
    start: JsonObject
    launch: Launch
    patient: bool = True
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadQueued:
    """The thread's turn has not come at once; who asked for it is not kept waiting."""

    thread_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadHeldBack:
    """A waiting thread keeps its place and does not start; with `hold` None it may start again.

    Attributes:
        hold: {actor, reason, at}.
    """

    thread_id: str
    hold: JsonObject | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsCalledOff:
    """Waiting threads are to be cancelled, some at a time."""

    thread_ids: tuple[str, ...]
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged:
    """A waiting thread's priority was changed."""

    thread_id: str
    priority: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadWithdrawn:
    """A waiting thread was cancelled: its workflow never was."""

    thread_id: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchBegun:
    """The thread's turn has come: its workflow is being started.

    Attributes:
        start: `domain.messages.ThreadStart` as JSON.
    """

    thread_id: str
    start: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLaunched:
    """The thread's workflow exists."""

    thread_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRejected:
    """The thread could not be started. Where nobody was told of the thread yet, it never was."""

    thread_id: str
    code: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadChanged:
    """A thread reported its status, or was found to have one.

    Attributes:
        idle: It waits, and takes no running slot.
        seconds: Execution time, when it ended.
        messages: How many messages it has taken so far, by type; None when that is not known.
        behind_back: Found by looking in Temporal, not reported by the thread.
    """

    thread_id: str
    status: ThreadStatus
    at: datetime
    started_at: datetime | None = None
    idle: bool = False
    error: JsonObject | None = None
    usage: Mapping[str, Mapping[str, int | float]] | None = None
    seconds: float = 0.0
    messages: Mapping[str, int] | None = None
    behind_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadDestroyed:
    thread_id: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadManaged:
    """Somebody acted on a thread through the session, or the session did; a cancelled one may not have begun."""

    thread_id: str
    action: str
    message: JsonObject
    at: datetime


ThreadEvent: TypeAlias = (
    ThreadCreated
    | ThreadQueued
    | ThreadHeldBack
    | ThreadsCalledOff
    | PriorityChanged
    | ThreadWithdrawn
    | LaunchBegun
    | ThreadLaunched
    | ThreadRejected
    | ThreadChanged
    | ThreadDestroyed
    | ThreadManaged
)
