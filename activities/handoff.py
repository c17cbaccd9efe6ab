"""What a thread hands to the local activity that executes a row for it.

A local activity runs in the process that scheduled it, so its row needs no encoding: encoding the
state of a thread for each row cost as much as executing the row.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.thread.calls import ActivityCall
from domain.thread.program import Program
from domain.thread.state import ThreadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where a row begins."""

    program: Program
    state: ThreadState
    call: ActivityCall


_rows: dict[str, Row] = {}


def leave(key: str, row: Row) -> None:
    """Leave a row for the activity with this key."""
    _rows[key] = row


def take(key: str) -> Row | None:
    """Take the row, once."""
    return _rows.pop(key, None)


def forget(key: str) -> None:
    """Nobody will take it any more."""
    _rows.pop(key, None)
