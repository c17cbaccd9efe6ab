"""What a thread asks of its session while it runs, and what it is answered: by signal, at least once."""

from __future__ import annotations

from typing import Any, Literal

from domain.messages.base import Internal


class ThreadRequest(Internal):
    """Signal `thread_request`: a thread asks its session to start, watch or cancel threads.

    Attributes:
        thread_id: Who asks.
        request_id: The same one again is answered again, and carried out once.
        commands: For `spawn` the bodies of `SpawnThread`, for `fork` those of `ForkThread`.
        common: Fields that all the commands have in common, sent once.
        threads: Whom to watch until they end (`join`), or to cancel.
    """

    thread_id: str
    request_id: str
    kind: Literal["spawn", "fork", "join", "cancel"]
    commands: list[dict[str, Any]] = []
    common: dict[str, Any] = {}
    threads: list[str] = []
    reason: str | None = None


class ThreadAnswer(Internal):
    """What became of one command of a request: the thread, or why there is none.

    Attributes:
        error: {code, message, details}; None when the thread was started.
    """

    thread_id: str
    error: dict[str, Any] | None = None


class ThreadStanding(Internal):
    """Where a watched thread stands: a `domain.thread.state.ThreadStatus`, or `missing`."""

    thread_id: str
    status: str


class SessionAnswer(Internal):
    """Signal `session_answer`: the session answers a request.

    Attributes:
        answers: To `spawn` and `fork`: one for each command, in their order, when all have one.
        standings: To `join`: of all at once, and then of each that has ended since.
    """

    request_id: str
    answers: list[ThreadAnswer] = []
    standings: list[ThreadStanding] = []
