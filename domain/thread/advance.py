"""How a thread goes on: into the next node, out of one that waits, and through what runs around nodes."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.changing import replace
from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.model import Hook, JoinNode, MapNode
from domain.thread.active import ActiveNode, Role, Waiting, awaiting
from domain.thread.calls import SessionRequest
from domain.thread.ending import (
    caller_visit,
    cancelled,
    end_node,
    failed_outcome,
    finish,
    is_for,
    returned,
    visit_of,
)
from domain.thread.events import (
    Compensated,
    HoldLifted,
    ItemEnded,
    ItemsStarted,
    NodeEntered,
    Reminded,
    StagePassed,
    StandingsTold,
    SubflowEntered,
    ThreadEvent,
    ThreadStarted,
    VariablesChanged,
)
from domain.thread.executing import ended, next_flow
from domain.thread.inputs import ActivityCompleted, ActivityFailed, Advance, SessionAnswered
from domain.thread.journal import Change, Descent, Failure
from domain.thread.kinds.entering import enter, poll
from domain.thread.kinds.outside import WHOLE, items, plain_call
from domain.thread.kinds.threads import joined, started
from domain.thread.kinds.visit import Blocked, Descended, Done, Failed, Visit, timed_out
from domain.thread.limits import duration_reached, limit_reached, limited, out_of_time
from domain.thread.program import Program
from domain.thread.state import SYSTEM, ThreadState, ThreadStatus
from domain.values import JsonObject


def advance(program: Program, state: ThreadState, input: Advance) -> list[ThreadEvent]:
    """One step of whatever the thread can do by itself now; nothing when it can do nothing."""
    now = input.now
    if state.outcome:
        return []
    if state.in_flight:
        return _lifted(state, now) or _more_items(program, state, input)
    if state.ending and (state.cancellation or not state.holds):
        return _compensate(program, state, now)
    if state.cancellation:
        return cancelled(program, state, now)
    if lifted := _lifted(state, now):
        return lifted
    if state.holds:
        return []
    if state.started_at is None:
        return [ThreadStarted(at=now)]
    if state.hook is not None:
        return _run_hook(program, state, now)
    if state.returned is not None:
        return returned(program, state, now)
    if state.idle:
        return next_flow(state, now)
    if state.active is None:
        return _enter(program, state, now)
    return _look(program, state, state.active, input)


def ended_outside(program: Program, state: ThreadState, input: ActivityCompleted | ActivityFailed) -> list[ThreadEvent]:
    """What follows when an activity or a workflow has ended."""
    active = state.active
    if active is None or active.key != input.key:
        return []
    if active.map is not None:
        return _item_ended(visit_of(program, state, active, input.now), active, input)
    failure = None if isinstance(input, ActivityCompleted) else replace(input.failure, node=active.node)
    match active.role:
        case "compensation":
            return [Compensated(compensation=state.compensations[-1], failure=failure, at=input.now)]
        case "after_node" | "on_error" | "before_node":
            if failure is not None and active.role == "before_node":
                return _hook_refused(program, state, active, failure, input.now)
            return [_passed(active.role, active.node, active.visit, input.now, failure)]
    visit = visit_of(program, state, active, input.now)
    if isinstance(input, ActivityFailed):
        if input.cancelled and state.cancellation:
            return cancelled(program, state, input.now)
        assert failure is not None
        if not input.timed_out:
            return end_node(visit, active, Failed(failure))
        return out_of_time(program, state, input.now, failure) or end_node(visit, active, timed_out(visit, failure))
    if isinstance(visit.node, JoinNode):
        return end_node(visit, active, joined(visit.node, active, input.result))
    return end_node(visit, active, Done(input.result))


def answered_by_session(program: Program, state: ThreadState, input: SessionAnswered) -> list[ThreadEvent]:
    """What follows when the session has answered a spawn, a fork or a join."""
    active = state.active
    if active is None or active.key != input.key:
        return []
    if active.waiting.kind == "session" and input.answers:
        visit = visit_of(program, state, active, input.now)
        return end_node(visit, active, started(visit, input))
    if active.waiting.kind == "join":
        gone = {ThreadStatus.COMPLETED, ThreadStatus.FAILED, ThreadStatus.CANCELLED, "missing"}
        awaited = active.waiting.expects["threads"]
        news = {
            thread: status
            for thread, status in input.standings.items()
            if status in gone and thread in awaited and thread not in active.standings
        }
        return [StandingsTold(standings=news, at=input.now)] if news else []
    return []


def _lifted(state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """Holds whose time is over."""
    return [
        HoldLifted(kind=hold.kind, actor=SYSTEM, reason="its time is over", at=now)
        for hold in state.holds.values()
        if hold.until is not None and hold.until <= now
    ]


# Entering


def _enter(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    current = state.current
    if current.deadline is not None and current.deadline <= now:
        return _subflow_timed_out(program, state, now)
    flow, node_id = program.at(current), current.next
    assert node_id is not None, "a thread without a next node has ended"
    number = current.visits(node_id) + 1
    visit = Visit(program, flow, state, current, node_id, flow.nodes[node_id], number, now)
    if reached := limit_reached(program, state, now):
        return limited(program, state, reached, now)
    if current.visits_here(node_id) >= visit.node.max_visits:
        message = f"{visit.path} was visited {visit.node.max_visits} times, as often as it may"
        failure = Failure(code=Code.MAX_VISITS, message=message, node=visit.path)
        if current.callers:
            return end_node(caller_visit(program, state, now), None, Failed(failure))
        return finish(state, failed_outcome(failure), compensate=True, now=now)
    if before := _before(visit):
        return before
    try:
        outcome = enter(visit)
    except ThreadloomError as error:
        outcome = visit.fail(error.code, error.message, error.details)
    if isinstance(outcome, Blocked):
        return [_blocked(visit, visit.active(outcome.waiting, outcome.map), outcome, program.ends_at(state))]
    if isinstance(outcome, Descended):
        return [SubflowEntered(descent=_descent(visit, outcome))]
    return end_node(visit, None, outcome)


def _blocked(visit: Visit, active: ActiveNode, outcome: Blocked, limit_at: datetime | None) -> NodeEntered:
    request = outcome.call if isinstance(outcome.call, SessionRequest) else None
    return NodeEntered(active=replace(active, limit_at=limit_at, request=request), call=outcome.call)


def _descent(visit: Visit, outcome: Descended) -> Descent:
    return Descent(
        seq=visit.at.seq + 1,
        at=visit.now,
        node=visit.path,
        visit=visit.number,
        flow=outcome.flow,
        input=outcome.input,
        variables=outcome.variables,
        next=outcome.start,
        deadline=outcome.deadline,
    )


def _subflow_timed_out(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """The end of the outermost subflow whose time is over; those inside it end with it."""
    visit = caller_visit(program, state, now)
    while visit.at.deadline is not None and visit.at.deadline <= now:
        visit = caller_visit(program, replace(state, current=visit.at), now)
    return end_node(visit, None, timed_out(visit))


# Waiting


def _look(program: Program, state: ThreadState, active: ActiveNode, input: Advance) -> list[ThreadEvent]:
    now = input.now
    if active.role == "backoff":
        due = active.waiting.due
        return [_passed("backoff", active.node, active.visit, now)] if due is not None and due <= now else []
    visit = visit_of(program, state, active, now)
    try:
        outcome = poll(visit, active)
    except ThreadloomError as error:
        outcome = visit.fail(error.code, error.message, error.details)
    if isinstance(outcome, Blocked):
        again = replace(active, waiting=outcome.waiting)
        return [_blocked(visit, again, outcome, active.limit_at)]
    if isinstance(outcome, Failed) and outcome.timed_out and (over := out_of_time(program, state, now)):
        return over
    if outcome is not None:
        return end_node(visit, active, outcome)
    if reached := duration_reached(program, state, now):
        return limited(program, state, reached, now)
    if reminded := _reminded(visit, active):
        return reminded
    return _more_items(program, state, input)


def _reminded(visit: Visit, active: ActiveNode) -> list[ThreadEvent]:
    at, every = active.waiting.remind_at, getattr(visit.node, "remind", None)
    if at is None or every is None or at > visit.now:
        return []
    return [Reminded(node=active.node, visit=active.visit, remind_at=visit.now + every, at=visit.now)]


def _more_items(program: Program, state: ThreadState, input: Advance) -> list[ThreadEvent]:
    """Items of a map that may begin now."""
    active = state.active
    if active is None or active.map is None or state.holds or state.cancellation or input.draining:
        return []
    visit = visit_of(program, state, active, input.now)
    assert isinstance(visit.node, MapNode)
    late = active.waiting.deadline is not None and active.waiting.deadline <= input.now
    if late or duration_reached(program, state, input.now):
        return []
    try:
        calls, refused = items(visit, visit.node, active.map)
    except ThreadloomError as error:
        if active.in_flight:
            return []  # told when the items in flight have ended
        failed = visit.fail(error.code, error.message, error.details)
        return end_node(visit, active, failed)
    return [ItemsStarted(calls=tuple(calls), refused=refused, at=input.now)] if calls or refused else []


def _item_ended(visit: Visit, active: ActiveNode, input: ActivityCompleted | ActivityFailed) -> list[ThreadEvent]:
    assert active.map is not None
    if input.item is None or input.item not in active.map.running:
        return []
    if isinstance(input, ActivityCompleted):
        return [ItemEnded(item=input.item, result=input.result, at=input.now)]
    failure = replace(input.failure, node=active.node)
    if input.timed_out:
        failure = replace(timed_out(visit).failure, details={"timeout": WHOLE})
    return [ItemEnded(item=input.item, failure=failure, at=input.now)]


# Around nodes


def _before(visit: Visit) -> list[ThreadEvent]:
    """What is to happen before the node is entered, and has not yet."""
    remembered = visit.at.nodes.get(visit.id)
    interval = visit.flow.error_policy.interval
    if remembered is not None and remembered.retried and interval > timedelta() and "backoff" not in visit.state.passed:
        waiting = Waiting(kind="timer", since=visit.now, due=visit.now + interval)
        return [NodeEntered(active=replace(visit.active(waiting), role="backoff", key=f"{visit.key}/backoff"))]
    hook = visit.flow.hooks.before_node
    if hook is not None and is_for(hook, visit.id) and "before_node" not in visit.state.passed:
        try:
            return _hooked(visit, hook, "before_node", {})
        except ThreadloomError as error:
            return end_node(visit, None, _hook_failure(visit, error.message))
    return []


def _run_hook(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    due = state.hook
    assert due is not None
    flow, node_id = program.at(state.current), due.node.rpartition("/")[2]
    visit = Visit(program, flow, state, state.current, node_id, flow.nodes[node_id], due.visit, now)
    hook = flow.hooks.on_error if due.role == "on_error" else flow.hooks.after_node
    assert hook is not None
    try:
        return _hooked(visit, hook, due.role, {"error": due.error.visible()} if due.error else {})
    except ThreadloomError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details, node=due.node)
        return [_passed(due.role, due.node, due.visit, now, failure)]


def _hooked(visit: Visit, hook: Hook, role: Role, extra: JsonObject) -> list[ThreadEvent]:
    """The hook's variables set, or its activity begun. Raises what its expressions raise."""
    scope = visit.scope(**extra)
    if hook.call is None:
        changed = {name: render(template, scope) for name, template in hook.set.items()}
        change = Change(seq=visit.at.seq + 1, at=visit.now, cause=role, node=visit.path, set=changed)
        return [VariablesChanged(change=change), _passed(role, visit.path, visit.number, visit.now)]
    call = plain_call(visit, hook.call, scope, role=role)
    waiting = awaiting(call, visit.now)
    return [NodeEntered(active=replace(visit.active(waiting), role=role, key=call.key), call=call)]


