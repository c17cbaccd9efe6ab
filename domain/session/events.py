"""What happened to a session, in the past tense: the inputs of `evolve`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.answers import Answered
from domain.messages import Source, ThreadAnswer, ThreadStanding
from domain.session.config import SessionConfig
from domain.session.entries import BranchInPreparation
from domain.session.resource_events import ResourceEvent
from domain.session.state import Ending, SessionHold, SessionStatus
from domain.session.thread_events import ThreadEvent
from domain.session.wishes import Watch, Wishes, WishId
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRestored:
    """The session's workflow was lost, and another one has taken its place.

    Attributes:
        living: The threads that it has adopted.
        ended: How many threads were found to have ended meanwhile.
        missing: Threads that Temporal does not have.
    """

    actor: str
    reason: str | None
    source: Source
    living: tuple[str, ...]
    ended: int
    missing: tuple[str, ...]
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
class ThreadsForgotten:
    """Threads that ended long ago left memory; the database has them."""

    thread_ids: tuple[str, ...]
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
    | SessionRestored
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
    | ThreadsForgotten
    | ThreadEvent
    | ResourceEvent
    | Reconciled
    | ReconcileRequested
    | CommandAnswered
)
