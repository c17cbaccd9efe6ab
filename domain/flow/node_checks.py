"""Does a node make sense by itself? What its model cannot see: how its fields go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from domain.flow.diagnostics import DiagnosticCode, HintedError, Path, Problem
from domain.flow.durations import parse_duration
from domain.flow.expressions import is_template
from domain.flow.model import (
    ActivityCalling,
    ApprovalNode,
    Call,
    Effectful,
    FlowDefinition,
    ForkNode,
    HttpNode,
    JoinNode,
    MapNode,
    Mode,
    NodeBase,
    ReceiveNode,
    Secret,
    SpawnNode,
    SubflowNode,
    WaitingStep,
    WaitNode,
    WorkflowNode,
)
from domain.ids import ID_PATTERN

INLINE_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_.-]{{0,99}}@{ID_PATTERN}\Z")
"""How inline functions are named: with the version that keeps them what they are."""

_SCHEMES = ("http://", "https://")
_REFUSED_BY_MODE: Mapping[Mode, tuple[str, ...]] = {
    "remote": (),
    "local": ("task_queue", "heartbeat", "schedule_to_start", "priority"),
    "inline": ("task_queue", "heartbeat", "schedule_to_start", "priority", "start_to_close", "retry"),
}
"""Fields of a node that mean nothing where it runs."""

_REFUSED_AT_ONCE = ("timeout", "on_timeout")
"""Fields that mean nothing where a node has ended as soon as it begins. An inline map takes time for its items."""


def refused_by_mode(node: ActivityCalling, mode: Mode) -> tuple[str, ...]:
    """The node's fields that mean nothing in that mode."""
    at_once = mode == "inline" and not isinstance(node, MapNode)
    return _REFUSED_BY_MODE[mode] + (_REFUSED_AT_ONCE if at_once else ())


def check_node(node_id: str, node: NodeBase, flow: FlowDefinition) -> Iterator[Problem]:
    """The problems of the node's own fields."""
    path: Path = ("nodes", node_id)
    for kind, check in _CHECKS:
        if isinstance(node, kind):
            yield from check(path, node)
    waits = isinstance(node, ReceiveNode | ApprovalNode | JoinNode)
    if isinstance(node, WaitingStep) and node.on_timeout and not _can_time_out(node):
        message = "a node without a `timeout` never takes `on_timeout`"
        yield Problem((*path, "on_timeout"), DiagnosticCode.NEVER_TAKEN, message, at_key=True)
    elif waits and getattr(node, "timeout", None) is None and flow.limits.max_duration is None:
        yield Problem(path, DiagnosticCode.UNBOUNDED_WAIT, f"{node_id!r} may wait for ever", at_key=True)
    if isinstance(node, Effectful) and node.compensate is not None:
        yield from check_call((*path, "compensate"), node.compensate)


def check_call(path: Path, call: Call) -> Iterator[Problem]:
    """The problems of a call around a node: of its compensation, or of a hook."""
    if is_template(call.activity):
        message = "the `activity` of a hook or compensation is named in the flow, not computed"
        hint = "write its name; what is to differ goes into `args`"
        yield Problem((*path, "activity"), DiagnosticCode.BAD_VALUE, message, hint)


def _can_time_out(node: WaitingStep) -> bool:
    """Whether its time can be over: by a timeout of its own, or by the `max_duration` of the flow it executes."""
    if isinstance(node, ActivityCalling) and "on_timeout" in refused_by_mode(node, node.mode):
        return True  # its mode says already that it means nothing there
    return node.timeout is not None or isinstance(node, SubflowNode)


def _check_calling(path: Path, node: ActivityCalling) -> Iterator[Problem]:
    if is_template(node.activity) and node.mode != "inline" and not node.allowed:
        message = "a templated `activity` needs `allowed`, the names that it may take"
        yield Problem(path, DiagnosticCode.MISSING_FIELD, message, "add `allowed: [name, name]`", at_key=True)
    if node.mode == "remote":
        yield from _check_effect(path, node)
    else:
        yield from _check_mode(path, node)


def _check_effect(path: Path, node: ActivityCalling | WorkflowNode) -> Iterator[Problem]:
    if node.effect is None:
        message = f"{path[-1]!r} does not say what running it twice would do"
        yield Problem(path, DiagnosticCode.EFFECT_UNDECLARED, message, at_key=True)


