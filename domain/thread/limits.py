"""How far a thread may go before its flow wants it held or failed."""

from __future__ import annotations

from datetime import datetime

from domain.errors import Code
from domain.thread.ending import failed_outcome, finish, make_entry, visit_of
from domain.thread.events import HoldPlaced, NodeEnded, ThreadEvent
from domain.thread.evolve import evolve
from domain.thread.journal import ExecutionStatus, Failure
from domain.thread.program import Program
from domain.thread.state import SYSTEM, Hold, HoldKind, ThreadState


def limit_reached(program: Program, state: ThreadState, now: datetime) -> str | None:
    limits = program.flow.limits
    if state.limits_waived:
        return None
    if limits.max_steps is not None and state.steps >= limits.max_steps:
        return f"{state.steps} steps of max_steps {limits.max_steps}"
    return duration_reached(program, state, now)


def duration_reached(program: Program, state: ThreadState, now: datetime) -> str | None:
    ends = program.ends_at(state)
    return f"max_duration {program.flow.limits.max_duration} is over" if ends is not None and ends <= now else None


def out_of_time(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """The end of the thread whose node had no more time because the thread has none; nothing if it was its own."""
    ends, active = program.ends_at(state), state.active
    if ends is None or active is None or program.flow.limits.on_limit != "fail":
        return []
    own = active.waiting.deadline
    if own is not None and own < ends:
        return []
    return limited(program, state, f"max_duration {program.flow.limits.max_duration} is over", now)


def limited(program: Program, state: ThreadState, reached: str, now: datetime) -> list[ThreadEvent]:
    """What the flow wants done when a limit of it is reached, before a node or while one waits."""
    if program.flow.limits.on_limit == "pause":
        return [HoldPlaced(hold=Hold(kind=HoldKind.LIMIT, actor=SYSTEM, reason=reached, at=now))]
    active = state.active
    failure = Failure(code=Code.LIMIT_REACHED, message=reached, node=active.node if active else state.current.next_path)
    events: list[ThreadEvent] = []
    if active is not None:
        entry = make_entry(visit_of(program, state, active, now), active, ExecutionStatus.FAILED, error=failure)
        events.append(NodeEnded(entry=entry))
        state = evolve(state, events[0])
    return [*events, *finish(state, failed_outcome(failure), compensate=True, now=now)]
