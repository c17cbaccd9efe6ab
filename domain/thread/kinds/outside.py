"""Nodes whose work is done outside the thread: activities, maps of them, requests, messages, workflows."""

from __future__ import annotations

from datetime import timedelta

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import render
from domain.flow.language.values import text_of
from domain.flow.model import (
    ActivityCalling,
    ActivityNode,
    Call,
    Effectful,
    HttpNode,
    MapNode,
    Retry,
    SendNode,
    WaitingStep,
    WorkflowNode,
)
from domain.http import HTTP_ACTIVITY, http_call
from domain.thread.active import Compensation, MapProgress, Waiting, awaiting
from domain.thread.calls import ActivityCall, RetryRule, WorkflowCall
from domain.thread.journal import Failure
from domain.thread.kinds.visit import Blocked, Done, Failed, Visit, timed_out
from domain.thread.scope import Scope
from domain.values import Json, JsonObject, digest

MAP_LIMIT = 10_000
"""Items of one map; their results stay in the thread's memory until it is done."""

OWN_ATTEMPTS = RetryRule(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=10,
    non_retryable=(),
)
"""How often the product's own activities are tried."""

WHOLE = "schedule_to_close"
"""The timeout of a node as a whole, in the details of a failure."""

_WORKFLOW_ID = 1_000


def activity(visit: Visit, node: ActivityNode) -> Failed | Blocked:
    name = _allowed(visit, node, visit.scope())
    if isinstance(name, Failed):
        return name
    call = _activity_call(visit, node, name, visit.scope(), key=visit.key, summary=visit.summary)
    return Blocked(_running(visit, node, call), call)


def over(visit: Visit, node: MapNode) -> Done | Failed | Blocked:
    """Begin a map; its items are begun by `items`."""
    listed = render(node.over, visit.scope())
    if not isinstance(listed, list):
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"`over` of {visit.id} gave no list")
    if len(listed) > MAP_LIMIT:
        return visit.fail(Code.LIMIT_REACHED, f"{visit.id} goes over {len(listed)} items; {MAP_LIMIT} is the limit")
    if not listed:
        return Done([])
    waiting = Waiting(
        kind="map",
        since=visit.now,
        deadline=visit.deadline(node.timeout),
        expects={"activity": node.activity, "task_queue": node.task_queue, "items": len(listed)},
    )
    return Blocked(waiting, map=MapProgress(items=tuple(listed)))


def items(visit: Visit, node: MapNode, progress: MapProgress) -> tuple[list[ActivityCall], dict[int, Failure]]:
    """The calls of the items that may begin now, and why others cannot, where failures are collected.

    Raises:
        ThreadloomError: What the flow's author got wrong.
    """
    calls: list[ActivityCall] = []
    refused: dict[int, Failure] = {}
    if progress.failures and node.on_item_error == "fail":
        return calls, refused
    free = node.concurrency - len(progress.running)
    for place in range(progress.started, len(progress.items)):
        if len(calls) == free:
            break
        try:
            calls.append(_item_call(visit, node, progress.items[place], place))
        except ThreadloomError as error:
            if node.on_item_error == "fail":
                raise
            refused[place] = Failure(code=error.code, message=error.message, details=error.details, node=visit.path)
    return calls, refused


def _item_call(visit: Visit, node: MapNode, item: Json, place: int) -> ActivityCall:
    scope = visit.scope(**{node.as_: item, "index": place})
    name = _allowed(visit, node, scope)
    if isinstance(name, Failed):
        raise ThreadloomError(name.failure.code, name.failure.message)
    summary = f"{visit.summary} [{place}]"
    return _activity_call(visit, node, name, scope, key=f"{visit.key}/{place}", summary=summary, item=place)


def mapped(visit: Visit, node: MapNode, progress: MapProgress) -> Done | Failed | None:
    """What the map comes to; None while items are in flight or to be begun."""
    if progress.running:
        return None
    if any(failure.details.get("timeout") == WHOLE for failure in progress.failures.values()):
        return timed_out(visit)
    if progress.failures and node.on_item_error == "fail":
        place = min(progress.failures)
        failure = progress.failures[place]
        details = {**failure.details, "item": place}
        return visit.fail(failure.code, f"item {place}: {failure.message}", details)
    if progress.started < len(progress.items):
        return None
    if node.on_item_error == "fail":
        return Done([progress.results[place] for place in range(len(progress.items))])
    return Done([_collected(progress, place) for place in range(len(progress.items))])


def http(visit: Visit, node: HttpNode) -> Blocked:
    scope = visit.scope()
    # The other side knows nothing of sessions, and thread ids repeat from one to the next.
    key = f"{visit.state.identity.session_id}/{visit.key}"
    request = http_call(node, key=key, render=lambda template: render(template, scope))
    call = ActivityCall(
        key=visit.key,
        node=visit.path,
        visit=visit.number,
        activity=HTTP_ACTIVITY,
        args=(request.model_dump(mode="json", by_alias=True),),
        # The request itself gives up first, so that its failure says why.
        start_to_close=node.start_to_close + timedelta(seconds=5),
        schedule_to_close=visit.remaining(node.timeout),
        retry=retry_rule(node.retry),
        summary=visit.summary,
    )
    return Blocked(_running(visit, node, call), call)


