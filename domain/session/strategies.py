"""Which waiting threads start next: a strategy is a pure function, and a team can register its own."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.registry import NotRegisteredError, Registry

PRIORITIES = {"low": 1, "normal": 5, "high": 10, "urgent": 20}
"""What the names of priorities are worth; of two waiting threads the one that is worth more is the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A thread that waits for its turn, or that runs.

    Attributes:
        flow: The name of its flow; None for a thread without one of its own.
        since: When it was created.
    """

    thread_id: str
    flow: str | None
    version: str | None
    priority: str
    since: datetime


Strategy = Callable[[Sequence[Contender], Sequence[Contender], int | None], Sequence[str]]
"""(waiting by priority and then age, running, free places or None without a limit) → ids to start, in order.

Ids beyond the free places, and ids of threads that do not wait, are left alone. It is asked again whenever a
thread comes, ends, or begins to wait for something.
"""


def sequential(waiting: Sequence[Contender], running: Sequence[Contender], free: int | None) -> list[str]:
    """One at a time, whatever the limit."""
    return [] if running or free == 0 else [contender.thread_id for contender in waiting[:1]]


def parallel(waiting: Sequence[Contender], running: Sequence[Contender], free: int | None) -> list[str]:
    """As many as there are places, by priority and then age."""
    return [contender.thread_id for contender in waiting[:free]]


def hybrid(waiting: Sequence[Contender], running: Sequence[Contender], free: int | None) -> list[str]:
    """As many as there are places: by priority, then from the flow with the fewest running, then by age.

    So a flow that was scheduled a thousand times does not keep the others waiting.
    """
    if free is None or free >= len(waiting):
        return [contender.thread_id for contender in waiting]
    share = Counter(contender.flow for contender in running)
    lines: dict[tuple[int, str | None], deque[tuple[int, str]]] = {}
    for place, contender in enumerate(waiting):
        line = lines.setdefault((-PRIORITIES[contender.priority], contender.flow), deque())
        line.append((place, contender.thread_id))
    chosen: list[str] = []
    while lines and len(chosen) < free:
        first = min(lines, key=lambda key: (key[0], share[key[1]], lines[key][0]))
        chosen.append(lines[first].popleft()[1])
        share[first[1]] += 1
        if not lines[first]:
            del lines[first]
    return chosen


BUILT_IN: dict[str, Strategy] = {"sequential": sequential, "parallel": parallel, "hybrid": hybrid}

REGISTERED: Registry[Strategy] = Registry("a strategy")


def strategy_named(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        NotRegisteredError: This worker does not have it; another may.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    if (found := REGISTERED.find(name)) is None:
        raise NotRegisteredError(f"no strategy is registered as {name}: start the worker with --tasks MODULE")
    return found[0]


def require_strategy(name: str) -> str:
    """The name, if it is of a strategy that comes with the product or can be registered.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`.
    """
    if name not in BUILT_IN and not Registry.is_name(name):
        known = ", ".join(BUILT_IN)
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"no strategy {name[:80]!r}; there are {known} and `name@version`")
    return name
