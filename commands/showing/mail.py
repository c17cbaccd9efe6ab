"""Mailboxes, and what became of messages, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.style import at, plain, table, value

if TYPE_CHECKING:
    from threadloom.views import Broadcast, Mailbox, UnreadMessages


def mailbox(found: Mailbox | None) -> str:
    """A mailbox in a line; empty when there is nothing in it."""
    if found is None or not found.unread:
        return ""
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.by_type.items() if number)
    of = f" of {found.limit}" if found.limit else ""
    return f"{found.unread} unread{of} ({kinds}), the oldest since {at(found.oldest_at)}"


def messages(view: UnreadMessages) -> RenderableType:
    """Unread messages in a table, the oldest first."""
    if not view.messages:
        return "no unread messages"
    made = table("id", "name", "type", "sender", "at", "body", whole=["type", "at"])
    for message in view.messages:
        name, sender = plain(message.name), plain(message.sender)
        made.add_row(plain(message.id), name, message.type, sender, at(message.at), plain(value(message.body, 80)))
    return made


def broadcast(view: Broadcast) -> RenderableType:
    """Who took a message, and who did not and why."""
    lines = [Text(f"delivered to {_threads(len(view.delivered))}")]
    lines += [Text(f"thread {thread}: ✗ {code}", style="red") for thread, code in view.refused.items()]
    if view.not_started:
        lines.append(Text(f"not for {_threads(len(view.not_started))} that wait to be started", style="dim"))
    return Group(*lines)


def _threads(number: int) -> str:
    return f"{number} thread{'' if number == 1 else 's'}"
