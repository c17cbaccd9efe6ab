"""Sessions as people see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from commands.showing.style import at, facts, heading, plain, seconds, status, table, value
from domain.thread.mailbox import MESSAGE_TYPES

if TYPE_CHECKING:
    from threadloom.views import (
        History,
        Hold,
        SessionRecovered,
        SessionResources,
        SessionStatistics,
        SessionSummary,
        SessionTree,
        SessionView,
        ThreadsCreated,
    )


_GOES_ON_FROM = {
    "state": "it goes on from its last state",
    "start": "it goes on from an earlier state, with what the records and its threads tell of the time since",
    "records": "its state was made of the records",
    "threads": "nothing but its threads is left of its state",
}

_STILL_RUNNING = 20
"""Threads that are named while a session is pausing."""


def answer(what: str, new_status: str) -> Text:
    """A short answer: what, and how it stands now."""
    return Text.assemble(f"{plain(what)}: ", status(new_status))


def recovered(view: SessionRecovered) -> RenderableType:
    """How a session stands that was lost, and what has become of its threads."""
    head = answer(f"session {view.session_id}", view.status)
    if view.source is None:
        return head
    lines = [Text(f"{view.adopted} threads go on, {view.ended} had ended; {_GOES_ON_FROM[view.source]}")]
    if view.lost:
        lines.append(Text(f"Temporal does not have {plain(', '.join(view.lost))}"))
    return Group(head, *lines)


def session(view: SessionView) -> RenderableType:
    """One session: its status first, then who holds it, then how its threads stand."""
    shown: list[RenderableType] = [
        Text.assemble(heading(f"session {view.session_id}"), "  ", status(view.status), f"  {plain(view.title)}")
    ]
    rows: dict[str, Any] = {"held": held(view.holds)}
    if view.not_paused_yet:
        rows["still running"] = "\n".join(_still_running(view))
    if view.queue.get("waiting"):
        rows["waiting to start"] = f"{view.queue['waiting']}, {view.queue['taken']} running places taken"
    if view.preparing:
        rows["in preparation"] = ", ".join(
            f"{branch['operation']} of {branch['source']} as {branch['thread_id']}" for branch in view.preparing
        )
    rows |= {
        "threads": _counts(view.threads.model_dump()),
        "messages": view.activity.get("message_count") or "",
        "created": at(view.created_at),
        "last activity": at(view.last_activity_at),
        "ended": at(view.ended_at),
        "config": _limits(view.config),
        "as of": at(view.as_of),
    }
    return Group(*shown, facts(rows))


def _still_running(view: SessionView) -> Iterator[str]:
    """What a pause still waits for, one thread a line."""
    told = {thread["thread_id"]: thread for thread in view.in_flight}
    for thread_id in view.not_paused_yet[:_STILL_RUNNING]:
        calls = told[thread_id]["in_flight"] if thread_id in told else []
        parts = [
            f"{call['node']} ({call['activity'] or call['workflow']}, {call['state']}, attempt {call['attempt']})"
            for call in calls[:3]
        ]
        yield f"{thread_id}: {', '.join(parts)}" if parts else thread_id
    if (more := len(view.not_paused_yet) - _STILL_RUNNING) > 0:
        yield f"and {more} more"


def created_together(view: ThreadsCreated) -> RenderableType:
    """Many threads: how many were admitted, and each that was not, with its reason."""
    bad = [entry for entry in view.threads if "error" in entry]
    admitted = Text(f"{len(view.threads) - len(bad)} of {len(view.threads)} threads admitted")
    if not bad:
        return admitted
    made = table("entry", "thread", "code", "why", right=["entry"], whole=["entry", "code"])
    for entry in bad:
        error = entry["error"]
        made.add_row(str(entry["entry"]), plain(entry["thread_id"]), error["code"], plain(error["message"]))
    return Group(admitted, made)


def sessions(views: Sequence[SessionSummary]) -> RenderableType:
    """Sessions in a table."""
    if not views:
        return "no sessions"
    made = table("session", "status", "title", "created", "changed", whole=["status", "created", "changed"])
    for view in views:
        made.add_row(view.session_id, status(view.status), plain(view.title), at(view.created_at), at(view.updated_at))
    return made


def held(holds: Sequence[Hold]) -> str:
    """Who holds something, why, since when and until when; one line each."""
    return "\n".join(
        f"{hold.kind} hold by {hold.actor} since {at(hold.at)}"
        f"{f', until {at(hold.until)}' if hold.until else ''}{f': {hold.reason}' if hold.reason else ''}"
        for hold in holds
    )


def tree(view: SessionTree) -> Tree:
    """Threads by lineage: how each stands, and where it left its source."""
    top = Tree(Text.assemble(heading(f"session {view.session_id}"), "  ", status(view.status)))
    for root in view.roots:
        _branch(top, root)
    if not view.roots:
        top.add("no threads")
    return top


def _branch(parent: Tree, node: Mapping[str, Any]) -> None:
    flow = f"{node['flow']}@{node['version']}" if node.get("flow") else ""
    left = {"forked": f"forked at {node.get('fork_point')}", "copied": "copied"}.get(node["origin"], "")
    label = Text.assemble(
        (node["thread_id"], "bold"), "  ", status(node["status"]), f"  {flow}", (f"  {left}" if left else "", "dim")
    )
    here = parent.add(label)
    for child in node["children"]:
        _branch(here, child)


def config(settings: Mapping[str, Any]) -> RenderableType:
    """A configuration, all of it."""
    return facts({name: "unlimited" if found is None else value(found) for name, found in settings.items()})


def history(view: History, *, limit: int | None = None) -> RenderableType:
    """Records in a table, who and why included; so many as the limit are probably not all."""
    if not view.records:
        return "no records"
    made = table("seq", "time", "what", "where", "by", "how and why", right=["seq"], whole=["time", "what"])
    for record in view.records:
        node = f"{record.node}#{record.visit}" if record.node and record.visit else record.node
        where = "/".join(part for part in (record.thread, node) if part)
        why = "; ".join(part for part in (_change(record.details), plain(record.reason)) if part)
        made.add_row(str(record.seq), at(record.timestamp), record.type, where, plain(record.actor), why)
    if limit is None or len(view.records) < limit:
        return made
    return Group(made, Text(f"{limit} records; --after {view.records[-1].seq} shows those behind them", style="dim"))


def statistics(view: SessionStatistics) -> RenderableType:
    """What a session has counted."""
    operations = table(
        "operation", "total", "successful", "failed", "by strategy", right=["total", "successful", "failed"]
    )
    for name in ("fork", "copy"):
        count = view.operations.get(name, {})
        strategies = ", ".join(f"{strategy} {number}" for strategy, number in count.get("by_strategy", {}).items())
        operations.add_row(name, *(str(count.get(part, 0)) for part in ("total", "successful", "failed")), strategies)
    for name, number in view.operations.get("other", {}).items():
        operations.add_row(name, str(number), "", "", "")
    return Group(
        operations,
        Text(),
        facts(
            {
                "threads ended": _counts(view.performance, ("completed", "failed", "cancelled"), "count"),
                "execution time": _times(view.performance),
                "success rate": _rate(view.performance.get("success_rate")),
                "usage": _usage(view.usage),
                "messages": _messages(view.messages),
                "resources": "\n".join(_resource(name, found) for name, found in view.resources.items()),
                "as of": at(view.as_of),
            }
        ),
    )


def resources(view: SessionResources) -> RenderableType:
    """How much is taken, by whom, and what stands out at pools."""
    taken = table("resource", "used", "at most", "limit", right=["used", "at most", "limit"])
    for name, found in view.resources.items():
        limit = "none" if found["limit"] is None else f"{found['limit']:g}"
        taken.add_row(name, f"{found['used']:g}", f"{found['peak']:g}", limit)
    held_ = table("allocation", "for", "what", "since", "until", whole=["since", "until"])
    for allocation in view.allocations:
        what = ", ".join(f"{amount:g} {name}" for name, amount in allocation["resources"].items())
        holder = f"thread {allocation['thread']}" if allocation["thread"] else plain(allocation["holder"])
        held_.add_row(
            plain(allocation["id"]), holder, what, *(at(allocation[key]) for key in ("allocated_at", "expires_at"))
        )
    leases = table("thread", "pool", "lease")
    for lease in view.leases:
        leases.add_row(lease["thread_id"], lease["pool"], "granted" if lease["granted"] else "in line")
    shown = [made for made in (taken, held_, leases) if made.row_count]
    return Group(*shown) if shown else "nothing is limited, and nothing is taken"


def _counts(
    counts: Mapping[str, Any],
    names: Sequence[str] = ("running", "paused", "pending", "completed", "failed", "cancelled"),
    total: str = "total",
) -> str:
    parts = ", ".join(f"{counts[name]} {name}" for name in names if counts.get(name))
    return f"{counts.get(total, 0)}: {parts}" if parts else str(counts.get(total, 0))


def _limits(settings: Mapping[str, Any]) -> str:
    limits = ("max_threads", "max_running", "max_depth", "max_duration", "idle_timeout", "max_execution_time")
    shown = [f"{name} {settings[name]}" for name in limits if settings.get(name) is not None]
    shown += [f"{amount:g} {name}" for name, amount in settings.get("quotas", {}).items()]
    return ", ".join(shown) or "unlimited"


def _change(details: Mapping[str, Any]) -> str:
    """What a record's details say in a few words, if they say something of note."""
    if "from" in details and "to" in details:
        return f"{details['from']} → {details['to']}"
    error = details.get("error")
    if isinstance(error, dict):
        point = f"at {plain(details['fork_point'])}: " if details.get("fork_point") else ""
        return f"{point}{plain(error.get('code'))}: {plain(error.get('message'))}"
    if details.get("parent") and details.get("fork_point"):
        return f"{details['parent']} at {details['fork_point']}"
    if "source" in details:
        return f"of {details['source']}"
    return plain(details.get("choice") or details.get("code"))


def _times(performance: Mapping[str, Any]) -> str:
    if not performance.get("count"):
        return ""
    parts = {"average": "average_seconds", "shortest": "minimum_seconds", "longest": "maximum_seconds"}
    return ", ".join(f"{name} {seconds(performance.get(key))}" for name, key in parts.items())


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.0%}"


def _usage(usage: Mapping[str, Any]) -> str:
    if not usage.get("calls"):
        return ""
    return f"{usage['calls']:g} calls, {usage.get('tokens', 0):g} tokens, cost {usage.get('cost', 0):g}"


def _messages(messages: Mapping[str, Any]) -> str:
    counts = {**messages.get("by_type", {}), "received": messages.get("received", 0)}
    return _counts(counts, MESSAGE_TYPES, "received") if counts["received"] else ""


def _resource(name: str, found: Mapping[str, Any]) -> str:
    limit = found.get("limit")
    return f"{name}: {found.get('used')} now, {found.get('peak')} at most, {f'limit {limit}' if limit else 'no limit'}"
