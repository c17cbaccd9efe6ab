"""Runs of flows in the process as people see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.style import at, facts, heading, plain, seconds, status, value
from commands.showing.threads import not_undone
from domain.values import JsonObject

if TYPE_CHECKING:
    from threadloom.testing import FlowRun

_NODE = 28
_STATUS = 12
_KIND = 10


def step(execution: JsonObject) -> Text:
    """One node execution on one line, indented as deep as its subflow."""
    depth = execution["node"].count("/")
    node = f"{'  ' * depth}{execution['node'].rpartition('/')[2]}#{execution['visit']}"
    error = execution["error"]
    tries = f"{execution['attempts']} attempts; " if (execution["attempts"] or 1) > 1 else ""
    told = f"{error['code']}: {error['message']}" if error else _shown(execution["result"])
    line = Text(f"{at(execution['ended_at'])}  {node:<{_NODE}} ")
    line.append_text(status(execution["status"]))
    line.pad_right(max(0, _STATUS - len(status(execution["status"]))) + 1)
    return line.append(f"{execution['kind']:<{_KIND}} {tries}{plain(told)}".rstrip())


def outcome(run: FlowRun) -> RenderableType:
    """How the run ended: the result whole, as JSON."""
    lines: list[RenderableType] = [Text.assemble(heading("run"), "  ", status(run.status))]
    took = seconds((run.ended_at - run.started_at).total_seconds())
    lines.append(facts({"steps": str(run.steps), "virtual time": took, "waits for": run.waiting_for}))
    lines += [Text(f"not undone: {not_undone(each)}") for each in run.not_undone]
    if run.status == "completed":
        lines.append(Text(json.dumps(run.result, ensure_ascii=False, indent=2)))
    return Group(*lines)


def _shown(result: object) -> str:
    return "" if result is None else value(result, 80)
