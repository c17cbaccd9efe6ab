"""How a session's state follows what happens to its threads; see `domain.session.evolve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from domain.session.entries import Bundle, Queued, ThreadEntry
from domain.session.state import SessionState
from domain.session.statistics import Statistics
from domain.session.thread_events import (
    LaunchBegun,
    PriorityChanged,
    ThreadChanged,
    ThreadCreated,
    ThreadDestroyed,
    ThreadEvent,
    ThreadHeldBack,
    ThreadLaunched,
    ThreadManaged,
    ThreadQueued,
    ThreadRejected,
    ThreadsCalledOff,
    ThreadWithdrawn,
)
from domain.session.wishes import changed
from domain.thread.state import Origin, ThreadStatus
from domain.values import JsonObject, digest

T = TypeVar("T")

_BRANCHED = {"forked": "fork", "copied": "copy"}


def evolve_threads(state: SessionState, event: ThreadEvent) -> SessionState:
    """The state after something happened to a thread."""
    state = replace(
        state,
        last_activity_at=max(state.last_activity_at, event.at),
        updated_at=max(state.updated_at, event.at),
    )
    match event:
        case ThreadCreated():
            return _created(state, event)
        case ThreadQueued(thread_id=thread_id):
            queued = state.queue[thread_id]
            launch = replace(queued.launch, command_id=None, wish=None)
            return replace(state, queue={**state.queue, thread_id: replace(queued, launch=launch)})
        case ThreadHeldBack(thread_id=thread_id, hold=hold):
            counted = state.statistics.counted("thread_pause" if hold else "thread_resume")
            queue = {**state.queue, thread_id: replace(state.queue[thread_id], hold=hold)}
            return replace(state, queue=queue, statistics=counted)
        case ThreadsCalledOff(thread_ids=thread_ids, actor=actor, reason=reason):
            called_off = {"actor": actor, "reason": reason}
            doomed = {name: replace(state.queue[name], called_off=called_off) for name in thread_ids}
            return replace(state, queue={**state.queue, **doomed})
        case PriorityChanged():
            return _prioritised(state, event)
        case ThreadWithdrawn(thread_id=thread_id):
            entry = replace(state.threads[thread_id], status=ThreadStatus.CANCELLED, ended_at=event.at)
            return _ended(dequeued(state, thread_id), entry)
        case LaunchBegun(thread_id=thread_id):
            launching = {**state.launching, thread_id: state.queue[thread_id].launch}
            return replace(dequeued(state, thread_id), launching=launching)
        case ThreadLaunched():
            return _launched(state, event)
        case ThreadRejected():
            return _rejected(state, event)
        case ThreadChanged():
            return _changed(state, event)
        case ThreadDestroyed(thread_id=thread_id):
            entry = state.ended[thread_id]
            return replace(
                state,
                ended={**state.ended, thread_id: replace(entry, destroyed=True)},
                ended_counts=_counted(state.ended_counts, entry, -1),
                statistics=state.statistics.counted("destroy"),
            )
        case ThreadManaged(thread_id=thread_id, action=action):
            threads = state.threads
            if action == "cancel" and thread_id in threads:
                threads = {**threads, thread_id: replace(threads[thread_id], cancel=event.message)}
            return replace(state, threads=threads, statistics=state.statistics.counted(f"thread_{action}"))


def started_with(state: SessionState, queued: Queued) -> JsonObject:
    """What the waiting thread's workflow starts with: `domain.messages.ThreadStart` as JSON."""
    bundle = state.bundles[queued.bundle]
    return {**queued.start, "flow": bundle.flow, "flows": dict(bundle.flows)}


def _created(state: SessionState, event: ThreadCreated) -> SessionState:
    entry = replace(event.entry, number=state.created + 1)
    threads = {**state.threads, entry.thread_id: entry}
    flow, flows = event.start["flow"], event.start["flows"]
    name = digest([entry.flow_digest, flows]) if flows else entry.flow_digest or "no flow"
    bundle = state.bundles.get(name) or Bundle(flow=flow, flows=flows)
    queued = Queued(
        start={**event.start, "flow": None, "flows": {}}, bundle=name, launch=event.launch, patient=event.patient
    )
    return replace(
        state,
        threads=threads,
        created=entry.number,
        queue={**state.queue, entry.thread_id: queued},
        bundles={**state.bundles, name: replace(bundle, uses=bundle.uses + 1)},
        wishes=changed(state.wishes, event.launch.wish, kept=None),
        statistics=replace(state.statistics, peak_threads=max(state.statistics.peak_threads, len(threads))),
    )


