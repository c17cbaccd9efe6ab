"""Names that a reader may have meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from difflib import get_close_matches
from itertools import islice

_MOST = 200
"""Candidates that are looked at: enough for names that people wrote, and quick when data has thousands of keys."""


def near(name: str, candidates: Iterable[object]) -> list[str]:
    """At most three candidates that look like the name, the nearest first."""
    # The order of sets differs from process to process, and a replay must say the same.
    ordered = sorted(candidates, key=str) if isinstance(candidates, set | frozenset) else candidates
    names = [item for item in islice(ordered, _MOST) if isinstance(item, str) and len(item) <= 100]
    folded = {item.casefold(): item for item in reversed(names)}
    return [folded[match] for match in get_close_matches(name[:100].casefold(), folded, n=3, cutoff=0.6)]


def meant(name: str, candidates: Collection[str], most: int = 10) -> str | None:
    """What to write instead of a name that nobody knows: the nearest candidate, else the first ones."""
    if found := near(name, candidates):
        return f"did you mean {found[0]!r}?"
    first = sorted(candidates)[:most] if isinstance(candidates, Set) else list(candidates)[:most]
    return f"known here: {', '.join(first)}{', …' if len(candidates) > most else ''}" if first else None


def did_you_mean(name: str, candidates: Iterable[object]) -> str:
    """`; did you mean 'a' or 'b'?`, or nothing when no candidate is near."""
    found = near(name, candidates)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
