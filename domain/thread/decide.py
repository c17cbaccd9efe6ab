"""`decide(flow, state, input) → events`: what follows from an input. Pure; refuses by raising."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import holds, render
from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    DecisionNode,
    Edge,
    EndNode,
    ErrorEdge,
    FlowDefinition,
    ReceiveNode,
    Step,
    WaitingStep,
)
from domain.ids import execution_key
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
    ThreadEnded,
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
from domain.thread.journal import Checkpoint, ExecutionStatus, Failure, JournalEntry
from domain.thread.kinds import Blocked, Done, Failed, Visit, enter, poll, timed_out
from domain.thread.scope import Scope
from domain.thread.state import (
    MAILBOX_LIMIT,
    ActiveNode,
    Cancellation,
    Hold,
    HoldKind,
    Message,
    Outcome,
    ThreadState,
    ThreadStatus,
)
from domain.values import Json, JsonObject

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
            return [] if state.holds.get(hold.kind) else [HoldPlaced(hold=hold)]
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
        return _cancelled(flow, state, now)
    if lifted := _lifted(state, now):
        return lifted
    if state.holds:
        return []
    if state.started_at is None:
        return [ThreadStarted(at=now)]
    if state.active is None:
        return _enter(flow, state, now)
    visit = _visit(flow, state, state.active, now)
    try:
        outcome = poll(visit, state.active)
    except ThreadloomError as error:
        outcome = visit.fail(error.code, error.message, error.details)
    if outcome is not None:
        return _end_node(visit, state.active, outcome)
    reached = _duration_limit(flow, state, now)
    return _limited(flow, state, reached, now) if reached else []


def _lifted(state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """Holds whose time is over."""
    return [
        HoldLifted(kind=hold.kind, actor=SYSTEM, reason="its time is over", at=now)
        for hold in state.holds.values()
        if hold.until is not None and hold.until <= now
    ]


def _cancelled(flow: FlowDefinition, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    assert state.cancellation is not None
    failure = Failure(
        code=Code.CANCELLED,
        message=state.cancellation.reason or f"cancelled by {state.cancellation.actor}",
        node=state.active.node if state.active else state.current.next,
    )
    events: list[ThreadEvent] = []
    if state.active is not None:
        visit = _visit(flow, state, state.active, now)
        events.append(NodeEnded(entry=_entry(visit, state.active, ExecutionStatus.CANCELLED, error=failure)))
    return [*events, _ended_as(ThreadStatus.CANCELLED, failure, now)]


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
    ended: list[ThreadEvent] = [_ended_as(ThreadStatus.FAILED, failure, now)]
    if active is not None:
        entry = _entry(_visit(flow, state, active, now), active, ExecutionStatus.FAILED, error=failure)
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
        return [_ended_as(ThreadStatus.FAILED, failure, now)]
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
    return _end_node(visit, None, outcome)


def _activity_ended(
    flow: FlowDefinition, state: ThreadState, input: ActivityCompleted | ActivityFailed
) -> list[ThreadEvent]:
    active = state.active
    if active is None or execution_key(state.identity.thread_id, active.node, active.visit) != input.key:
        return []
    visit = _visit(flow, state, active, input.now)
    if isinstance(input, ActivityCompleted):
        return _end_node(visit, active, Done(input.result))
    failure = replace(input.failure, node=active.node)
    if input.cancelled and state.cancellation:
        return _cancelled(flow, state, input.now)
    return _end_node(visit, active, timed_out(visit) if input.timed_out else Failed(failure))


def _visit(flow: FlowDefinition, state: ThreadState, active: ActiveNode, now: datetime) -> Visit:
    return Visit(flow=flow, state=state, id=active.node, node=flow.nodes[active.node], number=active.visit, now=now)


def _end_node(visit: Visit, active: ActiveNode | None, outcome: Done | Failed) -> list[ThreadEvent]:
    if isinstance(outcome, Failed):
        return _fail_node(visit, active, outcome)
    try:
        return _complete_node(visit, active, outcome)
    except ThreadloomError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.id)
        return _fail_node(visit, active, Failed(failure), result=outcome.result, consumed=outcome.consumed)


def _complete_node(visit: Visit, active: ActiveNode | None, done: Done) -> list[ThreadEvent]:
    node = visit.node
    changed, saved_as = dict(done.changed or {}), None
    save = node.save if isinstance(node, WaitingStep) else None
    if isinstance(save, str):
        saved_as = save
    elif save:
        extra = {"message": done.result} if isinstance(node, ReceiveNode) else {}
        scope = visit.scope(result=done.result, **extra)
        changed.update((name, render(template, scope)) for name, template in save.items())
    usage = None
    if isinstance(node, ActivityNode) and node.usage is not None:
        usage = checked_usage(render(node.usage, visit.scope(result=done.result)))
    entry = _entry(
        visit,
        active,
        ExecutionStatus.COMPLETED,
        result=done.result,
        changed=changed,
        saved_as=saved_as,
        usage=usage,
    )
    if isinstance(node, EndNode):
        outcome = Outcome(status=ThreadStatus.COMPLETED, result=done.result)
        return [NodeEnded(entry=entry), ThreadEnded(outcome=outcome, at=visit.now)]
    assert isinstance(node, Step | DecisionNode)
    after = visit.state.current.apply(entry)
    edge = _choose(visit, after, node.next)
    if edge is None:
        raise ThreadloomError(Code.NO_EDGE, f"no edge of {visit.id} holds and none is the default")
    return [NodeEnded(entry=replace(entry, next=edge.to), consumed=done.consumed)]


def _fail_node(
    visit: Visit, active: ActiveNode | None, failed: Failed, *, result: Json = None, consumed: str | None = None
) -> list[ThreadEvent]:
    entry = _entry(visit, active, ExecutionStatus.FAILED, result=result, error=failed.failure)
    try:
        edge = _catching(visit, visit.state.current.apply(entry), failed)
    except ThreadloomError as error:
        # The expression of an error edge is itself wrong: that failure is the one to tell.
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.id)
        entry, edge, failed = replace(entry, error=failure), None, Failed(failure)
    if edge:
        return [NodeEnded(entry=replace(entry, next=edge.to), consumed=consumed)]
    ended = NodeEnded(entry=entry, consumed=consumed)
    if visit.state.cancellation:
        # Whoever cancelled the thread wants it cancelled, also when its last activity did not end well.
        return [ended, *_cancelled(visit.flow, replace(visit.state, active=None), visit.now)]
    return [ended, _ended_as(ThreadStatus.FAILED, failed.failure, visit.now)]


def _catching(visit: Visit, after: Checkpoint, failed: Failed) -> Edge | None:
    node = visit.node
    if failed.timed_out and isinstance(node, WaitingStep):
        edge = _choose(visit, after, node.on_timeout, failed.failure)
        if edge is not None:
            return edge
    edges = node.on_error if isinstance(node, Step | DecisionNode) else []
    caught = [edge for edge in edges if not edge.codes or failed.failure.code in edge.codes]
    return _choose(visit, after, caught, failed.failure)


def _ended_as(status: ThreadStatus, failure: Failure, now: datetime) -> ThreadEnded:
    return ThreadEnded(outcome=Outcome(status=status, error=failure), at=now)


def _choose(
    visit: Visit, after: Checkpoint, edges: Iterable[Edge | ErrorEdge], failure: Failure | None = None
) -> Edge | None:
    """The edge to take: those with a condition by priority, then the default, then nothing."""
    extra: JsonObject = {"error": failure.visible()} if failure else {}
    scope = Scope(visit.state, visit.now, visit.id, visit.number, checkpoint=after, extra=extra)
    for edge in _by_priority(edges):
        if edge.when is None or holds(edge.when, scope):
            return edge
    return None


def _by_priority(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Highest priority first, in the order of the file; the default, whatever its priority, last."""
    yield from sorted(edges, key=lambda edge: (_is_default(edge), -edge.priority))


