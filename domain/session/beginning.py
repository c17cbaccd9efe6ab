"""The state in which a session begins."""

from __future__ import annotations

from datetime import datetime

from domain.messages import SessionStart
from domain.session.config import make_config
from domain.session.state import SessionState, SessionStatus


def first_state(start: SessionStart, now: datetime) -> SessionState:
    """A new session as it was wished for.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`.
    """
    return SessionState(
        session_id=start.session_id,
        status=SessionStatus.ACTIVE,
        config=make_config(start.config, preset=start.preset),
        created_at=now,
        title=start.title,
        user_id=start.user_id,
        metadata=start.metadata,
        shared=start.shared,
        searchable=start.searchable,
        last_activity_at=now,
        updated_at=now,
        reconciled_at=now,
    )
