"""What needs a person, as people see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from commands.showing.style import at, plain, table

_COLOURS = {"failed": "red", "retrying": "yellow", "approval": "cyan", "held": "yellow", "no_worker": "red"}


def attention(items: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What needs a person, with the command that most likely helps."""
    if not items:
        return "nothing needs attention"
    made = table("since", "what", "where", "message", "try", whole=["since"])
    for item in items:
        where = "/".join(part for part in (item["session_id"], item["thread_id"], item["node"]) if part)
        kind = str(item["kind"])
        made.add_row(at(item["since"]), Text(kind, style=_COLOURS[kind]), where, plain(item["message"]), item["try"])
    return made


def approvals(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Approvals that wait, with what is asked and what may be answered."""
    if not found:
        return "no approvals wait"
    made = table("since", "session", "thread", "node", "question", "choices", "until", whole=["since", "until"])
    for approval in found:
        made.add_row(
            at(approval["since"]),
            approval["session_id"],
            approval["thread_id"],
            approval["node"],
            plain(approval["prompt"]),
            ", ".join(approval["choices"]),
            at(approval["until"]),
        )
    return made
