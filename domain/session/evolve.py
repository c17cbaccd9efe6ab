"""`evolve(state, event) → state`: the only place where a session's state changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.answers import remember
from domain.session.events import (
    BranchPostponed,
    BranchRequested,
    BranchSettled,
    CommandAnswered,
    ConfigChanged,
    MessageLimitReached,
    Reconciled,
    ReconcileRequested,
    RequestAnswered,
    SessionEnding,
    SessionEvent,
    SessionExpired,
    SessionHeld,
    SessionReleased,
    SessionRestored,
    SessionStarted,
    SessionStatusChanged,
    ThreadsForgotten,
    WatchBegun,
    WishesMade,
    WishSettled,
)
from domain.session.evolve_threads import evolve_threads
from domain.session.resource_events import (
    LeaseAsked,
    LeaseGranted,
    LeaseLost,
    LeasesReleased,
    ResourcesAllocated,
    ResourcesDenied,
    ResourcesReleased,
)
from domain.session.resources import evolve_resources
from domain.session.state import SessionState
from domain.session.wishes import MISSING, Wishes, changed, remembered
from domain.thread.state import ENDED


def evolve(state: SessionState, event: SessionEvent) -> SessionState:
    """The state after the event; the state given is never changed."""
    match event:
        case SessionStarted(at=at):
            return replace(state, last_activity_at=at, updated_at=at)
        case SessionRestored():
            return _restored(state, event)
        case SessionStatusChanged(status=status, at=at):
            return replace(state, status=status, updated_at=at, ended_at=at if status.terminal else None)
        case SessionHeld(hold=hold):
            return replace(_counted(state, "pause"), hold=hold, updated_at=hold.at)
        case SessionReleased(at=at, hold_threads=hold_threads):
            wishes = _held(state) if hold_threads else state.wishes
            return replace(_counted(state, "resume"), hold=None, wishes=wishes, last_activity_at=at, updated_at=at)
        case SessionEnding(ending=ending):
            return replace(state, ending=ending, hold=None, updated_at=max(state.updated_at, ending.at))
        case SessionExpired(at=at):
            longest = state.config.max_duration
            too_old = longest is not None and state.created_at + longest <= at
            return replace(state, expired=state.expired or too_old, updated_at=at)
        case ConfigChanged(config=config, at=at):
            # What was waived is the old limit; a new one counts.
            waived = state.expired and config.max_duration == state.config.max_duration
            uncounted = state.messages_waived and config.max_messages == state.config.max_messages
            return replace(
                _counted(state, "configure"), config=config, expired=waived, messages_waived=uncounted, updated_at=at
            )
        case MessageLimitReached(at=at):
            return replace(state, messages_waived=True, updated_at=at)
        case ReconcileRequested(at=at) | Reconciled(at=at):
            return replace(state, reconciled_at=at)
        case ThreadsForgotten(thread_ids=thread_ids):
            gone = set(thread_ids)
            return replace(state, ended={name: entry for name, entry in state.ended.items() if name not in gone})
        case CommandAnswered(command_id=command_id) if command_id in state.answers:
            return state  # the first answer stands
        case CommandAnswered(command_id=command_id, answer=answer):
            return replace(state, answers=remember(state.answers, command_id, answer))
        case BranchRequested() | BranchSettled() | BranchPostponed():
            return _branch(state, event)
        case (
            ResourcesAllocated()
            | ResourcesReleased()
            | ResourcesDenied()
            | LeaseAsked()
            | LeaseGranted()
            | LeasesReleased()
            | LeaseLost()
        ):
            return evolve_resources(state, event)
        case WishesMade() | WishSettled() | WatchBegun() | RequestAnswered():
            return _request(state, event)
        case _:
            return evolve_threads(state, event)


def apply(state: SessionState, events: Iterable[SessionEvent]) -> SessionState:
    """The state after the events."""
    for event in events:
        state = evolve(state, event)
    return state


def _restored(state: SessionState, event: SessionRestored) -> SessionState:
    """The state without what was under way and whose end nobody hears of: whoever wants it asks for it again."""
    missing = set(event.missing)
    wanted = [branch.wish for branch in state.preparing.values()]
    wanted += [launch.wish for thread_id, launch in state.launching.items() if thread_id in missing]
    interrupted = {wish.request_id for wish in wanted if wish is not None}
    statistics = state.statistics
    for branch in state.preparing.values():
        if not branch.plan:
            count = getattr(statistics, branch.operation).withdrawn(branch.strategy)
            statistics = replace(statistics, **{branch.operation: count})
    # A pool takes back what it gave for a thread that has no workflow, when its session has none either.
    leases = {
        thread_id: dict.fromkeys(its, False) if thread_id in state.queue else its
        for thread_id, its in state.leases.items()
    }
    return replace(
        state,
        preparing={},
        leases=leases,
        wishes={request_id: its for request_id, its in state.wishes.items() if request_id not in interrupted},
        statistics=statistics.counted("recover"),
        reconciled_at=event.at,
        last_activity_at=event.at,
        updated_at=event.at,
    )


def _branch(state: SessionState, event: BranchRequested | BranchSettled | BranchPostponed) -> SessionState:
    statistics = state.statistics
    if isinstance(event, BranchRequested):
        branch = event.branch
        if not branch.plan:
            count = getattr(statistics, branch.operation).tried(branch.strategy)
            statistics = replace(statistics, **{branch.operation: count})
        return replace(
            state,
            preparing={**state.preparing, event.command_id: branch},
            wishes=changed(state.wishes, branch.wish, kept=None),
            statistics=statistics,
            last_activity_at=event.at,
        )
    branch = state.preparing[event.command_id]
    wishes = state.wishes
    if isinstance(event, BranchPostponed):
        wishes = changed(wishes, branch.wish, kept=event.request)
        count = getattr(statistics, branch.operation).withdrawn(branch.strategy)
        statistics = replace(statistics, **{branch.operation: count})
    elif not branch.plan and not event.succeeded:
        statistics = statistics.branched(branch.operation, success=False)
    preparing = {command_id: other for command_id, other in state.preparing.items() if command_id != event.command_id}
    return replace(state, preparing=preparing, wishes=wishes, statistics=statistics)


def _request(state: SessionState, event: WishesMade | WishSettled | WatchBegun | RequestAnswered) -> SessionState:
    match event:
        case WishesMade(request_id=request_id, wishes=wishes):
            return replace(state, wishes={**state.wishes, request_id: wishes}, last_activity_at=event.at)
        case WishSettled(wish=wish, error=error):
            return replace(state, wishes=changed(state.wishes, wish, kept=None, settled=True, error=error))
        case WatchBegun(request_id=request_id, watch=watch):
            return replace(state, watches={**state.watches, request_id: watch})
        case RequestAnswered(request_id=request_id, standings=standings) if request_id in state.watches:
            watch = state.watches[request_id]
            gone = {told.thread_id for told in standings if told.status in ENDED or told.status == MISSING}
            left = tuple(thread_id for thread_id in watch.awaited if thread_id not in gone)
            watches = {**state.watches, request_id: replace(watch, awaited=left)}
            return replace(state, watches={other: its for other, its in watches.items() if its.awaited})
        case RequestAnswered(request_id=request_id) if request_id in state.wishes:
            under_way = {other: its for other, its in state.wishes.items() if other != request_id}
            settled = remembered(state.settled, request_id, state.wishes[request_id])
            return replace(state, wishes=under_way, settled=settled)
    return state


def _held(state: SessionState) -> dict[str, Wishes]:
    """What threads asked for, to be started held."""
    return {
        request_id: replace(
            wishes,
            wishes=tuple(
                wish if wish.kept is None else replace(wish, kept={**wish.kept, "hold": True}) for wish in wishes.wishes
            ),
        )
        for request_id, wishes in state.wishes.items()
    }


def _counted(state: SessionState, operation: str) -> SessionState:
    return replace(state, statistics=state.statistics.counted(operation))
