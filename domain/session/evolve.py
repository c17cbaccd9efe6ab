"""`evolve(state, event) → state`: the only place where a session's state changes."""

from __future__ import annotations

from dataclasses import replace

from domain.answers import remember
from domain.session.events import (
    BranchRequested,
    BranchSettled,
    CommandAnswered,
    ConfigChanged,
    Reconciled,
    ReconcileRequested,
    SessionEnding,
    SessionEvent,
    SessionExpired,
    SessionHeld,
    SessionReleased,
    SessionStarted,
    SessionStatusChanged,
    ThreadChanged,
    ThreadCreated,
    ThreadDestroyed,
    ThreadLaunched,
    ThreadManaged,
    ThreadRejected,
)
from domain.session.state import Launch, SessionState, ThreadEntry
from domain.session.statistics import Statistics


def evolve(state: SessionState, event: SessionEvent) -> SessionState:
    """The state after the event; the state given is never changed."""
    match event:
        case SessionStarted(at=at):
            return replace(state, last_activity_at=at, updated_at=at)
        case SessionStatusChanged(status=status, at=at):
            return replace(state, status=status, updated_at=at, ended_at=at if status.terminal else None)
        case SessionHeld(hold=hold):
            return replace(_counted(state, "pause"), hold=hold, updated_at=hold.at)
        case SessionReleased(at=at):
            return replace(_counted(state, "resume"), hold=None, last_activity_at=at, updated_at=at)
        case SessionEnding(ending=ending):
            return replace(state, ending=ending, hold=None, updated_at=max(state.updated_at, ending.at))
        case SessionExpired(at=at):
            longest = state.config.max_duration
            too_old = longest is not None and state.created_at + longest <= at
            return replace(state, expired=state.expired or too_old, updated_at=at)
        case ConfigChanged(config=config, at=at):
            # What was waived is the old limit; a new one counts.
            waived = state.expired and config.max_duration == state.config.max_duration
            return replace(_counted(state, "configure"), config=config, expired=waived, updated_at=at)
        case ReconcileRequested(at=at) | Reconciled(at=at):
            return replace(state, reconciled_at=at)
        case CommandAnswered(command_id=command_id) if command_id in state.answers:
            return state  # the first answer stands
        case CommandAnswered(command_id=command_id, answer=answer):
            return replace(state, answers=remember(state.answers, command_id, answer))
        case BranchRequested() | BranchSettled():
            return _branch(state, event)
        case _:
            return _thread(state, event)


def _branch(state: SessionState, event: BranchRequested | BranchSettled) -> SessionState:
    statistics = state.statistics
    if isinstance(event, BranchRequested):
        branch = event.branch
        if not branch.plan:
            count = getattr(statistics, branch.operation).tried(branch.strategy)
            statistics = replace(statistics, **{branch.operation: count})
        return replace(
            state,
            preparing={**state.preparing, event.command_id: branch},
            statistics=statistics,
            last_activity_at=event.at,
        )
    branch = state.preparing[event.command_id]
    if not branch.plan and not event.succeeded:
        statistics = statistics.branched(branch.operation, success=False)
    preparing = {command_id: other for command_id, other in state.preparing.items() if command_id != event.command_id}
    return replace(state, preparing=preparing, statistics=statistics)


def _thread(
    state: SessionState,
    event: ThreadCreated | ThreadLaunched | ThreadRejected | ThreadChanged | ThreadDestroyed | ThreadManaged,
) -> SessionState:
    threads = dict(state.threads)
    launching = state.launching
    statistics = state.statistics
    match event:
        case ThreadCreated(entry=entry):
            threads[entry.thread_id] = entry
            launching = {**launching, entry.thread_id: Launch(digest=event.command_digest, answer=event.answer)}
            alive = sum(1 for other in threads.values() if other.alive)
            statistics = replace(statistics, peak_threads=max(statistics.peak_threads, alive))
        case ThreadLaunched(thread_id=thread_id):
            statistics = _created(statistics, threads[thread_id], success=True)
            threads[thread_id] = replace(threads[thread_id], started=True)
            launching = {other: launch for other, launch in launching.items() if other != thread_id}
        case ThreadRejected(thread_id=thread_id):
            statistics = _created(statistics, threads.pop(thread_id), success=False)
            launching = {other: launch for other, launch in launching.items() if other != thread_id}
        case ThreadChanged(thread_id=thread_id, status=status):
            entry = threads[thread_id]
            threads[thread_id] = replace(
                entry,
                status=status,
                started_at=event.started_at or entry.started_at,
                ended_at=event.at if status.terminal else None,
                error=event.error,
            )
            if status.terminal:
                statistics = statistics.used(event.usage or {})
            if status.terminal and threads[thread_id].started_at is not None:
                performance = statistics.performance.ended(status.value, event.seconds)
                statistics = replace(statistics, performance=performance)
        case ThreadDestroyed(thread_id=thread_id):
            threads[thread_id] = replace(threads[thread_id], destroyed=True)
            statistics = statistics.counted("destroy")
        case ThreadManaged(action=action):
            statistics = statistics.counted(f"thread_{action}")
    return replace(
        state,
        threads=threads,
        launching=launching,
        statistics=statistics,
        last_activity_at=max(state.last_activity_at, event.at),
        updated_at=max(state.updated_at, event.at),
    )


_BRANCHED = {"forked": "fork", "copied": "copy"}


def _created(statistics: Statistics, entry: ThreadEntry, *, success: bool) -> Statistics:
    """A thread was started, or could not be."""
    if entry.origin in _BRANCHED:
        return statistics.branched(_BRANCHED[entry.origin], success=success)
    return statistics.counted("create") if success else statistics


def _counted(state: SessionState, operation: str) -> SessionState:
    return replace(state, statistics=state.statistics.counted(operation))
