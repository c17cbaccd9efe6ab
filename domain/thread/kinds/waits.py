"""Nodes that wait for a time, a message or a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.errors import Code, ThreadloomError
from domain.flow.durations import LONGEST, parse_duration
from domain.flow.expressions import holds, render
from domain.flow.language.filters_time import parse_instant
from domain.flow.language.values import text_of
from domain.flow.model import ApprovalNode, ReceiveNode, WaitingStep, WaitNode
from domain.instants import as_utc
from domain.thread.active import ActiveNode, Waiting
from domain.thread.kinds.visit import Blocked, Done, Failed, Visit


def wait(visit: Visit, node: WaitNode) -> Done | Failed | Blocked:
    return _look_again(visit, node, Waiting(kind="timer", since=visit.now, due=_due(visit, node)))


def receive(visit: Visit, node: ReceiveNode) -> Done | Failed | Blocked:
    return _look_again(visit, node, Waiting(kind="message", since=visit.now, expects={"name": node.name}))


def approval(visit: Visit, node: ApprovalNode) -> Done | Failed | Blocked:
    scope = visit.scope()
    expects = {
        "prompt": text_of(render(node.prompt, scope)),
        "choices": list(node.choices),
        "assignees": list(node.assignees),
        "context": render(node.context, scope),
    }
    if node.schema_ is not None:
        expects["schema"] = node.schema_
    remind_at = visit.now + node.remind if node.remind else None
    return _look_again(visit, node, Waiting(kind="approval", since=visit.now, remind_at=remind_at, expects=expects))


def look(visit: Visit, active: ActiveNode) -> Done | Failed | None:
    """What the node waits for, if it is there."""
    waiting = active.waiting
    match visit.node:
        case ReceiveNode() as node:
            return _received(visit, node)
        case ApprovalNode() if active.answer is not None:
            return Done(active.answer)
        case WaitNode() if waiting.due is not None and waiting.due <= visit.now:
            return Done()
    return None


def _look_again(visit: Visit, node: WaitingStep, waiting: Waiting) -> Done | Failed | Blocked:
    """What may be there already (a past instant, a message in the mailbox) needs no waiting."""
    waiting = Waiting(
        kind=waiting.kind,
        since=waiting.since,
        due=waiting.due,
        deadline=visit.deadline(node.timeout),
        remind_at=waiting.remind_at,
        expects=waiting.expects,
    )
    return look(visit, visit.active(waiting)) or Blocked(waiting)


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


def _received(visit: Visit, node: ReceiveNode) -> Done | Failed | None:
    """The first message that fits; a failure with one that cannot be judged, which would be in the way for ever."""
    for message in visit.state.mailbox:
        if node.name is not None and message.name != node.name:
            continue
        try:
            if node.where is None or holds(node.where, visit.scope(message=message.visible())):
                return Done(message.visible(), consumed=message.id)
        except ThreadloomError as error:
            details = {**error.details, "message": message.visible()}
            failed = visit.fail(error.code, f"`where` of {visit.id}, of message {message.id}: {error.message}", details)
            return Failed(failed.failure, consumed=message.id)
    return None