def _check_mode(path: Path, node: ActivityCalling) -> Iterator[Problem]:
    if node.declared_effect == "external":
        message = f"a node with `mode: {node.mode}` may run again after a crash, and must not have an external effect"
        if node.effect is None:
            hint = "undeclared counts as external; add `effect: none` or `effect: idempotent`"
            yield Problem(path, DiagnosticCode.MODE_CONFLICT, message, hint, at_key=True)
        else:
            hint = "write `mode: remote`, or another effect if that is true"
            yield Problem((*path, "effect"), DiagnosticCode.MODE_CONFLICT, message, hint)
    for name in refused_by_mode(node, node.mode):
        if name in node.model_fields_set and getattr(node, name) is not None:
            message = f"`{name}` means nothing with `mode: {node.mode}`"
            yield Problem((*path, name), DiagnosticCode.MODE_CONFLICT, message, at_key=True)
    if node.mode == "inline" and is_template(node.activity):
        message = "an inline function is named in the flow, not computed"
        yield Problem((*path, "activity"), DiagnosticCode.MODE_CONFLICT, message, "write `name@version`")
    elif node.mode == "inline" and not INLINE_NAME.match(node.activity):
        message = f"{node.activity[:80]!r} is no inline function: those are named with their version"
        yield Problem((*path, "activity"), DiagnosticCode.MODE_CONFLICT, message, "write `name@version`")


def _check_wait(path: Path, node: WaitNode) -> Iterator[Problem]:
    if node.for_ is not None and not is_template(node.for_):
        try:
            parse_duration(node.for_)
        except HintedError as error:
            yield Problem((*path, "for"), DiagnosticCode.BAD_DURATION, error.message, error.hint)
    if node.until is not None and not is_template(node.until):
        try:
            datetime.fromisoformat(node.until)
        except ValueError:
            hint = "write ISO 8601 such as 2030-01-31T08:00:00Z"
            yield Problem((*path, "until"), DiagnosticCode.BAD_VALUE, f"{node.until[:40]!r} is no instant", hint)


def _check_http(path: Path, node: HttpNode) -> Iterator[Problem]:
    written = node.url.partition("{{")[0].lower()
    if not any(written.startswith(scheme) or scheme.startswith(written) for scheme in _SCHEMES):
        message = f"{node.url[:80]!r} is no address of HTTP"
        yield Problem((*path, "url"), DiagnosticCode.BAD_VALUE, message, "write https://…")
    for name, value in node.query.items():
        if isinstance(value, dict) and not isinstance(value, Secret) and "secret" in value:
            message, hint = "this is no secret", "write {secret: NAME}, with a `prefix` if need be"
            yield Problem((*path, "query", name), DiagnosticCode.BAD_VALUE, message, hint)


def _check_map(path: Path, node: MapNode) -> Iterator[Problem]:
    yield from _check_list((*path, "over"), node.over)


def _check_join(path: Path, node: JoinNode) -> Iterator[Problem]:
    if node.threads is not None:
        yield from _check_list((*path, "threads"), node.threads)


def _check_each(path: Path, node: SpawnNode | ForkNode) -> Iterator[Problem]:
    if node.each is not None:
        yield from _check_list((*path, "each"), node.each)
    elif "as_" in node.model_fields_set:
        message = "`as` names the items of `each`, which is missing"
        yield Problem(path, DiagnosticCode.MISSING_FIELD, message, "add `each`, or leave `as` out", at_key=True)


def _check_list(path: Path, value: Any) -> Iterator[Problem]:
    if isinstance(value, list) or (isinstance(value, str) and is_template(value)):
        return
    message = f"`{path[-1]}` takes a list, or a template that gives one"
    yield Problem(path, DiagnosticCode.WRONG_TYPE, message, 'write `[item, item]`, or `"{{ … }}"`')


_CHECKS: tuple[tuple[Any, Callable[[Path, Any], Iterator[Problem]]], ...] = (
    (ActivityCalling, _check_calling),
    (WorkflowNode, _check_effect),
    (WaitNode, _check_wait),
    (HttpNode, _check_http),
    (MapNode, _check_map),
    (SpawnNode | ForkNode, _check_each),
    (JoinNode, _check_join),
)
