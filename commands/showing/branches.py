"""Forks, copies and snapshots as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.style import at, facts, heading, plain, status, value

if TYPE_CHECKING:
    from threadloom.views import SnapshotView, ThreadBranched

_TOLD_OTHERWISE = {"thread_id", "source", "status", "warnings", "relationship_mapping"}


def branched(view: ThreadBranched) -> RenderableType:
    """A fork or copy that was started, or its plan; warnings last, where they are read."""
    told: dict[str, Any] = view.plan if view.plan is not None else view.model_dump(mode="json")
    title = "plan; nothing was started" if view.plan is not None else f"thread {told.get('thread_id')}"
    kept = told.get("relationship_mapping") or {}
    rows = {"from": told.get("source")}
    rows |= {
        name.replace("_", " "): found if isinstance(found, str) else value(found)
        for name, found in told.items()
        if name not in _TOLD_OTHERWISE and found not in (None, [], {})
    }
    rows["kept"] = f"{max(len(kept) - 1, 0)} node executions" if kept else ""
    lines: list[RenderableType] = [Text.assemble(heading(plain(title)), "  ", status(told.get("status", "planned")))]
    lines.append(facts(rows))
    lines += [
        Text(f"warning: {warning['code']}: {plain(warning['message'])}", style="yellow")
        for warning in told.get("warnings") or []
    ]
    return Group(*lines)


def _flow(view: SnapshotView) -> str:
    """The thread's own flow, or the one that it executed then."""
    if view.flow:
        return f"{view.flow}@{view.version}"
    return f"{view.execution['flow']}@{view.execution['version']}" if view.execution else "–"


def snapshot(view: SnapshotView) -> RenderableType:
    """A thread between two node executions."""
    parts: list[RenderableType] = [
        Text.assemble(heading(f"thread {view.thread_id}"), f"  before {view.point}" if view.point else "  as it is"),
        facts(
            {
                "flow": _flow(view),
                "seq": f"@{view.seq}",
                "next": view.next,
                "taken": at(view.taken_at),
                "input": value(view.input) if view.input is not None else "",
                "context": value(view.context) if view.context is not None else "",
            }
        ),
    ]
    if view.variables:
        parts += [Text(), heading("variables"), facts({name: value(found) for name, found in view.variables.items()})]
    if view.nodes:
        nodes = {name: status(str(found.get("status"))) for name, found in view.nodes.items()}
        parts += [Text(), heading("nodes"), facts(nodes)]
    return Group(*parts)
