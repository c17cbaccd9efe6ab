"""What is said when a session that was lost is started again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from domain.messages.activities import Finding
from domain.messages.base import Command, Internal
from domain.messages.internal import ThreadReport
from domain.records import ThreadRow

Source: TypeAlias = Literal["state", "start", "records", "threads"]
"""Where the state of a recovered session comes from, the best first: the state that its last run had, the state that
this run began with, the records in the database, or nothing but its threads."""


class RecoverSession(Command):
    """Start a session's workflow again that was lost, and adopt the living threads."""

    operation = "recover"


class RecoverInput(Internal):
    """Input of the activity that gathers what is left of a lost session.

    Attributes:
        run_id: The run that was lost; None when Temporal has none.
        at: Workflow time.
        searchable: Whether the server has our search attributes; of a session whose start is lost too.
    """

    session_id: str
    run_id: str | None
    at: datetime
    searchable: bool = False


class Standing(Internal):
    """A thread's own word on all that a session keeps of it.

    Attributes:
        report: Where it stands, as it would report it.
        row: The thread as the list of threads shows it.
        requires: What its flow requires; what its command required besides, it does not know.
    """

    report: ThreadReport
    row: ThreadRow
    requires: dict[str, float] = {}


class RecoveredSession(Internal):
    """What is left of a lost session.

    Attributes:
        start: `domain.messages.SessionStart` as JSON, with a state.
        living: Threads of that state whose workflow runs.
        reports: Of threads that have ended and told how, where the state believes them alive.
        findings: Of threads that have ended otherwise, or are not there, where the state believes them alive.
    """

    source: Source
    start: dict[str, Any]
    living: list[str]
    reports: list[ThreadReport]
    findings: list[Finding]
