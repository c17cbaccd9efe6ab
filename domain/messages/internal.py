"""What a session and its threads start with, and what they tell each other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from domain.messages.base import STATE_VERSION, Amount, Flows, Internal, Seconds, Text


class SessionHoldChanged(Internal):
    """The session holds the thread, or no longer does.

    Attributes:
        keep: On release, hold the thread by itself instead.
        recovered: The session was lost and is back: what the thread has told it or asked it for may be lost.
    """

    held: bool
    actor: str
    reason: str | None = None
    keep: bool = False
    recovered: bool = False


class ReportIdle(Internal):
    """Signal `report_idle`: the session wants to hear when the thread begins and ceases to wait for something."""


class ThreadReport(Internal):
    """A thread tells its session where it stands.

    Attributes:
        idle: It waits for something (a join, a timer, a message, a person) and does nothing meanwhile.
        seconds: Execution time so far.
        messages: How many messages it has taken so far, by type.
    """

    thread_id: str
    status: str
    idle: bool = False
    at: datetime
    started_at: datetime | None = None
    error: dict[str, Any] | None = None
    usage: dict[str, dict[str, Amount]] = {}
    seconds: Seconds = 0.0
    messages: dict[str, Annotated[int, Field(ge=0)]] = {}


class ThreadStart(Internal):
    """What a thread's workflow starts with: a seed, or the state its last run handed over.

    Attributes:
        flow: Its own flow's document; None for a thread without one.
        flow_digest: Empty without one.
        flows: The documents of the flows that it names, by reference.
        seed: `domain.thread.snapshot.Seed` as JSON.
        holds: Holds from the first moment, `domain.thread.state.Hold` as JSON.
        searchable: Whether the server has our search attributes; see `domain.searching`.
        reports_idle: Tell the session when the thread begins and ceases to wait for something.
        authoriser: Who may do what with the thread; see `domain.authorising`.
        max_mailbox: Unread messages that it keeps.
        mailbox_bytes: Bytes of unread messages that it keeps; no limit in threads started before there was one.
        created_by: Who asked for the thread, for its first record.
        state: `domain.thread.state.ThreadState` as JSON.
        outbox: Records not yet acknowledged, as JSON.
    """

    version: int = STATE_VERSION
    flow: dict[str, Any] | None = None
    flow_digest: str = ""
    flows: Flows = {}
    continue_as_new_after: int = 2_000
    shared_task_queues: list[str] = []
    seed: dict[str, Any] | None = None
    holds: list[dict[str, Any]] = []
    searchable: bool = False
    reports_idle: bool = False
    authoriser: str | None = None
    max_mailbox: int = 1_000
    mailbox_bytes: int | None = None
    created_by: str | None = None
    reason: str | None = None
    state: dict[str, Any] | None = None
    answers: dict[str, dict[str, Any]] = {}
    outbox: dict[str, Any] | None = None


class Recovery(Internal):
    """What the workflow of a lost session is started with, instead of a state.

    Attributes:
        command: `domain.messages.RecoverSession` as JSON.
        run_id: The run that was lost; None when Temporal has none.
    """

    command: dict[str, Any]
    run_id: str | None = None


class SessionStart(Internal):
    """What a session's workflow starts with: its wishes, the state its last run handed over, or what it lost.

    Attributes:
        config: As `domain.session.config.SessionConfig`.
        searchable: Whether the server has our search attributes; see `domain.searching`.
        state: `domain.session.state.SessionState` as JSON.
        recent: The session's newest records, as it tells them when it is asked itself.
        recover: The session was lost: it gathers its state before it does anything else.
    """

    version: int = STATE_VERSION
    session_id: str
    config: dict[str, Any] = {}
    preset: str | None = None
    title: Text = ""
    user_id: str | None = None
    metadata: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    searchable: bool = False
    actor: str = "unknown"
    reason: str | None = None
    state: dict[str, Any] | None = None
    outbox: dict[str, Any] | None = None
    recent: list[dict[str, Any]] = []
    recover: Recovery | None = None
