"""What follows when a session that was lost has its state again; `domain.session.rebuilding` makes that state."""

from __future__ import annotations

from domain.answers import accepted
from domain.errors import Code
from domain.session.admission import launched
from domain.session.events import CommandAnswered, SessionEvent, SessionRestored
from domain.session.inputs import Restored
from domain.session.state import SessionState
from domain.session.thread_events import ThreadRejected
from domain.values import JsonObject

LISTED = 100
"""Threads that are named in the answer and the record of a recovery; each has a record of its own."""


def restored(state: SessionState, input: Restored) -> list[SessionEvent]:
    """The session is back: what was being started has started, or has not and nobody was told that it had."""
    command, now = input.command, input.now
    back = SessionRestored(
        actor=command.actor,
        reason=command.reason,
        source=input.source,
        living=input.living,
        ended=input.ended,
        missing=input.missing,
        at=now,
    )
    events: list[SessionEvent] = [back]
    missing = set(input.missing)
    for thread_id in state.launching:
        if thread_id in missing:
            message = f"the session was lost while thread {thread_id} was being started"
            events.append(ThreadRejected(thread_id=thread_id, code=Code.THREAD_LOST, message=message, at=now))
        else:
            events += launched(state, thread_id, now)
    result = {"session_id": state.session_id, "status": state.status.value, **figures(back)}
    return [*events, CommandAnswered(command_id=command.command_id, answer=accepted(command, result), at=now)]


def figures(event: SessionRestored) -> JsonObject:
    """{source, adopted, ended, lost}: from where, how many threads live and have ended, and which are not there."""
    return {
        "source": event.source,
        "adopted": len(event.living),
        "ended": event.ended,
        "lost": list(event.missing[:LISTED]),
    }
