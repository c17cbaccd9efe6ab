"""Names that a reader may have meant."""

from __future__ import annotations

from collections.abc import Iterable
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


def did_you_mean(name: str, candidates: Iterable[object]) -> str:
    """`; did you mean 'a' or 'b'?`, or nothing when no candidate is near."""
    found = near(name, candidates)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
