"""How far a thread may go before its flow wants it held or failed."""

from __future__ import annotations

from datetime import datetime

from domain.errors import Code
from domain.flow.durations import format_duration
from domain.thread.ending import failed_outcome, finish, make_entry, visit_of
from domain.thread.events import HoldPlaced, NodeEnded, ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.journal import ExecutionStatus, Failure
from domain.thread.program import Program
from domain.thread.state import SYSTEM, Hold, HoldKind, ThreadState
from domain.values import JsonObject


def limit_reached(program: Program, state: ThreadState, now: datetime) -> str | None:
    limits = program.flow.limits
    if state.limits_waived:
        return None
    steps = state.steps - state.steps_before
    if limits.max_steps is not None and steps >= limits.max_steps:
        return f"{steps} steps of max_steps {limits.max_steps}"
    return duration_reached(program, state, now)


def duration_reached(program: Program, state: ThreadState, now: datetime) -> str | None:
    ends = program.ends_at(state)
    return f"{_max_duration(program)} is over" if ends is not None and ends <= now else None


def out_of_time(program: Program, state: ThreadState, now: datetime, last: Failure | None = None) -> list[ThreadEvent]:
    """The end of the thread whose node had no more time because the thread has none; nothing if it was its own.

    Args:
        program: The thread's.
        state: Before it.
        now: The workflow's time.
        last: Why the node's last attempt failed, whose next one would have come too late.
    """
    ends, active = program.ends_at(state), state.active
    if ends is None or active is None or program.flow.limits.on_limit != "fail":
        return []
    own = active.waiting.deadline
    if own is not None and own < ends:
        return []
    reached = f"{_max_duration(program)} is over"
    if now < ends and last is not None and last.code != Code.NODE_TIMEOUT:
        reached = f"{_max_duration(program)} would be over before {active.node} could be tried again: {last.code}"
        return limited(program, state, f"{reached}: {last.message}", now, {"last": last.visible()})
    return limited(program, state, reached, now)


def limited(
    program: Program, state: ThreadState, reached: str, now: datetime, details: JsonObject | None = None
) -> list[ThreadEvent]:
    """What the flow wants done when a limit of it is reached, before a node or while one waits."""
    if program.flow.limits.on_limit == "pause":
        return [HoldPlaced(hold=Hold(kind=HoldKind.LIMIT, actor=SYSTEM, reason=reached, at=now))]
    active = state.active
    node = active.node if active else state.current.next_path
    failure = Failure(code=Code.LIMIT_REACHED, message=reached, details=details or {}, node=node)
    events: list[ThreadEvent] = []
    if active is not None:
        entry = make_entry(visit_of(program, state, active, now), active, ExecutionStatus.FAILED, error=failure)
        events.append(NodeEnded(entry=entry))
        state = evolve(state, events[0])
    return [*events, *finish(state, failed_outcome(failure), compensate=True, now=now)]


def _max_duration(program: Program) -> str:
    longest = program.flow.limits.max_duration
    assert longest is not None
    return f"max_duration {format_duration(longest)}"
