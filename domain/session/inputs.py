"""What reaches a session: the inputs of `decide`. Each carries the workflow's time as `now`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.messages import Command, Finding, LeaseAnswer, PreparedBranch, Source, ThreadReport, ThreadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody's command."""

    now: datetime
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A thread asks for something."""

    now: datetime
    request: ThreadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A fork or copy is ready to start."""

    now: datetime
    command: Command
    branch: PreparedBranch


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPrepared:
    """A fork or copy was refused while its source was read."""

    now: datetime
    command: Command
    code: str
    message: str
    details: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """A thread's workflow was started."""

    now: datetime
    thread_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLaunched:
    """A thread's workflow could not be started."""

    now: datetime
    thread_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A thread told where it stands."""

    now: datetime
    report: ThreadReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Temporal knows of threads that were believed alive."""

    now: datetime
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTold:
    """A pool tells what has become of a request, or of a lease."""

    now: datetime
    answer: LeaseAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The database holds what the session has told."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The session was lost and has its state again; what its threads did meanwhile follows as other inputs.

    Attributes:
        living: Threads whose workflow runs.
        ended: How many have ended meanwhile.
        missing: Threads that Temporal does not have.
    """

    now: datetime
    command: Command
    source: Source
    living: tuple[str, ...]
    ended: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""

    now: datetime


SessionInput: TypeAlias = (
    Request
    | Asked
    | Prepared
    | NotPrepared
    | Launched
    | NotLaunched
    | Reported
    | Found
    | LeaseTold
    | Stored
    | Restored
    | Tick
)