def send(visit: Visit, node: SendNode) -> Blocked:
    scope = visit.scope()
    to = None if node.broadcast else render(node.to, scope)
    if isinstance(to, str):
        to = [to]
    if to is not None and not (isinstance(to, list) and all(isinstance(thread, str) for thread in to)):
        raise ThreadloomError(
            Code.EXPRESSION_ERROR, f"`to` of {visit.id} gave neither a thread's id nor a list of them"
        )
    identity = visit.state.identity
    session_id = identity.session_id if node.session is None else text_of(render(node.session, scope))
    abroad = session_id != identity.session_id
    message = {
        "session_id": session_id,
        "to": to,
        "sender": f"{identity.session_id}/{identity.thread_id}" if abroad else identity.thread_id,
        "key": visit.key,
        # The place that this execution will have in the journal, which only grows.
        "number": visit.state.current.seq + 1,
        "name": text_of(render(node.name, scope)),
        "type": node.type,
        "body": render(node.body, scope),
    }
    call = own_call(visit, "threadloom.deliver", message, timeout=node.timeout)
    return Blocked(_running(visit, node, call), call)


def workflow(visit: Visit, node: WorkflowNode) -> Blocked:
    scope = visit.scope()
    name = text_of(render(node.workflow, scope))
    identity = visit.state.identity
    prefix = f"session/{identity.session_id}/call/"
    own = visit.key if len(prefix + visit.key) <= _WORKFLOW_ID else digest(visit.key)
    chosen = prefix + own if node.id is None else text_of(render(node.id, scope))
    if not chosen or len(chosen) > _WORKFLOW_ID:
        raise ThreadloomError(Code.EXPRESSION_ERROR, f"`id` of {visit.id} gave {len(chosen)} characters")
    call = WorkflowCall(
        key=visit.key,
        node=visit.path,
        visit=visit.number,
        workflow=name,
        args=tuple(render(list(node.args), scope)),
        id=chosen,
        task_queue=node.task_queue,
        execution_timeout=visit.remaining(node.timeout),
        retry=retry_rule(node.retry) if node.retry else None,
        on_cancel=node.on_cancel,
        summary=visit.summary,
    )
    expects = {"workflow": name, "id": chosen, "task_queue": node.task_queue}
    return Blocked(
        Waiting(kind="workflow", since=visit.now, deadline=visit.deadline(node.timeout), expects=expects), call
    )


def own_call(visit: Visit, name: str, message: JsonObject, *, timeout: timedelta | None = None) -> ActivityCall:
    """A call of one of the product's own activities."""
    return ActivityCall(
        key=visit.key,
        node=visit.path,
        visit=visit.number,
        activity=name,
        args=(message,),
        start_to_close=timedelta(minutes=1),
        schedule_to_close=visit.remaining(timeout),
        retry=OWN_ATTEMPTS,
        summary=visit.summary,
    )


def plain_call(visit: Visit, call: Call, scope: Scope, *, role: str) -> ActivityCall:
    """The call of a hook or a compensation.

    Raises:
        ThreadloomError: `EXPRESSION_ERROR`.
    """
    return ActivityCall(
        key=f"{visit.key}/{role}",
        node=visit.path,
        visit=visit.number,
        activity=text_of(render(call.activity, scope)),
        args=tuple(render(list(call.args), scope)),
        task_queue=call.task_queue,
        start_to_close=call.start_to_close,
        retry=retry_rule(call.retry),
        summary=f"{visit.summary} {role}",
    )


def compensation_of(visit: Visit, node: Effectful, scope: Scope) -> Compensation | None:
    """What undoes the node, which has completed; what cannot be rendered is told when it is to run."""
    if node.compensate is None:
        return None
    kind = visit.node.kind
    try:
        call = plain_call(visit, node.compensate, scope, role="compensation")
    except ThreadloomError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details, node=visit.path)
        return Compensation(node=visit.path, visit=visit.number, kind=kind, failure=failure)
    return Compensation(node=visit.path, visit=visit.number, kind=kind, call=call)


def retry_rule(retry: Retry) -> RetryRule:
    return RetryRule(
        initial_interval=retry.initial_interval,
        backoff_coefficient=retry.backoff_coefficient,
        maximum_interval=retry.maximum_interval,
        maximum_attempts=retry.maximum_attempts,
        non_retryable=tuple(retry.non_retryable),
    )


def _allowed(visit: Visit, node: ActivityCalling, scope: Scope) -> str | Failed:
    name = render(node.activity, scope)
    if not isinstance(name, str) or (node.allowed and name not in node.allowed):
        return visit.fail(Code.ACTIVITY_NOT_ALLOWED, f"{visit.id} would call {name!r}, which is not allowed")
    return name


def _activity_call(
    visit: Visit,
    node: ActivityCalling,
    name: str,
    scope: Scope,
    *,
    key: str,
    summary: str,
    item: int | None = None,
) -> ActivityCall:
    return ActivityCall(
        key=key,
        node=visit.path,
        visit=visit.number,
        item=item,
        activity=name,
        args=tuple(render(list(node.args), scope)),
        mode=node.mode,
        task_queue=node.task_queue if node.mode == "remote" else None,
        start_to_close=node.start_to_close,
        schedule_to_close=visit.remaining(node.timeout),
        schedule_to_start=node.schedule_to_start,
        heartbeat=node.heartbeat if node.mode == "remote" else None,
        retry=retry_rule(node.retry),
        priority=node.priority,
        summary=summary,
    )


def _running(visit: Visit, node: WaitingStep, call: ActivityCall) -> Waiting:
    return awaiting(call, visit.now, visit.deadline(node.timeout))


def _collected(progress: MapProgress, place: int) -> JsonObject:
    failure = progress.failures.get(place)
    return {
        "status": "failed" if failure else "completed",
        "result": progress.results.get(place),
        "error": failure.visible() if failure else None,
    }
