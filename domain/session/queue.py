"""The queue of a session: threads that were admitted and wait for their turn to start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from domain.answers import Answered
from domain.session.config import SessionConfig
from domain.session.entries import ThreadEntry
from domain.session.events import CommandAnswered, SessionEvent, WishSettled
from domain.session.evolve_threads import started_with
from domain.session.resources import Room, allocated, asks, has_leases
from domain.session.state import SessionState
from domain.session.strategies import PRIORITIES, Contender, strategy_named
from domain.session.thread_events import LaunchBegun, ThreadCreated, ThreadQueued, ThreadWithdrawn
from domain.thread.state import ThreadStatus
from domain.values import JsonObject

AT_ONCE = 50
"""Threads that are being started at once. Each may carry 32 KiB into a workflow task, and 4 MiB end the workflow."""

WITHDRAWN_AT_ONCE = 200
"""Waiting threads that are cancelled in one step, so that none computes for long."""

_RUNNING = (ThreadStatus.RUNNING, ThreadStatus.PAUSING)


def limited(config: SessionConfig) -> bool:
    """Whether threads may have to wait for a place, so that the session has to know which of them take one."""
    return config.max_running is not None or config.parallel_strategy not in ("parallel", "hybrid")


def launches(state: SessionState, events: Sequence[SessionEvent], now: datetime) -> list[SessionEvent]:
    """The waiting threads whose turn it is start, with what they require; the next of those that need a pool ask it."""
    room = AT_ONCE - len(state.launching)
    if not state.queue or room <= 0 or not _may_start(state):
        return []
    turns, asking = _turns(state)
    begun: list[SessionEvent] = []
    for thread_id in turns[:room]:
        begun += allocated(state, state.threads[thread_id], now)
        begun.append(LaunchBegun(thread_id=thread_id, start=started_with(state, state.queue[thread_id]), at=now))
    return [*begun, *asks(state, asking, now)]


def _may_start(state: SessionState) -> bool:
    return state.hold is None and (state.ending is None or state.ending.deadline is None)


def _turns(state: SessionState) -> tuple[Sequence[str], list[ThreadEntry]]:
    """Those that may start now, and those that might if their pools let them. One that starts held takes no place."""
    startable = [state.threads[name] for name, queued in state.queue.items() if not (queued.hold or queued.called_off)]
    needy = any(entry.requires for entry in startable) or state.config.max_execution_time is not None
    if not limited(state.config) and not needy:
        return [entry.thread_id for entry in (startable if len(startable) <= AT_ONCE else _in_line(startable))], []
    room = Room(state)
    ready: list[ThreadEntry] = []
    asking: list[ThreadEntry] = []
    # Who has got its leases keeps them from others, and goes first.
    for entry in sorted(_in_line(startable), key=lambda entry: not (entry.requires and has_leases(state, entry))):
        if room.take(entry.requires):
            (ready if has_leases(state, entry) else asking).append(entry)
    held = [entry.thread_id for entry in ready if state.queue[entry.thread_id].launch.held]
    waiting = [_contender(entry) for entry in ready if not state.queue[entry.thread_id].launch.held]
    running = [_contender(entry) for entry in state.threads.values() if takes_place(state, entry)]
    limit = state.config.max_running
    free = None if limit is None else max(limit - len(running), 0)
    chosen = strategy_named(state.config.parallel_strategy)(waiting, running, free) if waiting else ()
    names = {contender.thread_id for contender in waiting}
    return [*held, *[name for name in dict.fromkeys(chosen) if name in names][:free]], asking if free != 0 else []


def takes_place(state: SessionState, entry: ThreadEntry) -> bool:
    """Whether the thread takes a running place: not while it waits, is held, or has not begun."""
    if entry.thread_id in state.launching:
        return not state.launching[entry.thread_id].held
    return entry.started and entry.status in _RUNNING and not entry.idle


def line(state: SessionState) -> list[str]:
    """The waiting threads by priority and then age."""
    return [entry.thread_id for entry in _in_line(state.threads[name] for name in state.queue)]


def _in_line(entries: Iterable[ThreadEntry]) -> list[ThreadEntry]:
    return sorted(entries, key=lambda entry: (-PRIORITIES[entry.priority], entry.created_at, entry.number))


def _contender(entry: ThreadEntry) -> Contender:
    return Contender(
        thread_id=entry.thread_id,
        flow=entry.flow,
        version=entry.version,
        priority=entry.priority,
        since=entry.created_at,
    )


def left_waiting(state: SessionState, events: Sequence[SessionEvent], now: datetime) -> list[SessionEvent]:
    """Who asked for a thread whose turn has not come is told so, and waits no longer.

    Args:
        state: The session after the events.
        events: What happened.
        now: The workflow's time.
    """
    told: list[SessionEvent] = []
    for event in events:
        if not isinstance(event, ThreadCreated) or event.entry.thread_id not in state.queue:
            continue
        thread_id, launch = event.entry.thread_id, event.launch
        if not event.patient and thread_id in state.leases:
            continue  # a pool says soon whether it can start
        told.append(ThreadQueued(thread_id=thread_id, at=now))
        if launch.wish is not None:
            told.append(WishSettled(wish=launch.wish, error=None, at=now))
        elif launch.command_id is not None:
            result = {"thread_id": thread_id, "status": ThreadStatus.PENDING.value, "queued": True, **launch.answer}
            answer = Answered(digest=launch.digest, result=result)
            told.append(CommandAnswered(command_id=launch.command_id, answer=answer, at=now))
    return told


def withdrawals(state: SessionState, events: Sequence[SessionEvent], now: datetime) -> list[ThreadWithdrawn]:
    """Waiting threads that are cancelled, by themselves or with their session: some, and the rest in the next steps."""
    ending, over = state.ending, None
    if ending is not None and ending.deadline is not None:
        over = {"actor": ending.actor, "reason": ending.reason}
    doomed: Iterable[tuple[str, JsonObject | None]]
    doomed = ((name, queued.called_off or over) for name, queued in state.queue.items())
    return [
        ThreadWithdrawn(thread_id=name, actor=why["actor"], reason=why["reason"], at=now)
        for name, why in islice(((name, why) for name, why in doomed if why is not None), WITHDRAWN_AT_ONCE)
    ]