def _is_default(edge: Edge) -> bool:
    return edge.when is None and not (isinstance(edge, ErrorEdge) and edge.codes)


def _entry(
    visit: Visit,
    active: ActiveNode | None,
    status: ExecutionStatus,
    *,
    result: Json = None,
    error: Failure | None = None,
    changed: JsonObject | None = None,
    saved_as: str | None = None,
    usage: JsonObject | None = None,
) -> JournalEntry:
    return JournalEntry(
        seq=visit.state.current.seq + 1,
        node=visit.id,
        kind=visit.node.kind,
        visit=visit.number,
        status=status,
        started_at=active.started_at if active else visit.now,
        ended_at=visit.now,
        result=result,
        error=error,
        changed=changed or {},
        saved_as=saved_as,
        usage=usage,
    )


def checked_usage(usage: Json) -> JsonObject | None:
    """Usage {model, tokens, cost} as an activity reported it; None for none.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR` when it has another shape.
    """
    if usage is None:
        return None
    if isinstance(usage, dict) and all(
        isinstance(usage.get(name, 0), int | float) and not isinstance(usage.get(name), bool)
        for name in ("tokens", "cost")
    ):
        return {
            "model": str(usage.get("model") or "unknown"),
            "tokens": usage.get("tokens", 0),
            "cost": usage.get("cost", 0),
        }
    raise ThreadloomError(Code.EXPRESSION_ERROR, "`usage` must give {model, tokens, cost} with numbers, or null")
