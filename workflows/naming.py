"""Ids and summaries no longer than Temporal takes them: a longer one fails the workflow's task for ever."""

from __future__ import annotations

from domain.values import digest

SUMMARY_BYTES = 400
ID_LENGTH = 1_000


def summary(text: str, tail: str = "") -> str:
    """The text and its tail, the text cut to where both fit."""
    room = SUMMARY_BYTES - len(tail.encode())
    whole = text.encode("utf-8", "replace")
    if len(whole) <= room:
        return whole.decode() + tail
    return whole[: room - len("…".encode())].decode("utf-8", "ignore") + "…" + tail


def activity_id(name: str) -> str:
    """The name, or its end behind a digest of all of it."""
    return name if len(name) <= ID_LENGTH else f"{digest(name)}…{name[-ID_LENGTH // 2 :]}"
