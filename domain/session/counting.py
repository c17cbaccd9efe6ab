"""The session's count of messages, and what happens when it reaches its limit.

Messages go from thread to thread, past their session. It learns how many a thread has taken from the reports that
the thread sends anyway: when its status changes, and when it ends. The count therefore lags behind, and of a thread
that was ended in Temporal from outside it is what that last reported.
"""

from __future__ import annotations

from datetime import datetime

from domain.session.events import MessageLimitReached, SessionEvent, SessionHeld
from domain.session.state import SessionHold, SessionState, SessionStatus
from domain.thread.state import SYSTEM


def limited(state: SessionState, now: datetime) -> list[SessionEvent]:
    """Pause a session whose threads have taken as many messages as it allows, once: resuming it waives the limit."""
    limit, count = state.config.max_messages, state.statistics.message_count
    if state.status is not SessionStatus.ACTIVE or state.messages_waived or limit is None or count < limit:
        return []
    hold = SessionHold(actor=SYSTEM, reason=f"max_messages: {count} messages of {limit}", at=now)
    return [MessageLimitReached(at=now), SessionHeld(hold=hold)]
