"""`decide(flow, state, input) → events`: what follows from an input. Pure; refuses by raising."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.model import (
    ApprovalNode,
    FlowDefinition,
)
from domain.ids import execution_key
from domain.thread.ending import cancelled, end_node, ended_as, make_entry, visit_of
from domain.thread.events import (
    ApprovalDecided,
    CancelRequested,
    HoldLifted,
    HoldPlaced,
    JournalArchived,
    MessageQueued,
    NodeEnded,
    NodeEntered,
    StatusChanged,
    ThreadEvent,
    ThreadStarted,
)
from domain.thread.evolve import evolve
from domain.thread.inputs import (
    ActivityCompleted,
    ActivityFailed,
    Advance,
    Answer,
    Archived,
    Cancel,
    Pause,
    Receive,
    Resume,
    ThreadInput,
)
from domain.thread.journal import ExecutionStatus, Failure
from domain.thread.kinds import Blocked, Done, Failed, Visit, enter, poll, timed_out
from domain.thread.state import (
    MAILBOX_LIMIT,
    ActiveNode,
    Cancellation,
    Hold,
    HoldKind,
    Message,
    ThreadState,
    ThreadStatus,
    outlasts,
)
from domain.values import Json

SYSTEM = "threadloom"
"""The actor of what the product does by itself."""


def decide(flow: FlowDefinition, state: ThreadState, input: ThreadInput) -> list[ThreadEvent]:
    """The events that follow from the input, with the change of status they amount to as the last.

    Raises:
        ThreadloomError: The command is refused; nothing happens.
    """
    events = list(_events(flow, state, input))
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


def _events(flow: FlowDefinition, state: ThreadState, input: ThreadInput) -> Iterable[ThreadEvent]:
    match input:
        case Advance(now=now):
            return _advance(flow, state, now)
        case ActivityCompleted() | ActivityFailed():
            return _activity_ended(flow, state, input)
        case Pause():
            _require_alive(state)
            hold = Hold(kind=input.kind, actor=input.actor, reason=input.reason, at=input.now, until=input.until)
            return [HoldPlaced(hold=hold)] if outlasts(input.until, state.holds.get(hold.kind)) else []
        case Resume():
            _require_alive(state)
            return [
                HoldLifted(kind=kind, actor=input.actor, reason=input.reason, at=input.now)
                for kind in input.kinds
                if kind in state.holds
            ]
        case Cancel():
            if state.outcome or state.cancellation:
                return []
            cancellation = Cancellation(actor=input.actor, reason=input.reason, at=input.now)
            return [CancelRequested(cancellation=cancellation)]
        case Receive():
            return _receive(state, input)
        case Answer():
            return _answer(flow, state, input)
        case Archived():
            return [JournalArchived(through=input.through)] if input.through > state.base.seq else []


def _require_alive(state: ThreadState) -> None:
    if state.outcome:
        raise ThreadloomError(
            Code.THREAD_ENDED,
            f"thread {state.identity.thread_id} is {state.outcome.status.value}",
            {"status": state.outcome.status.value},
        )


def _receive(state: ThreadState, input: Receive) -> list[ThreadEvent]:
    _require_alive(state)
    if len(state.mailbox) >= MAILBOX_LIMIT:
        raise ThreadloomError(
            Code.MAILBOX_FULL,
            f"{state.identity.thread_id} holds {MAILBOX_LIMIT} unread messages",
            {"limit": MAILBOX_LIMIT},
        )
    message = Message(id=input.id, name=input.name, type=input.type, body=input.body, sender=input.sender, at=input.now)
    return [MessageQueued(message=message)]


def _answer(flow: FlowDefinition, state: ThreadState, input: Answer) -> list[ThreadEvent]:
    _require_alive(state)
    active = state.active
    waits = active is not None and active.waiting.kind == "approval" and active.node == input.node
    if not waits or active is None or input.visit not in (None, active.visit):
        _require_undecided(input.node, _answer_before(flow, state, input))
        raise ThreadloomError(
            Code.NOT_WAITING,
            f"{state.identity.thread_id} does not wait for an approval at {input.node}",
            {"current_node": active.node if active else state.current.next},
        )
    _require_undecided(input.node, active.answer)
    choices = active.waiting.expects["choices"]
    if input.choice not in choices:
        raise ThreadloomError(Code.BAD_CHOICE, f"{input.choice!r} is none of {choices}", {"choices": choices})
    return [ApprovalDecided(node=active.node, visit=active.visit, answer=input.visible(), at=input.now)]


def _answer_before(flow: FlowDefinition, state: ThreadState, input: Answer) -> Json:
    """The answer that the approval's last visit ended with, if the input is for that visit."""
    decided = state.current.nodes.get(input.node)
    if not isinstance(flow.nodes.get(input.node), ApprovalNode) or decided is None:
        return None
    return state.current.result(input.node) if input.visit in (None, decided.visits) else None


