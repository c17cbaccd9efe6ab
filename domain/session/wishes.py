"""What threads ask of their session while they run, as the session remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from domain.values import JsonObject

REQUESTS_KEPT = 1_000
"""Answered requests that a session remembers, should they come again."""

MISSING = "missing"
"""Where a thread stands that the session does not have."""


@dataclass(frozen=True, slots=True)
class WishId:
    """One thread of those that a thread asked for at once.

    Attributes:
        place: Its place in the request, from 0.
    """

    request_id: str
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A thread that another one asked for, and what became of that.

    Attributes:
        thread_id: As it was asked for; empty when the command had none.
        kept: The command, until its turn comes: while the session is paused that waits.
        settled: Whether the thread was started or refused.
        error: Why it was refused: {code, message, details}.
    """

    thread_id: str
    kept: JsonObject | None = None
    settled: bool = False
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """A thread's request to start threads; answered when all of it is settled, and again when it comes again.

    Attributes:
        thread_id: Who asks.
        common: What the commands have in common; let go of when all are settled.
    """

    thread_id: str
    kind: Literal["spawn", "fork"]
    common: JsonObject = field(default_factory=dict)
    wishes: tuple[Wish, ...]

    @property
    def settled(self) -> bool:
        return all(wish.settled for wish in self.wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A thread that wants to hear when others end.

    Attributes:
        thread_id: Who watches.
        awaited: Those that it has not heard the end of.
    """

    thread_id: str
    awaited: tuple[str, ...]


def remembered(settled: Mapping[str, Wishes], request_id: str, wishes: Wishes) -> dict[str, Wishes]:
    """What was settled, with one more request, and without the oldest when there are too many."""
    kept = {**settled, request_id: replace(wishes, common={})}
    if len(kept) > REQUESTS_KEPT:
        del kept[next(iter(kept))]
    return kept


def changed(all_wishes: Mapping[str, Wishes], wish: WishId | None, **changes: Any) -> Mapping[str, Wishes]:
    """All wishes with one of them changed; as they are when nobody waits for it any more."""
    if wish is None or wish.request_id not in all_wishes:
        return all_wishes
    wishes = all_wishes[wish.request_id]
    listed = list(wishes.wishes)
    listed[wish.place] = replace(listed[wish.place], **changes)
    return {**all_wishes, wish.request_id: replace(wishes, wishes=tuple(listed))}