def _prioritised(state: SessionState, event: PriorityChanged) -> SessionState:
    thread_id, priority = event.thread_id, event.priority
    queued = state.queue[thread_id]
    seed = queued.start["seed"]
    start = {**queued.start, "seed": {**seed, "identity": {**seed["identity"], "priority": priority}}}
    return replace(
        state,
        threads={**state.threads, thread_id: replace(state.threads[thread_id], priority=priority)},
        queue={**state.queue, thread_id: replace(queued, start=start)},
        statistics=state.statistics.counted("prioritise"),
    )


def dequeued(state: SessionState, thread_id: str) -> SessionState:
    """The state in which the thread no longer waits for its turn."""
    name = state.queue[thread_id].bundle
    bundle = state.bundles[name]
    bundles = _without(state.bundles, name)
    if bundle.uses > 1:
        bundles[name] = replace(bundle, uses=bundle.uses - 1)
    return replace(state, queue=_without(state.queue, thread_id), bundles=bundles)


def _launched(state: SessionState, event: ThreadLaunched) -> SessionState:
    thread_id = event.thread_id
    launch, launching = state.launching[thread_id], _without(state.launching, thread_id)
    entry = state.find(thread_id)
    assert entry is not None
    state = replace(state, launching=launching, statistics=_tried(state.statistics, entry, success=True))
    # What starts as it should does not say so: that would be a signal for each thread.
    if entry.status is ThreadStatus.PENDING and not launch.held:
        entry = replace(entry, status=ThreadStatus.RUNNING, started_at=event.at)
    entry = replace(entry, started=True)
    if entry.alive:
        return replace(state, threads={**state.threads, thread_id: entry})
    return replace(state, ended={**state.ended, thread_id: entry})


def _rejected(state: SessionState, event: ThreadRejected) -> SessionState:
    thread_id = event.thread_id
    entry = state.threads[thread_id]
    if thread_id in state.queue:
        launch, state = state.queue[thread_id].launch, dequeued(state, thread_id)
    else:
        launch, launching = state.launching[thread_id], _without(state.launching, thread_id)
        state = replace(state, launching=launching)
    state = replace(state, statistics=_tried(state.statistics, entry, success=False))
    if launch.command_id is None and launch.wish is None:
        error: JsonObject = {"code": event.code, "message": event.message, "details": {}}
        return _ended(state, replace(entry, status=ThreadStatus.FAILED, error=error, ended_at=event.at))
    return replace(state, threads=_without(state.threads, thread_id))


def _changed(state: SessionState, event: ThreadChanged) -> SessionState:
    thread_id, status = event.thread_id, event.status
    entry = state.threads[thread_id]
    told = entry.messages if event.messages is None else event.messages
    statistics = state.statistics.messaged(entry.messages, told)
    entry = replace(
        entry,
        status=status,
        idle=event.idle,
        messages={} if status.terminal else told,
        started_at=entry.started_at if event.behind_back else event.started_at,
        ended_at=event.at if status.terminal else None,
        error=event.error,
    )
    if not status.terminal:
        return replace(state, threads={**state.threads, thread_id: entry}, statistics=statistics)
    statistics = statistics.used(event.usage or {})
    if entry.started_at is not None:
        performance = statistics.performance.ended(status.value, event.seconds)
        statistics = replace(statistics, performance=performance)
    return _ended(replace(state, statistics=statistics), entry)


def _ended(state: SessionState, entry: ThreadEntry) -> SessionState:
    """The thread is no longer among the living. Nobody is left to hear the answers to what it asked."""
    gone = entry.thread_id
    return replace(
        state,
        threads=_without(state.threads, gone),
        ended={**state.ended, gone: entry},
        ended_counts=_counted(state.ended_counts, entry, 1),
        wishes={request_id: its for request_id, its in state.wishes.items() if its.thread_id != gone},
        settled={request_id: its for request_id, its in state.settled.items() if its.thread_id != gone},
        watches={request_id: its for request_id, its in state.watches.items() if its.thread_id != gone},
    )


def _without(named: Mapping[str, T], name: str) -> dict[str, T]:
    rest = dict(named)
    del rest[name]
    return rest


def _counted(counts: Mapping[str, int], entry: ThreadEntry, change: int) -> dict[str, int]:
    status = entry.status.value
    return {**counts, status: counts.get(status, 0) + change}


def _tried(statistics: Statistics, entry: ThreadEntry, *, success: bool) -> Statistics:
    """A thread was started, or could not be."""
    if entry.origin in _BRANCHED:
        return statistics.branched(_BRANCHED[entry.origin], success=success)
    if not success:
        return statistics
    return statistics.counted("spawn" if entry.origin == Origin.SPAWNED else "create")
