"""Flows and their problems as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.style import at, facts, heading, plain, status, table

if TYPE_CHECKING:
    from domain.flow.diagnostics import Diagnostic
    from domain.records import StoredFlow
    from threadloom.views import FlowView

_DIGEST_SHOWN = 12


def problems(found: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """One line a problem, and one for each file that has none."""
    wrong = {problem.file for problem in found}
    lines = [
        f"{problem.file}:{problem.line}:{problem.column} {_severity(problem)}{problem.code} "
        f"{problem.message} ({problem.hint})"
        for problem in found
    ]
    return "\n".join([*lines, *(f"{file}: no problems" for file in files if file not in wrong)])


def flow(view: FlowView) -> RenderableType:
    """One version of a flow."""
    return Group(
        Text.assemble(heading(f"flow {view.flow}@{view.version}"), "  ", status(view.status), f"  {plain(view.title)}"),
        facts({"digest": view.digest, "registered": _registered(view)}),
    )


def flows(views: Sequence[FlowView]) -> RenderableType:
    """Registered flows in a table."""
    if not views:
        return "no flows are registered; `flow register FILE` adds one"
    made = table("flow", "version", "status", "title", "registered", "digest", whole=["status", "registered", "digest"])
    for view in views:
        digest = view.digest[:_DIGEST_SHOWN]
        made.add_row(view.flow, view.version, status(view.status), plain(view.title), at(view.registered_at), digest)
    return made


def document(stored: StoredFlow) -> RenderableType:
    """A registered flow and its nodes."""
    content = stored.document
    nodes = table("node", "kind", "does", "then")
    for name, node in content.get("nodes", {}).items():
        kind = str(node.get("kind"))
        nodes.add_row(name, kind, plain(_does(kind, node)), ", ".join(_targets(node)))
    return Group(
        Text.assemble(
            heading(f"flow {stored.flow}@{stored.version}"), "  ", status(stored.status), f"  {plain(stored.title)}"
        ),
        facts(
            {
                "description": stored.description,
                "starts at": content.get("start"),
                "digest": stored.digest,
                "registered": _registered(stored),
            }
        ),
        Text(),
        nodes,
    )


def _severity(problem: Diagnostic) -> str:
    return "warning " if problem.severity == "warning" else ""


def _registered(flow: FlowView | StoredFlow) -> str:
    by = f" by {flow.registered_by}" if flow.registered_by else ""
    return f"{at(flow.registered_at)}{by}"


def _does(kind: str, node: dict[str, Any]) -> str:
    if kind == "set":
        return ", ".join(node.get("set", {}))
    names = {"activity": "activity", "approval": "prompt", "wait": "for", "receive": "name", "fail": "code"}
    told = node.get(names.get(kind, "title")) or node.get("until")
    return str(told) if told is not None else ""


def _targets(node: dict[str, Any]) -> list[str]:
    """Where the node leads, in the file's order: an edge is an id, {to}, or a list of these."""
    found: list[str] = []
    for name in ("next", "on_error", "on_timeout"):
        edges = node.get(name) or []
        for edge in edges if isinstance(edges, list) else [edges]:
            found.append(str(edge["to"] if isinstance(edge, dict) else edge))
    return list(dict.fromkeys(found))