def _hook_refused(
    program: Program, state: ThreadState, active: ActiveNode, failure: Failure, now: datetime
) -> list[ThreadEvent]:
    if state.cancellation:
        return cancelled(program, replace(state, active=None), now)
    visit = visit_of(program, state, active, now)
    return end_node(visit, None, _hook_failure(visit, f"{failure.code}: {failure.message}"))


def _hook_failure(visit: Visit, message: str) -> Failed:
    return visit.fail(Code.HOOK_FAILED, f"the hook before {visit.path} failed: {message}")


def _passed(role: Role, node: str, visit: int, now: datetime, failure: Failure | None = None) -> StagePassed:
    return StagePassed(role=role, node=node, visit=visit, at=now, failure=failure)


def _compensate(program: Program, state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """The next compensation, the newest first; the end of the thread, or flow, when there is none left."""
    assert state.ending is not None
    if not state.compensations:
        return ended(state, state.ending, now)
    compensation = state.compensations[-1]
    if compensation.call is None:
        return [Compensated(compensation=compensation, failure=compensation.failure, at=now)]
    call = compensation.call
    active = ActiveNode(
        node=compensation.node,
        visit=compensation.visit,
        kind=compensation.kind,
        key=call.key,
        started_at=now,
        waiting=awaiting(call, now),
        role="compensation",
    )
    return [NodeEntered(active=active, call=call)]
