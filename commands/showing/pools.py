"""Resource pools as people see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from commands.showing.style import at, facts, heading, plain, status, table, value

if TYPE_CHECKING:
    from threadloom.views import History, HistoryRecord, LeaseSummary, LeaseView, PoolLeases, PoolView


def pool(view: PoolView) -> RenderableType:
    """One pool: its status, and how much of it is in use."""
    title = Text.assemble(heading(f"pool {view.pool}"), "  ", status(view.status), f"  {plain(view.title)}")
    stopped = "nothing is granted until the database has caught up" if view.backlogged else None
    return Group(
        title,
        facts(
            {
                "capacity": _number(view.capacity),
                "in use": _number(view.in_use),
                "free": _number(view.free),
                "lease time": view.config.get("lease"),
                "held up": stopped,
                "created": at(view.created_at),
                "ended": at(view.ended_at),
            }
        ),
    )


def leases(view: PoolLeases) -> RenderableType:
    """One pool, who holds what, and who waits."""
    parts = [pool(view)]
    if view.holders:
        holders = table("lease", "holder", "amount", "since", "expires", right=["amount"], whole=["since", "expires"])
        for lease in view.holders:
            holders.add_row(*_holder(lease), at(lease.granted_at), at(lease.expires_at))
        parts += [Text(), holders]
    if view.line:
        line = table(
            "place", "lease", "holder", "amount", "priority", "waits since", right=["place", "amount"],
            whole=["waits since"],
        )  # fmt: skip
        for lease in view.line:
            line.add_row(str(lease.place), *_holder(lease), lease.priority, at(lease.since))
        parts += [Text(), line]
    return Group(*parts)


def pools(views: Sequence[PoolView]) -> RenderableType:
    """Pools in a table."""
    if not views:
        return "no pools"
    numbers = ["capacity", "in use", "waiting"]
    made = table("pool", "status", *numbers, "title", right=numbers, whole=["status"])
    for view in views:
        figures = (_number(view.capacity), _number(view.in_use), _number(view.waiting))
        made.add_row(view.pool, status(view.status), *figures, plain(view.title))
    return made


def lease(view: LeaseView) -> str:
    """How a lease stands, on one line."""
    until = f" until {at(view.expires_at)}" if view.expires_at else ""
    how = f"granted{until}" if view.granted else f"waits, at place {view.place}"
    return f"lease {plain(view.lease_id)} of pool {view.pool}: {how}"


def config(settings: Mapping[str, Any]) -> RenderableType:
    """A configuration, all of it."""
    return facts({name: value(found) for name, found in settings.items()})


def history(view: History, *, limit: int) -> RenderableType:
    """Records in a table; so many as the limit are probably not all."""
    if not view.records:
        return "no records"
    numbers = ["seq", "amount", "in use"]
    made = table(
        "seq", "time", "what", "holder", "amount", "in use", "by", "how and why", right=numbers, whole=["time", "what"]
    )
    for record in view.records:
        details = record.details
        used = "" if "in_use" not in details else f"{_number(details['in_use'])} of {_number(details.get('capacity'))}"
        made.add_row(
            str(record.seq), at(record.timestamp), record.type, _whose(record), _number(details.get("amount")), used,
            plain(record.actor), "; ".join(part for part in (_how(record), plain(record.reason)) if part),
        )  # fmt: skip
    if len(view.records) < limit:
        return made
    return Group(made, Text(f"{limit} records; --after {view.records[-1].seq} shows those behind them", style="dim"))


def _holder(lease: LeaseSummary) -> tuple[str, str, str]:
    return plain(lease.lease_id), plain(lease.holder), _number(lease.amount)


def _whose(record: HistoryRecord) -> str:
    details = record.details
    if "session" in details:
        return plain(f"{details['session']}/{details.get('thread')}")
    return plain(details.get("holder"))


def _how(record: HistoryRecord) -> str:
    """What a record's details say in a few words, if they say something of note."""
    details = record.details
    error = details.get("error")
    if isinstance(error, dict):
        return f"{plain(error.get('code'))}: {plain(error.get('message'))}"
    if "from" in details and "to" in details:
        return f"{details['from']} → {details['to']}"
    return plain(details.get("how"))


def _number(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.12g}"
