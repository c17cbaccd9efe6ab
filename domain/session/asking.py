"""What threads ask of their session while they run: to start others, to hear of their end, to cancel them.

A request comes by signal, and may come twice. What it asks for is kept and begun in its turn: some
threads at a time, and none while the session is paused, since nothing must fail because an operator
paused. Refusals are part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.messages import ForkThread, SpawnThread, ThreadAnswer, ThreadRequest, ThreadStanding, read
from domain.session.admission import branch_requested, created
from domain.session.events import RequestAnswered, SessionEvent, WatchBegun, WishesMade, WishSettled
from domain.session.evolve import apply
from domain.session.policy import check
from domain.session.state import SessionState
from domain.session.thread_events import ThreadChanged, ThreadManaged, ThreadRejected, ThreadWithdrawn
from domain.session.wishes import MISSING, Watch, Wish, Wishes, WishId

AT_ONCE = 50
"""Threads that begin at once for others. Each may carry 32 KiB into a workflow task, and 4 MiB end the workflow."""

_REASON = 2_000


def asked(state: SessionState, request: ThreadRequest, now: datetime) -> list[SessionEvent]:
    """What follows from a request at once; nothing when who asks is unknown or has ended."""
    if request.thread_id not in state.threads:
        return []
    match request.kind:
        case "spawn" | "fork":
            return _wished(state, request, now)
        case "join":
            watch = Watch(thread_id=request.thread_id, awaited=tuple(dict.fromkeys(request.threads)))
            begun = WatchBegun(request_id=request.request_id, watch=watch, at=now)
            return [begun, _told(state, request.request_id, watch, watch.awaited, now)]
        case "cancel":
            return _called_off(state, request, now)


def _wished(state: SessionState, request: ThreadRequest, now: datetime) -> list[SessionEvent]:
    request_id = request.request_id
    if request_id in state.settled:
        return [_answered(request_id, state.settled[request_id], now)]
    if request_id in state.wishes:
        return []  # it is answered when it is settled
    wishes = Wishes(
        thread_id=request.thread_id,
        kind="spawn" if request.kind == "spawn" else "fork",
        common=request.common,
        wishes=tuple(Wish(thread_id=str(body.get("thread_id", ""))[:64], kept=body) for body in request.commands),
    )
    made = WishesMade(request_id=request_id, wishes=wishes, at=now)
    return [made] if wishes.wishes else [made, _answered(request_id, wishes, now)]


def _called_off(state: SessionState, request: ThreadRequest, now: datetime) -> list[SessionEvent]:
    names = set(request.threads) - {request.thread_id}
    actor = f"thread {request.thread_id}"
    error = ThreadloomError(Code.CANCELLED, f"{actor} no longer wants it")
    return [
        *(
            WishSettled(wish=WishId(request_id, place), error=error.visible(), at=now)
            for request_id, wishes in state.wishes.items()
            if wishes.thread_id == request.thread_id
            for place, wish in enumerate(wishes.wishes)
            if wish.kept is not None and wish.thread_id in names
        ),
        *_cancelled(state, (name for name in state.threads if name in names), actor, request.reason, now),
    ]


def turns(state: SessionState, now: datetime) -> list[SessionEvent]:
    """Begin what threads asked for, when nothing of it is under way; refuse it when the session is ending."""
    launching = any(launch.wish for launch in state.launching.values())
    if state.status.held or launching or any(branch.wish for branch in state.preparing.values()):
        return []
    events: list[SessionEvent] = []
    for request_id, wishes in state.wishes.items():
        for place, wish in enumerate(wishes.wishes):
            if wish.kept is not None and len(events) < AT_ONCE:
                event = _begin(state, wishes, WishId(request_id, place), now)
                state = apply(state, [event])
                events.append(event)
    return events


def _begin(state: SessionState, wishes: Wishes, wish: WishId, now: datetime) -> SessionEvent:
    try:
        command = _command(wishes, wishes.wishes[wish.place])
        if _begun_before(state, wishes, wish.place, command):
            return WishSettled(wish=wish, error=None, at=now)
        if command.command_id in state.preparing or command.command_id in state.answers:
            raise ThreadloomError(Code.COMMAND_ID_REUSED, f"command id {command.command_id} came before")
        check(state, command)
        if isinstance(command, SpawnThread):
            return created(state, command, now, wish)
        return branch_requested(command, now, wish)
    except ThreadloomError as error:
        return WishSettled(wish=wish, error=error.visible(), at=now)


def _begun_before(state: SessionState, wishes: Wishes, place: int, command: SpawnThread | ForkThread) -> bool:
    """Whether the thread is there because it was asked for before: a session that was lost may not know that it was.

    Of a thread that was adopted it is not known which command it began with, but whose it is.
    """
    entry = state.find(command.thread_id)
    if entry is None or any(wish.thread_id == command.thread_id for wish in wishes.wishes[:place]):
        return False
    return entry.parent == wishes.thread_id and entry.command_id in ("", command.command_id)


def _command(wishes: Wishes, wish: Wish) -> SpawnThread | ForkThread:
    body = {**wishes.common, **(wish.kept or {})}
    if wishes.kind == "spawn":
        spawn = read(SpawnThread, (body,))
        if spawn.spawned_by == wishes.thread_id:
            return spawn
    else:
        fork = read(ForkThread, (body,))
        if fork.source == wishes.thread_id and not fork.plan:
            return fork
    raise ThreadloomError(Code.INVALID_ARGUMENT, "a thread spawns and forks from itself, and plans nothing")


def consequences(state: SessionState, events: Sequence[SessionEvent], now: datetime) -> list[SessionEvent]:
    """What the events mean for threads that wait for others, or that end with another.

    Args:
        state: The session after the events.
        events: What happened.
        now: The workflow's time.
    """
    ended = [event.thread_id for event in events if isinstance(event, ThreadChanged) and event.status.terminal]
    orphaned = [event for thread_id in ended for event in _orphaned(state, thread_id, now)]
    state, events = apply(state, orphaned), [*events, *orphaned]
    never_were = (event.thread_id for event in events if isinstance(event, ThreadRejected | ThreadWithdrawn))
    gone = {*ended, *never_were}
    settled = {event.wish.request_id: None for event in events if isinstance(event, WishSettled)}
    return [
        *orphaned,
        *(
            _told(state, request_id, watch, [name for name in watch.awaited if name in gone], now)
            for request_id, watch in (state.watches.items() if gone else ())
            if not gone.isdisjoint(watch.awaited)
        ),
        *(
            _answered(request_id, state.wishes[request_id], now)
            for request_id in settled
            if request_id in state.wishes and state.wishes[request_id].settled
        ),
    ]


def _orphaned(state: SessionState, parent: str, now: datetime) -> list[SessionEvent]:
    children = (
        entry.thread_id
        for entry in state.threads.values()
        if entry.spawned_by == parent and entry.on_parent_end == "cancel"
    )
    return _cancelled(state, children, f"thread {parent}", f"its parent {parent} ended", now)


def _cancelled(
    state: SessionState, thread_ids: Iterable[str], actor: str, reason: str | None, now: datetime
) -> list[SessionEvent]:
    """Living threads are told to end, each once: the command id needs to differ by who tells them only."""
    reason = reason[:_REASON] if reason else None
    message = {"command_id": f"cancel/{actor}", "actor": actor, "reason": reason}
    return [
        ThreadWithdrawn(thread_id=thread_id, actor=actor, reason=reason, at=now)
        if thread_id in state.queue
        else ThreadManaged(thread_id=thread_id, action="cancel", message=message, at=now)
        for thread_id in thread_ids
        if state.threads[thread_id].cancel is None
    ]


def _told(
    state: SessionState, request_id: str, watch: Watch, thread_ids: Iterable[str], now: datetime
) -> RequestAnswered:
    standings = tuple(ThreadStanding(thread_id=name, status=_standing(state, name)) for name in thread_ids)
    return RequestAnswered(request_id=request_id, thread_id=watch.thread_id, standings=standings, at=now)


def _standing(state: SessionState, thread_id: str) -> str:
    entry = state.find(thread_id)
    return entry.status.value if entry else MISSING


def _answered(request_id: str, wishes: Wishes, now: datetime) -> RequestAnswered:
    answers = tuple(ThreadAnswer(thread_id=wish.thread_id, error=wish.error) for wish in wishes.wishes)
    return RequestAnswered(request_id=request_id, thread_id=wishes.thread_id, answers=answers, at=now)
