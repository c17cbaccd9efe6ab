"""What each kind of node does when a thread enters it, and when it looks again while the node waits.

A kind answers with `Done`, `Failed` or `Blocked`. It never chooses the next node and never changes
anything: that is `domain.thread.decide`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Code, ThreadloomError
from domain.flow.durations import LONGEST, parse_duration
from domain.flow.expressions import holds, render
from domain.flow.language.filters_time import parse_instant
from domain.flow.language.values import text_of
from domain.flow.model import (
    ActivityNode,
    ApprovalNode,
    DecisionNode,
    EndNode,
    FailNode,
    FlowDefinition,
    Node,
    ReceiveNode,
    Retry,
    SetNode,
    WaitingStep,
    WaitNode,
)
from domain.ids import execution_key
from domain.instants import as_utc
from domain.thread.events import ActivityCall, RetryRule
from domain.thread.journal import Failure
from domain.thread.scope import Scope
from domain.thread.state import ActiveNode, Message, ThreadState, Waiting
from domain.values import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Done:
    """The node has its result.

    Attributes:
        changed: Variables that the node itself sets, apart from its `save`.
        consumed: Id of the message that was received.
    """

    result: Json = None
    changed: JsonObject | None = None
    consumed: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The node failed, or its time is over."""

    failure: Failure
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Blocked:
    """The node waits."""

    waiting: Waiting
    call: ActivityCall | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to one node: what a kind needs to know."""

    flow: FlowDefinition
    state: ThreadState
    id: str
    node: Node
    number: int
    now: datetime

    def scope(self, **extra: Json) -> Scope:
        """What the node's expressions see."""
        return Scope(self.state, self.now, self.id, self.number, extra=extra)

    def fail(self, code: str, message: str, details: JsonObject | None = None) -> Failed:
        """A failure of this node."""
        return Failed(Failure(code=code, message=message, details=details or {}, node=self.id))


def enter(visit: Visit) -> Done | Failed | Blocked:
    """Begin the node. Raises `ThreadloomError` for what the flow's author got wrong."""
    node = visit.node
    match node:
        case SetNode():
            scope = visit.scope()
            return Done(changed={name: render(template, scope) for name, template in node.set.items()})
        case DecisionNode():
            return Done()
        case ActivityNode():
            return _call(visit, node)
        case WaitNode():
            return _look_again(visit, node, Waiting(kind="timer", since=visit.now, due=_due(visit, node)))
        case ReceiveNode():
            return _look_again(visit, node, Waiting(kind="message", since=visit.now, expects={"name": node.name}))
        case ApprovalNode():
            scope = visit.scope()
            expects = {
                "prompt": text_of(render(node.prompt, scope)),
                "choices": list(node.choices),
                "assignees": list(node.assignees),
                "context": render(node.context, scope),
            }
            return _look_again(visit, node, Waiting(kind="approval", since=visit.now, expects=expects))
        case EndNode():
            return Done(render(node.result, visit.scope()))
        case FailNode():
            scope = visit.scope()
            message = node.message if node.message is None else text_of(render(node.message, scope))
            details = render(node.details, scope)
            return visit.fail(
                node.code,
                message or node.title or f"the flow failed at {visit.id}",
                details if isinstance(details, dict) or details is None else {"details": details},
            )


def poll(visit: Visit, active: ActiveNode) -> Done | Failed | None:
    """Look whether a waiting node has what it waits for; None when it has to wait on."""
    waiting = active.waiting
    match visit.node:
        case ReceiveNode() as node:
            message = _matching(visit, node)
            if message:
                return Done(message.visible(), consumed=message.id)
        case ApprovalNode() if active.answer is not None:
            return Done(active.answer)
        case WaitNode() if waiting.due is not None and waiting.due <= visit.now:
            return Done()
    if waiting.deadline is not None and waiting.deadline <= visit.now and waiting.kind != "activity":
        return timed_out(visit)
    return None


def timed_out(visit: Visit) -> Failed:
    """The failure of a node whose time is over."""
    failure = Failure(code=Code.NODE_TIMEOUT, message=f"{visit.id} did not end within its timeout", node=visit.id)
    return Failed(failure, timed_out=True)


def _look_again(visit: Visit, node: WaitingStep, waiting: Waiting) -> Done | Failed | Blocked:
    """What may be there already (a past instant, a message in the mailbox) needs no waiting."""
    if node.timeout is not None:
        waiting = _with_deadline(waiting, visit.now + node.timeout)
    active = ActiveNode(node=visit.id, visit=visit.number, started_at=visit.now, waiting=waiting)
    return poll(visit, active) or Blocked(waiting)


def _with_deadline(waiting: Waiting, deadline: datetime) -> Waiting:
    return Waiting(kind=waiting.kind, since=waiting.since, due=waiting.due, deadline=deadline, expects=waiting.expects)


def _call(visit: Visit, node: ActivityNode) -> Failed | Blocked:
    scope = visit.scope()
    activity = render(node.activity, scope)
    if not isinstance(activity, str) or (node.allowed and activity not in node.allowed):
        return visit.fail(Code.ACTIVITY_NOT_ALLOWED, f"{visit.id} would call {activity!r}, which is not allowed")
    call = ActivityCall(
        key=execution_key(visit.state.identity.thread_id, visit.id, visit.number),
        node=visit.id,
        visit=visit.number,
        activity=activity,
        args=tuple(render(list(node.args), scope)),
        task_queue=node.task_queue,
        start_to_close=node.start_to_close,
        schedule_to_close=node.timeout,
        schedule_to_start=node.schedule_to_start,
        heartbeat=node.heartbeat,
        retry=_retry_rule(node.retry),
        summary=node.title or f"{visit.id}#{visit.number}",
    )
    expects = {"activity": activity, "task_queue": node.task_queue, "maximum_attempts": node.retry.maximum_attempts}
    deadline = visit.now + node.timeout if node.timeout else None
    return Blocked(Waiting(kind="activity", since=visit.now, deadline=deadline, expects=expects), call)


def _retry_rule(retry: Retry) -> RetryRule:
    longest = retry.maximum_interval
    return RetryRule(
        initial_interval=retry.initial_interval,
        backoff_coefficient=retry.backoff_coefficient,
        # Temporal refuses a policy whose longest interval is shorter than its first.
        maximum_interval=max(longest, retry.initial_interval) if longest is not None else None,
        maximum_attempts=retry.maximum_attempts,
        non_retryable=tuple(retry.non_retryable),
    )


def _due(visit: Visit, node: WaitNode) -> datetime:
    if node.for_ is not None:
        value = render(node.for_, visit.scope())
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ThreadloomError(Code.EXPRESSION_ERROR, f"`for` of {visit.id} gave {value!r}, which is no duration")
        try:
            length = parse_duration(value) if isinstance(value, str) else timedelta(seconds=value)
        except (ValueError, OverflowError) as error:
            raise ThreadloomError(Code.EXPRESSION_ERROR, f"`for` of {visit.id}: {error}") from error
        return visit.now + min(max(length, timedelta()), LONGEST)
    try:
        return as_utc(parse_instant("until", render(node.until, visit.scope())))
    except (TypeError, ValueError, OverflowError) as error:
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"{visit.id}: {error}") from error


def _matching(visit: Visit, node: ReceiveNode) -> Message | None:
    for message in visit.state.mailbox:
        if node.name is not None and message.name != node.name:
            continue
        if node.where is None or holds(node.where, visit.scope(message=message.visible())):
            return message
    return None