def _require_undecided(node: str, answer: Json) -> None:
    if answer is not None:
        raise ThreadloomError(Code.ALREADY_DECIDED, f"{node} was answered by {answer['actor']}", {"answer": answer})


def _advance(flow: FlowDefinition, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    if state.outcome or state.in_flight:
        return _lifted(state, now)
    if state.cancellation:
        return cancelled(flow, state, now)
    if lifted := _lifted(state, now):
        return lifted
    if state.holds:
        return []
    if state.started_at is None:
        return [ThreadStarted(at=now)]
    if state.active is None:
        return _enter(flow, state, now)
    visit = visit_of(flow, state, state.active, now)
    try:
        outcome = poll(visit, state.active)
    except ThreadloomError as error:
        outcome = visit.fail(error.code, error.message, error.details)
    if outcome is not None:
        return end_node(visit, state.active, outcome)
    reached = _duration_limit(flow, state, now)
    return _limited(flow, state, reached, now) if reached else []


def _lifted(state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """Holds whose time is over."""
    return [
        HoldLifted(kind=hold.kind, actor=SYSTEM, reason="its time is over", at=now)
        for hold in state.holds.values()
        if hold.until is not None and hold.until <= now
    ]


def _limit(flow: FlowDefinition, state: ThreadState, now: datetime) -> str | None:
    limits = flow.limits
    if state.limits_waived:
        return None
    if limits.max_steps is not None and state.steps >= limits.max_steps:
        return f"{state.steps} steps of max_steps {limits.max_steps}"
    return _duration_limit(flow, state, now)


def _duration_limit(flow: FlowDefinition, state: ThreadState, now: datetime) -> str | None:
    ends = _duration_ends(flow, state)
    return f"max_duration {flow.limits.max_duration} is over" if ends is not None and ends <= now else None


def _duration_ends(flow: FlowDefinition, state: ThreadState) -> datetime | None:
    if flow.limits.max_duration is None or state.started_at is None or state.limits_waived:
        return None
    return state.started_at + flow.limits.max_duration


def _limited(flow: FlowDefinition, state: ThreadState, reached: str, now: datetime) -> list[ThreadEvent]:
    """What the flow wants done when a limit of it is reached, before a node or while one waits."""
    if flow.limits.on_limit == "pause":
        return [HoldPlaced(hold=Hold(kind=HoldKind.LIMIT, actor=SYSTEM, reason=reached, at=now))]
    active = state.active
    failure = Failure(code=Code.LIMIT_REACHED, message=reached, node=active.node if active else state.current.next)
    ended: list[ThreadEvent] = [ended_as(ThreadStatus.FAILED, failure, now)]
    if active is not None:
        entry = make_entry(visit_of(flow, state, active, now), active, ExecutionStatus.FAILED, error=failure)
        ended.insert(0, NodeEnded(entry=entry))
    return ended


def _enter(flow: FlowDefinition, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    node_id = state.current.next
    assert node_id is not None, "a thread without a next node has ended"
    number = state.current.visits(node_id) + 1
    visit = Visit(flow=flow, state=state, id=node_id, node=flow.nodes[node_id], number=number, now=now)
    if reached := _limit(flow, state, now):
        return _limited(flow, state, reached, now)
    if number > visit.node.max_visits:
        message = f"{node_id} was visited {visit.node.max_visits} times, as often as it may"
        failure = Failure(code=Code.MAX_VISITS, message=message, node=node_id)
        return [ended_as(ThreadStatus.FAILED, failure, now)]
    try:
        outcome = enter(visit)
    except ThreadloomError as error:
        outcome = visit.fail(error.code, error.message, error.details)
    if isinstance(outcome, Blocked):
        active = ActiveNode(
            node=node_id,
            visit=number,
            started_at=now,
            waiting=outcome.waiting,
            limit_at=_duration_ends(flow, state),
        )
        return [NodeEntered(active=active, call=outcome.call)]
    return end_node(visit, None, outcome)


def _activity_ended(
    flow: FlowDefinition, state: ThreadState, input: ActivityCompleted | ActivityFailed
) -> list[ThreadEvent]:
    active = state.active
    if active is None or execution_key(state.identity.thread_id, active.node, active.visit) != input.key:
        return []
    visit = visit_of(flow, state, active, input.now)
    if isinstance(input, ActivityCompleted):
        return end_node(visit, active, Done(input.result))
    failure = replace(input.failure, node=active.node)
    if input.cancelled and state.cancellation:
        return cancelled(flow, state, input.now)
    return end_node(visit, active, timed_out(visit) if input.timed_out else Failed(failure))
