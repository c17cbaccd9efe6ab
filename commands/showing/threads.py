"""Threads as people see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.mail import mailbox
from commands.showing.sessions import answer, held
from commands.showing.style import at, facts, heading, plain, seconds, status, table, value

if TYPE_CHECKING:
    from threadloom.views import (
        Executions,
        Failure,
        FlowAccepted,
        FlowExecution,
        InFlight,
        ThreadResult,
        ThreadSummary,
        ThreadView,
    )

__all__ = ["accepted", "answer", "answers", "executions", "result", "thread", "threads", "whole_variables"]


def threads(views: Sequence[ThreadSummary], *, with_session: bool = False) -> RenderableType:
    """Threads in a table, with where each stands and what it waits for."""
    if not views:
        return "no threads"
    unread = [view.mailbox.unread if view.mailbox is not None else 0 for view in views]
    columns = ["thread", "flow", "status", *(["unread"] if any(unread) else []), "at", "waits for or failed with"]
    made = table(*(["session"] if with_session else []), *columns, right=["unread"], whole=["status"])
    for view, waiting in zip(views, unread, strict=True):
        progress = f" {view.progress}%" if view.progress is not None and not view.ended else ""
        made.add_row(
            *([view.session_id] if with_session else []),
            view.thread_id,
            _flow(view),
            Text.assemble(status(view.status), progress),
            *([str(waiting or "")] if any(unread) else []),
            view.current_node,
            plain(view.waiting_for or failure(view.error)),
        )
    return made


def thread(view: ThreadView) -> RenderableType:
    """One thread: where it stands and what stops it first, then what it holds."""
    parts: list[RenderableType] = [
        Text.assemble(heading(f"thread {view.thread_id}"), "  ", status(view.status), f"  {plain(view.title)}"),
        facts(
            {
                "error": failure(view.error),
                "not undone": "\n".join(not_undone(each) for each in view.not_undone),
                "waits for": view.waiting_for,
                "held": held(view.holds) if len(view.holds) > 1 else "",
                "mailbox": mailbox(view.mailbox),
                "in flight": "\n".join(_in_flight(activity) for activity in view.in_flight),
                "node": view.current_node,
                "flow": f"{_flow(view)}, {view.progress}% of its nodes"
                if view.flow and view.progress is not None
                else _flow(view),
                "executes": _execution(view.execution),
                "in line": str(view.in_line) if view.in_line else "",
                "last executed": _execution(view.last_execution),
                "session": view.session_id,
                "origin": _origin(view),
                "priority": view.priority if view.priority != "normal" else "",
                "started": at(view.started_at),
                "ended": at(view.completed_at),
                "result": value(view.result) if view.result is not None else "",
                "as of": at(view.as_of),
            }
        ),
    ]
    if view.variables:
        parts += [Text(), heading("variables"), facts({name: value(found) for name, found in view.variables.items()})]
    return Group(*parts)


def not_undone(failed: Mapping[str, Any]) -> str:
    """A compensation that failed, in a line."""
    error = failed["error"]
    return f"{failed['node']}#{failed['visit']}: {error['code']}: {plain(error['message'])}"


def executions(view: Executions) -> RenderableType:
    """Node executions in a table; `@seq` and `node#visit` are what a fork takes."""
    if not view.executions:
        return "nothing executed yet"
    made = table(
        "@seq",
        "node",
        "status",
        "tries",
        "started",
        "took",
        "result or error",
        right=["@seq", "tries", "took"],
        whole=["status", "started"],
    )
    for execution in view.executions:
        outcome = failure(execution.error) if execution.error else _shown(execution.result)
        made.add_row(
            f"@{execution.seq}",
            f"{execution.node}#{execution.visit}{' (inherited)' if execution.inherited else ''}",
            status(execution.status),
            "" if execution.attempts is None else str(execution.attempts),
            at(execution.started_at),
            seconds(execution.duration_seconds),
            plain(outcome),
        )
    if view.complete:
        return made
    return Group(made, Text("older executions are missing: the database does not answer", style="yellow"))


def result(thread_id: str, found: ThreadResult | FlowExecution) -> RenderableType:
    """How a thread, or a flow that it executed, ended: its result whole, as JSON."""
    lines: list[RenderableType] = [answer(f"thread {thread_id}", found.status)]
    if found.error is not None:
        lines.append(Text(failure(found.error)))
    elif found.status == "completed":
        lines.append(Text(json.dumps(found.result, ensure_ascii=False, indent=2)))
    return Group(*lines)


def answers(lines: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Answers of several threads to one command."""
    return Group(
        *(
            Text(f"thread {line['thread_id']}: ✗ {line['error']['code']}: {line['error']['message']}", style="red")
            if "error" in line
            else answer(f"thread {line['thread_id']}", line["status"])
            for line in lines
        )
    )


def whole_variables(variables: Mapping[str, Any]) -> str:
    """Variables one by one, whole, as JSON; as it is, for a pager."""
    if not variables:
        return "no variables"
    return "\n".join(f"{name} = {json.dumps(found, ensure_ascii=False, indent=2)}" for name, found in variables.items())


def failure(error: Failure | None) -> str:
    """Why something failed; empty when it did not."""
    if error is None:
        return ""
    return f"{error.code}: {error.message}{f' (at {error.node})' if error.node else ''}"


def _flow(view: ThreadSummary) -> str:
    return f"{view.flow}@{view.version}" if view.flow else "–"


def _execution(told: Mapping[str, Any] | None) -> str:
    """The execution of a flow, in a line."""
    if told is None:
        return ""
    named = f"{told['number']}: {told['flow']}@{told['version']}"
    if "status" not in told:
        return named
    error = told["error"]
    outcome = f"{error['code']}: {plain(error['message'])}" if error else _shown(told["result"])
    return f"{named}, {told['status']}{f', {outcome}' if outcome else ''}"


def accepted(view: FlowAccepted) -> RenderableType:
    """A flow was given to a thread."""
    number = "" if view.execution is None else f", execution {view.execution}"
    return answer(f"thread {view.thread_id}{number}", view.status)


def _origin(view: ThreadView) -> str:
    if view.fork_info:
        return f"forked from {view.parent} at {view.fork_info.get('fork_point')}"
    return f"copied from {view.parent}" if view.copy_info else ""


def _in_flight(activity: InFlight) -> str:
    of = f" of {activity.maximum_attempts}" if activity.maximum_attempts else ""
    parts = [
        f"{activity.activity} for {activity.node}#{activity.visit}: {activity.state}, attempt {activity.attempt}{of}"
    ]
    parts += [f"on {activity.task_queue}"] if activity.task_queue else []
    parts += [f"since {at(activity.since)}"] if activity.since else []
    parts += [f"next at {at(activity.next_attempt_at)}"] if activity.next_attempt_at else []
    parts += [f"by {activity.worker}"] if activity.worker and activity.state == "running" else []
    if activity.last_failure:
        parts.append(f"last failure {activity.last_failure.get('code')}: {activity.last_failure.get('message')}")
    return ", ".join(parts)


def _shown(found: Any) -> str:
    return "" if found is None else value(found, 80)
