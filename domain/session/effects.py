"""`effects(state, events) → effects`: what the workflow has to do because of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from domain.messages import SessionAnswer, SessionHoldChanged, body
from domain.session import leasing
from domain.session.events import (
    BranchRequested,
    ConfigChanged,
    ReconcileRequested,
    RequestAnswered,
    SessionEnding,
    SessionEvent,
    SessionHeld,
    SessionReleased,
    SessionRestored,
)
from domain.session.queue import limited
from domain.session.resource_events import LeaseAsked, LeasesReleased
from domain.session.state import Ending, SessionState
from domain.session.thread_events import LaunchBegun, PriorityChanged, ThreadLaunched, ThreadManaged
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class StartThread:
    """Start the thread's workflow; whether it started comes back as an input.

    Attributes:
        flow: Its flow as people name it; None for a thread without one.
    """

    thread_id: str
    start: JsonObject
    flow: str | None
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareBranch:
    """Read the source and prepare the fork or copy; the branch comes back as an input."""

    command_id: str
    operation: str
    request: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalThread:
    """Signal the thread's workflow; a thread that is not there comes back as an input."""

    thread_id: str
    signal: str
    message: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPool:
    """Signal the pool's workflow; a pool that is not there comes back as an answer of its."""

    pool: str
    signal: str
    message: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateThreads:
    """End the threads' workflows by force; how they ended comes back as an input."""

    thread_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Look in Temporal for the threads; those not running come back as an input."""

    thread_ids: tuple[str, ...]


ANSWER = "session_answer"

_COMMANDS = ("pause", "resume", "cancel")

SessionEffect: TypeAlias = StartThread | PrepareBranch | SignalThread | SignalPool | TerminateThreads | Reconcile


def effects(state: SessionState, events: Iterable[SessionEvent]) -> list[SessionEffect]:
    """The effects of the events, in their order; `state` is the state after them."""
    found = [effect for event in events for effect in _effects(state, event)]
    if state.config.authoriser is None:
        return found
    return [_passed_on(effect) if isinstance(effect, SignalThread) else effect for effect in found]


def _passed_on(effect: SignalThread) -> SignalThread:
    """A command that somebody may give the session, and the session therefore its threads."""
    if effect.signal not in _COMMANDS:
        return effect
    return replace(effect, message={**effect.message, "passed_on": True})


def _effects(state: SessionState, event: SessionEvent) -> list[SessionEffect]:
    match event:
        case LaunchBegun(thread_id=thread_id, start=start):
            entry = state.threads[thread_id]
            return [StartThread(thread_id=thread_id, start=start, flow=entry.label, priority=entry.priority)]
        case ThreadLaunched(thread_id=thread_id):
            return _catch_up(state, thread_id)
        case BranchRequested(command_id=command_id, branch=branch, request=request):
            return [PrepareBranch(command_id=command_id, operation=branch.operation, request=request)]
        case SessionHeld(hold=hold):
            changed = SessionHoldChanged(held=True, actor=hold.actor, reason=hold.reason)
            return [_hold(thread_id, changed) for thread_id in _started(state)]
        case SessionReleased(actor=actor, reason=reason, hold_threads=keep):
            changed = SessionHoldChanged(held=False, actor=actor, reason=reason, keep=keep)
            return [_hold(thread_id, changed) for thread_id in _started(state)]
        case SessionEnding() if state.ending and state.ending.forced:
            started = _started(state)
            return [_terminate(state.ending, tuple(started))] if started else []
        case SessionEnding() if state.ending and state.ending.deadline:
            return [_cancel(state, thread_id) for thread_id in _started(state)]
        case SessionEnding(ending=ending):
            # Others end by themselves; these would wait for flows that nobody can give them any more.
            return [_close(ending, name) for name in _started(state) if state.threads[name].flow is None]
        case ThreadManaged(thread_id=thread_id, action=action, message=message):
            target = state.threads.get(thread_id)
            if target is None or not target.started:
                return []  # it catches up when it has started
            signal = "resume" if action == "start" else action
            return [SignalThread(thread_id=thread_id, signal=signal, message=message)]
        case RequestAnswered(request_id=request_id, answers=answers, standings=standings):
            answer = SessionAnswer(request_id=request_id, answers=list(answers), standings=list(standings))
            return [SignalThread(thread_id=event.thread_id, signal=ANSWER, message=body(answer))]
        case LeaseAsked(thread_id=thread_id, pool=pool):
            return [SignalPool(pool=pool, signal="lease_request", message=leasing.request(state, thread_id, pool))]
        case LeasesReleased(thread_id=thread_id, pools=pools):
            message = leasing.release(state, thread_id)
            return [SignalPool(pool=pool, signal="lease_release", message=message) for pool in pools]
        case PriorityChanged(thread_id=thread_id):
            message = leasing.priority(state, thread_id)
            waits = [pool for pool, granted in state.leases.get(thread_id, {}).items() if not granted]
            return [SignalPool(pool=pool, signal="lease_priority", message=message) for pool in waits]
        case ReconcileRequested():
            started = _started(state)
            return [*([Reconcile(thread_ids=tuple(started))] if started else []), *_lease_requests(state)]
        case SessionRestored(living=living):
            return [*_back(state, event, living), *_lease_requests(state)]
        case ConfigChanged(before=before) if limited(state.config) and not limited(before):
            return [
                SignalThread(thread_id=thread_id, signal="report_idle", message={}) for thread_id in _started(state)
            ]
    return []


def _started(state: SessionState) -> list[str]:
    return [entry.thread_id for entry in state.threads.values() if entry.started]


def _lease_requests(state: SessionState) -> list[SessionEffect]:
    """Ask the pools again: one that was made anew knows nothing of who asked the old one."""
    return [
        SignalPool(pool=pool, signal="lease_request", message=leasing.request(state, thread_id, pool))
        for thread_id, its in state.leases.items()
        for pool, granted in its.items()
        if not granted and thread_id in state.queue
    ]


def _back(state: SessionState, event: SessionRestored, living: tuple[str, ...]) -> list[SessionEffect]:
    """Tell the threads that the session is there again, and what they may have missed."""
    hold, ending = state.hold, state.ending
    if ending and ending.forced:
        return [_terminate(ending, living)] if living else []
    actor, reason = (hold.actor, hold.reason) if hold else (event.actor, event.reason)
    changed = SessionHoldChanged(held=hold is not None, actor=actor, reason=reason, recovered=True)
    told: list[SessionEffect] = []
    for thread_id in living:
        told.append(_hold(thread_id, changed))
        if ending or state.threads[thread_id].cancel:
            told += _catch_up(state, thread_id)
    return told


def _catch_up(state: SessionState, thread_id: str) -> list[SessionEffect]:
    """What a thread missed while it was being started."""
    if thread_id not in state.threads:
        return []
    if state.ending and state.ending.forced:
        return [_terminate(state.ending, (thread_id,))]
    if state.ending and state.ending.deadline:
        return [_cancel(state, thread_id)]
    if (cancel := state.threads[thread_id].cancel) is not None:
        return [SignalThread(thread_id=thread_id, signal="cancel", message=cancel)]
    if state.ending and state.threads[thread_id].flow is None:
        return [_close(state.ending, thread_id)]
    if state.hold:
        return [_hold(thread_id, SessionHoldChanged(held=True, actor=state.hold.actor, reason=state.hold.reason))]
    return []


def merged(first: SignalThread | SignalPool, second: SignalThread | SignalPool) -> SignalThread | None:
    """One signal for two that would follow each other; None when both are needed.

    A thread that watches many others hears of all that ended while its last signal was on the way at once.
    """
    if isinstance(first, SignalPool) or isinstance(second, SignalPool):
        return None
    told, more = first.message, second.message
    if not first.signal == second.signal == ANSWER or told["request_id"] != more["request_id"]:
        return None
    standings = {standing["thread_id"]: standing for standing in (*told["standings"], *more["standings"])}
    message = {**more, "answers": more["answers"] or told["answers"], "standings": list(standings.values())}
    return SignalThread(thread_id=first.thread_id, signal=ANSWER, message=message)


def _hold(thread_id: str, changed: SessionHoldChanged) -> SignalThread:
    return SignalThread(thread_id=thread_id, signal="session_hold", message=body(changed))


def _terminate(ending: Ending, thread_ids: tuple[str, ...]) -> TerminateThreads:
    return TerminateThreads(thread_ids=thread_ids, reason=ending.reason or "the session was terminated")


def _close(ending: Ending, thread_id: str) -> SignalThread:
    message = {
        "command_id": f"close/{ending.at.isoformat()}",
        "actor": ending.actor,
        "reason": ending.reason or "the session was closed",
    }
    return SignalThread(thread_id=thread_id, signal="close", message=message)


def _cancel(state: SessionState, thread_id: str) -> SignalThread:
    assert state.ending is not None
    message = {
        "command_id": f"terminate/{state.ending.at.isoformat()}",
        "actor": state.ending.actor,
        "reason": state.ending.reason or "the session was terminated",
        **({} if state.ending.compensate else {"compensate": False}),
    }
    return SignalThread(thread_id=thread_id, signal="cancel", message=message)
