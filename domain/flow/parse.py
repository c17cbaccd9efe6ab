"""From a document to a flow that can run. Pure and quick: workflows call it with documents they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.diagnostics import DiagnosticCode, Path, Problem
from domain.flow.model import ActivityCalling, FlowDefinition
from domain.flow.node_checks import refused_by_mode
from domain.flow.structure import check_structure
from domain.flow.validation import check_meaning
from domain.values import Json, JsonObject, digest

_SHOWN = 50
_CAUSES: Mapping[DiagnosticCode, tuple[str, ...]] = {
    DiagnosticCode.DUPLICATE_DEFAULT: ("next", "on_error", "on_timeout"),
    DiagnosticCode.DECISION_WITHOUT_DEFAULT: ("next",),
    DiagnosticCode.EFFECT_UNDECLARED: ("effect", "mode"),
    DiagnosticCode.MODE_CONFLICT: ("effect", "mode"),
    DiagnosticCode.UNBOUNDED_WAIT: ("timeout",),
}
"""Fields of a node that, when they could not be read, explain a problem away."""

_FATAL = (DiagnosticCode.NO_START, DiagnosticCode.UNKNOWN_NODE)
"""Problems of meaning with which no thread can go on."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a document.

    Attributes:
        flow: The flow with its defaults applied; None when a problem is an error.
        problems: Errors and warnings.
        read: The flow as far as it has the shape of one, valid or not.
        unread: Problems of shape: what they are about is missing in `read`.
    """

    flow: FlowDefinition | None
    problems: list[Problem]
    read: FlowDefinition | None = None
    unread: tuple[Problem, ...] = ()


def analyse(document: Json) -> Analysis:
    """Check structure and meaning in one pass. Never raises."""
    try:
        structure = check_structure(document)
    except RecursionError:
        return Analysis(
            None, [Problem((), DiagnosticCode.BAD_VALUE, "the document nests too deeply", "make it flatter")]
        )
    unread = tuple(structure.problems)
    if structure.flow is None:
        return Analysis(None, list(unread))
    flow = _with_defaults(structure.flow)
    broken = {problem.path[:3] for problem in unread}
    problems = [*unread]
    problems += [
        problem
        for problem in check_meaning(flow, document, edges_known=not structure.edges_mended)
        if broken.isdisjoint(_causes(problem, flow))
    ]
    valid = all(problem.severity == "warning" for problem in problems)
    return Analysis(flow if valid else None, problems, flow, unread)


def parse_flow(document: JsonObject) -> FlowDefinition:
    """The flow that the document describes, its defaults applied to the nodes.

    Raises:
        ThreadloomError: `FLOW_INVALID`; `details["problems"]` has `path`, `code`, `severity`, `message`
            and `hint` of each problem, the first 50.
    """
    return _required(analyse(document))


def runnable_flow(document: JsonObject) -> FlowDefinition:
    """The flow of a thread, which some version of this program has found valid when the thread was created.

    What a later version asks of meaning, such as a name that it knows not to exist, is no reason to
    refuse a thread that has been at work for months; only what cannot be executed is.

    Raises:
        ThreadloomError: `FLOW_INVALID`, as `parse_flow`.
    """
    found = analyse(document)
    if found.flow is None and found.read is not None:
        fatal = [problem for problem in found.problems if problem in found.unread or problem.code in _FATAL]
        if all(problem.severity == "warning" for problem in fatal):
            return found.read
    return _required(found)


def _required(analysis: Analysis) -> FlowDefinition:
    if analysis.flow is not None:
        return analysis.flow
    problems = [
        {
            "path": json_path(problem.path),
            "code": str(problem.code),
            "severity": problem.severity,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in analysis.problems
    ]
    errors = [problem for problem in analysis.problems if problem.severity == "error"]
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    message = f"{json_path(errors[0].path)}: {errors[0].code} {errors[0].message}{more}"
    raise ThreadloomError(Code.FLOW_INVALID, message, {"problems": problems[:_SHOWN], "total": len(problems)})


def digest_of(document: JsonObject) -> str:
    """The SHA-256 by which a document's version is recognised, whatever the order of its keys."""
    return digest(document)


def json_path(path: Path) -> str:
    """A path as people write it: `$.nodes.load.next[0].to`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _causes(problem: Problem, flow: FlowDefinition) -> list[Path]:
    """Places that, when they could not be read, explain the problem away."""
    fields = _CAUSES.get(problem.code, ())
    if problem.path[2:] == ("on_timeout",):
        fields = (*fields, "timeout")
    holders: list[Path] = [problem.path[:2]]
    if fields and isinstance(flow.nodes.get(str(problem.path[1])), ActivityCalling):
        holders.append(("defaults", "activity"))
    return [(*holder, field) for holder in holders for field in fields]


def _with_defaults(flow: FlowDefinition) -> FlowDefinition:
    defaults = flow.defaults.activity
    given = {name: value for name in defaults.model_fields_set if (value := getattr(defaults, name)) is not None}
    if not given:
        return flow
    nodes = {
        node_id: _with_given(node, given) if isinstance(node, ActivityCalling) else node
        for node_id, node in flow.nodes.items()
    }
    return flow.model_copy(update={"nodes": nodes})


def _with_given(node: ActivityCalling, given: Mapping[str, Any]) -> ActivityCalling:
    mode = node.mode if "mode" in node.model_fields_set else given.get("mode", node.mode)
    # A default that its mode refuses was meant for the other activities.
    taken = given.keys() - node.model_fields_set - set(refused_by_mode(node, mode))
    return node.model_copy(update={name: value for name, value in given.items() if name in taken})
