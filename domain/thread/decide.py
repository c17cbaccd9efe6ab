"""`decide(program, state, input) → events`: what follows from an input. Pure; refuses by raising."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.errors import Code, ThreadloomError
from domain.flow.model import ApprovalNode
from domain.flow.schema import check_value
from domain.thread.advance import advance, answered_by_session, ended_outside
from domain.thread.ahead import folded
from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    HoldLifted,
    HoldPlaced,
    JournalArchived,
    MessageQueued,
    SessionAskedAgain,
    StatusChanged,
    ThreadEvent,
)
from domain.thread.evolve import evolve
from domain.thread.executing import close, requested
from domain.thread.inputs import (
    ActivityCompleted,
    ActivityFailed,
    Advance,
    Answer,
    Archived,
    Cancel,
    Close,
    Execute,
    LocalCompleted,
    Pause,
    Receive,
    Resume,
    SessionAnswered,
    ThreadInput,
)
from domain.thread.mailbox import Message, require_room, taken_before
from domain.thread.program import Program
from domain.thread.state import Cancellation, Hold, HoldKind, ThreadState, outlasts
from domain.values import Json, size


def decide(program: Program, state: ThreadState, input: ThreadInput) -> list[ThreadEvent]:
    """The events that follow from the input, with the change of status they amount to as the last.

    Raises:
        ThreadloomError: The command is refused; nothing happens.
    """
    events = list(_events(program, state, input))
    after = apply(state, events)
    status = after.derived_status()
    if status != state.status:
        actor, reason = getattr(input, "actor", None), getattr(input, "reason", None)
        events.append(StatusChanged(before=state.status, status=status, at=input.now, actor=actor, reason=reason))
    return events


def apply(state: ThreadState, events: Iterable[ThreadEvent]) -> ThreadState:
    """The state after the events."""
    for event in events:
        state = evolve(state, event)
    return state


def _events(program: Program, state: ThreadState, input: ThreadInput) -> Iterable[ThreadEvent]:
    match input:
        case Advance():
            return advance(program, state, input)
        case ActivityCompleted() | ActivityFailed():
            return ended_outside(program, state, input)
        case LocalCompleted():
            return folded(program, state, input)
        case SessionAnswered():
            return answered_by_session(program, state, input)
        case Pause():
            _require_alive(state)
            hold = Hold(kind=input.kind, actor=input.actor, reason=input.reason, at=input.now, until=input.until)
            return [HoldPlaced(hold=hold)] if outlasts(input.until, state.holds.get(hold.kind)) else []
        case Resume():
            _require_alive(state)
            return _resume(state, input)
        case Cancel():
            undoing = state.ending is not None
            if state.outcome or state.cancellation or (undoing and not state.identity.flowless):
                return []
            cancellation = Cancellation(
                actor=input.actor, reason=input.reason, at=input.now, compensate=input.compensate
            )
            # A flow that has failed is undone in peace; then the thread ends.
            return [CancelRequested(cancellation=cancellation, interrupt=not undoing)]
        case Execute():
            _require_alive(state)
            return requested(state, input)
        case Close():
            _require_alive(state)
            return close(state, input)
        case Receive():
            return _receive(state, input)
        case Answer():
            return _answer(program, state, input)
        case Archived():
            return [JournalArchived(through=input.through)] if input.through > state.base.seq else []


def _resume(state: ThreadState, input: Resume) -> list[ThreadEvent]:
    lifted: list[ThreadEvent] = [
        HoldLifted(kind=kind, actor=input.actor, reason=input.reason, at=input.now)
        for kind in input.kinds
        if kind in state.holds
    ]
    lost = HoldKind.LOST_SESSION in state.holds and HoldKind.LOST_SESSION in input.kinds
    if (lost or input.asks_again) and state.active is not None and state.active.request is not None:
        lifted.append(SessionAskedAgain(request=state.active.request, at=input.now))
    return lifted


def _require_alive(state: ThreadState) -> None:
    if state.outcome:
        raise ThreadloomError(
            Code.THREAD_ENDED,
            f"thread {state.identity.thread_id} is {state.outcome.status.value}",
            {"status": state.outcome.status.value},
        )


def _receive(state: ThreadState, input: Receive) -> list[ThreadEvent]:
    if taken_before(state.watermarks, input.serial):
        return []
    _require_alive(state)
    message = Message(id=input.id, name=input.name, type=input.type, body=input.body, sender=input.sender, at=input.now)
    message = replace(message, size=size(message.visible()))
    require_room(state.identity.thread_id, state.mailbox, message, state.mailbox_limits)
    return [MessageQueued(message=message, serial=input.serial)]


def _answer(program: Program, state: ThreadState, input: Answer) -> list[ThreadEvent]:
    _require_alive(state)
    active = state.active
    waits = active is not None and active.waiting.kind == "approval" and active.node == input.node
    if not waits or active is None or input.visit not in (None, active.visit):
        _require_undecided(input.node, _answer_before(program, state, input))
        raise ThreadloomError(
            Code.NOT_WAITING,
            f"{state.identity.thread_id} does not wait for an approval at {input.node}",
            {"current_node": active.node if active else state.current.next_path},
        )
    _require_undecided(input.node, active.answer)
    choices = active.waiting.expects["choices"]
    if input.choice not in choices:
        raise ThreadloomError(Code.BAD_CHOICE, f"{input.choice!r} is none of {choices}", {"choices": choices})
    check_value(active.waiting.expects.get("schema"), input.data, Code.BAD_DATA, "`data`")
    return [ApprovalDecided(node=active.node, visit=active.visit, answer=input.visible(), at=input.now)]


def _answer_before(program: Program, state: ThreadState, input: Answer) -> Json:
    """The answer that the approval's last visit ended with, if the input is for that visit."""
    path, _, node = input.node.rpartition("/")
    if path != state.current.path:
        return None
    decided = state.current.nodes.get(node)
    if not isinstance(program.at(state.current).nodes.get(node), ApprovalNode) or decided is None:
        return None
    return state.current.result(node) if input.visit in (None, decided.visits) else None


def _require_undecided(node: str, answer: Json) -> None:
    if answer is not None:
        raise ThreadloomError(Code.ALREADY_DECIDED, f"{node} was answered by {answer['actor']}", {"answer": answer})
