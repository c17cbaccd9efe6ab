"""Mailboxes, unread messages, and what became of a message to many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from threadloom.views.base import View


class Mailbox(View):
    """How many messages a thread has not received yet.

    Attributes:
        by_type: How many of each of `data`, `control`, `event` and `error`.
        oldest_at: When the oldest of them came; null without any.
        limit: How many there may be; the next one is refused.
    """

    unread: int
    by_type: dict[str, int] = Field(default_factory=dict)
    oldest_at: datetime | None = None
    limit: int | None = None


class UnreadMessage(View):
    """A message in a mailbox. A body over 8 KiB is shown as `{"elided": true, "bytes": n}`.

    Attributes:
        sender: A thread's id, `session/thread` of another session, or who sent it.
    """

    id: str
    name: str | None = None
    type: str
    sender: str | None = None
    at: datetime
    body: Any = None


class UnreadMessages(View):
    """A thread's unread messages, the oldest first."""

    messages: list[UnreadMessage]


class Broadcast(View):
    """What became of a message to all threads of a session.

    Attributes:
        command_id: The same one again reaches those that have not taken it, and nobody twice.
        delivered: Threads that took it, now or before.
        refused: Codes by thread of those that did not.
        not_started: Threads that wait to be started; they have no mailbox yet.
    """

    command_id: str
    delivered: list[str]
    refused: dict[str, str] = Field(default_factory=dict)
    not_started: list[str] = Field(default_factory=list)
