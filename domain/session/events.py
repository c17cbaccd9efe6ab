"""What happened to a session, in the past tense: the inputs of `evolve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.answers import Answered
from domain.messages import ThreadAnswer, ThreadStanding
from domain.session.config import SessionConfig
from domain.session.entries import BranchInPreparation, Launch, ThreadEntry
from domain.session.state import Ending, SessionHold, SessionStatus
from domain.session.wishes import Watch, Wishes, WishId
from domain.thread.state import ThreadStatus
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatusChanged:
    status: SessionStatus
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHeld:
    hold: SessionHold


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReleased:
    """The session's hold was lifted; with `hold_threads` each thread is held by itself instead."""

    actor: str
    reason: str | None
    at: datetime
    hold_threads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnding:
    """The session began to end, or its grace is over and threads are ended by force."""

    ending: Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpired:
    """A limit of time ran out."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLimitReached:
    """The threads have taken as many messages as the session allows."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChanged:
    before: SessionConfig
    config: SessionConfig
    changes: JsonObject
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRequested:
    """A fork or copy was accepted; its source is to be read."""

    command_id: str
    branch: BranchInPreparation
    request: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchSettled:
    """A source was read: the fork's or copy's thread is created, it was only planned, or it failed.

    Attributes:
        point: The fork point that was asked for.
        error: Why it failed: {code, message, details}.
    """

    command_id: str
    succeeded: bool
    at: datetime
    actor: str | None = None
    reason: str | None = None
    point: str | None = None
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPostponed:
    """A thread's fork was being prepared when the session was paused: it waits for its turn again."""

    command_id: str
    request: JsonObject
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WishesMade:
    """A thread asked for threads; each is admitted or refused in its turn."""

    request_id: str
    wishes: Wishes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WishSettled:
    """A thread that another one asked for was started, or refused."""

    wish: WishId
    error: JsonObject | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBegun:
    """A thread wants to hear when others end."""

    request_id: str
    watch: Watch
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered:
    """A thread is told what became of its request, or which of those that it watches have ended."""

    request_id: str
    thread_id: str
    answers: tuple[ThreadAnswer, ...] = ()
    standings: tuple[ThreadStanding, ...] = ()
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadCreated:
    """A thread was admitted; its workflow is to be started when its turn comes.

    Attributes:
        start: `domain.messages.ThreadStart` as JSON.
        launch: How its command is answered.
    """

    entry: ThreadEntry
    start: JsonObject
    launch: Launch
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
class ThreadsForgotten:
    """Threads that ended long ago left memory; the database has them."""

    thread_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLaunched:
    """The thread's workflow exists."""

    thread_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRejected:
    """The thread's workflow could not be started. Where nobody was told of the thread yet, it never was."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The session looked in Temporal for the threads it believes alive."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequested:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered:
    command_id: str
    answer: Answered
    at: datetime


SessionEvent: TypeAlias = (
    SessionStarted
    | SessionStatusChanged
    | SessionHeld
    | SessionReleased
    | SessionEnding
    | SessionExpired
    | MessageLimitReached
    | ConfigChanged
    | BranchRequested
    | BranchSettled
    | BranchPostponed
    | WishesMade
    | WishSettled
    | WatchBegun
    | RequestAnswered
    | ThreadCreated
    | ThreadQueued
    | ThreadHeldBack
    | PriorityChanged
    | ThreadWithdrawn
    | LaunchBegun
    | ThreadLaunched
    | ThreadRejected
    | ThreadChanged
    | ThreadDestroyed
    | ThreadManaged
    | ThreadsForgotten
    | Reconciled
    | ReconcileRequested
    | CommandAnswered
)
