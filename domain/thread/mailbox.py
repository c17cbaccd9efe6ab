"""The mailbox: how much it holds, and how a message is recognised that was taken before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.messages import SerialNumber
from domain.values import Json, JsonObject

MAILBOX_LIMIT = 1_000
"""Messages a thread keeps unread unless its session says otherwise; the next one is refused."""

MAILBOX_BYTES = 2 * 1024 * 1024
"""Bytes of unread messages as JSON: what one payload of Temporal's may have, so that no single message that can be sent
without our payload store is refused. They travel with the thread's state from run to run."""

ABSENT = frozenset({Code.THREAD_NOT_FOUND, Code.THREAD_NOT_STARTED, Code.THREAD_ENDED, Code.THREAD_DESTROYED})
"""Why there is no mailbox. A broadcast is for the threads that have one, so these are no refusals of it."""

SENDERS_KEPT = 1_000
"""Senders whose watermark a thread remembers, the last heard of."""

MESSAGE_TYPES = ("data", "control", "event", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in a mailbox. `size` is its bytes as JSON; 0 when it was taken before they were counted."""

    id: str
    name: str | None
    type: str
    body: Json
    sender: str | None
    at: datetime
    size: int = 0

    def visible(self) -> JsonObject:
        """As `message` in expressions and as the result of a receive."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "body": self.body,
            "sender": self.sender,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxLimits:
    """How much a mailbox holds. `size` is in bytes; None in threads that were started before it was counted."""

    messages: int = MAILBOX_LIMIT
    size: int | None = None


def require_room(thread_id: str, mailbox: tuple[Message, ...], message: Message, limits: MailboxLimits) -> None:
    """Let the message pass if the mailbox has room for it.

    Raises:
        ThreadloomError: `MAILBOX_FULL`; `PAYLOAD_TOO_LARGE` when not even an empty mailbox had room for it.
    """
    details: JsonObject = {"limit": limits.messages, "unread": len(mailbox)}
    if len(mailbox) >= limits.messages:
        raise ThreadloomError(Code.MAILBOX_FULL, f"{thread_id} holds {len(mailbox)} unread messages", details)
    if limits.size is None:
        return
    if message.size > limits.size:
        told = f"the message has {message.size} bytes, and a mailbox holds {limits.size}"
        raise ThreadloomError(Code.PAYLOAD_TOO_LARGE, told, {"limit": limits.size, "bytes": message.size})
    held = sum(unread.size for unread in mailbox)
    if held + message.size > limits.size:
        told = f"{thread_id} holds {held} bytes of unread messages, and has no room for {message.size} more"
        raise ThreadloomError(Code.MAILBOX_FULL, told, {**details, "bytes": held, "bytes_limit": limits.size})


def taken_before(watermarks: Mapping[str, int], serial: SerialNumber | None) -> bool:
    """Whether the message, or a later one of its sender, was taken: a sender sends one after the other."""
    return serial is not None and serial.number <= watermarks.get(serial.sender_run, 0)


def marked(watermarks: Mapping[str, int], serial: SerialNumber | None) -> Mapping[str, int]:
    """The highest number taken of each sender, the sender last heard of at the end."""
    if serial is None:
        return watermarks
    others = [(run, number) for run, number in watermarks.items() if run != serial.sender_run]
    return dict([*others, (serial.sender_run, serial.number)][-SENDERS_KEPT:])


def counted(received: Mapping[str, int], kind: str) -> dict[str, int]:
    """How many messages of each type were taken, with one more."""
    return {**received, kind: received.get(kind, 0) + 1}


def mailbox_view(mailbox: tuple[Message, ...], limits: MailboxLimits) -> JsonObject:
    """How many unread messages there are, as `thread show` prints it."""
    kinds = [message.type for message in mailbox]
    return {
        "unread": len(mailbox),
        "by_type": {kind: kinds.count(kind) for kind in MESSAGE_TYPES},
        "oldest_at": mailbox[0].at.isoformat() if mailbox else None,
        "limit": limits.messages,
    }
