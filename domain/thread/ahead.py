"""Local nodes in a row, executed by one local activity and folded into the thread behind it.

The activity and the thread go the same way because both ask the same pure core: the activity to
find the next node, the thread to find the same one again and give it the result that the activity
brought. Nothing but results and their times crosses between them.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.changing import replace
from domain.thread.advance import advance, ended_outside
from domain.thread.calls import ActivityCall
from domain.thread.events import ItemsStarted, NodeEntered, ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.inputs import ActivityCompleted, ActivityFailed, Advance, LocalCompleted, LocalResult
from domain.thread.program import Program
from domain.thread.state import ThreadState

STEPS_BETWEEN = 100
"""Nodes that need no activity, between two that do, before the row ends: they may be a loop."""


def lean(state: ThreadState) -> ThreadState:
    """What going on needs of the state: no past, and nothing that holds it."""
    return replace(state, base=state.current, journal=(), operations=(), holds={}, cancellation=None)


def next_local(program: Program, state: ThreadState, result: LocalResult) -> tuple[ThreadState, ActivityCall | None]:
    """The state behind a result, and the next local activity; None when something else comes."""
    state = _applied(state, _ended(program, state, result))
    for _ in range(STEPS_BETWEEN):
        events = advance(program, state, Advance(now=result.at))
        if not events or any(isinstance(event, ItemsStarted) for event in events):
            return state, None
        state = _applied(state, events)
        if call := next((event.call for event in events if isinstance(event, NodeEntered)), None):
            fits = isinstance(call, ActivityCall) and call.mode == "local" and call.item is None
            return state, call if fits and isinstance(call, ActivityCall) else None
        if state.active is not None or state.outcome is not None or state.idle:
            return state, None  # the next flow, if there is one, is another program
    return state, None


def folded(program: Program, state: ThreadState, input: LocalCompleted) -> list[ThreadEvent]:
    """The events of a row that was executed. Holds placed meanwhile come into force behind it."""
    working = replace(state, holds={}, cancellation=None)
    found: list[ThreadEvent] = []
    for result in input.results:
        reached = _reach(program, working, result)
        if reached is None:
            break  # another version of the program goes another way; what was not folded runs again
        ended = _ended(program, reached[0], result)
        found += [*reached[1], *ended]
        working = _applied(reached[0], ended)
    return found


def _reach(program: Program, state: ThreadState, result: LocalResult) -> tuple[ThreadState, list[ThreadEvent]] | None:
    """Go on to the node that has this result."""
    found: list[ThreadEvent] = []
    for _ in range(STEPS_BETWEEN + 1):
        if state.active is not None and state.active.key == result.key:
            return state, found
        if state.active is not None:
            return None
        events = advance(program, state, Advance(now=result.at))
        if not events:
            return None
        # It has been executed, so it is not to be begun.
        events = [replace(event, call=None) if isinstance(event, NodeEntered) else event for event in events]
        state = _applied(state, events)
        found += events
    return None


def _ended(program: Program, state: ThreadState, result: LocalResult) -> list[ThreadEvent]:
    if result.failure is not None:
        failed = ActivityFailed(now=result.at, key=result.key, failure=result.failure, timed_out=result.timed_out)
        return ended_outside(program, state, failed)
    return ended_outside(program, state, ActivityCompleted(now=result.at, key=result.key, result=result.result))


def _applied(state: ThreadState, events: Iterable[ThreadEvent]) -> ThreadState:
    for event in events:
        state = evolve(state, event)
    return state
