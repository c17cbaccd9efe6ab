"""Views made of what the database holds, for when neither the workflow nor Temporal can be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from domain.records import SessionRow, StoredJournal, ThreadRow
from domain.thread.archive import archived_items
from domain.thread.checkpoint import Checkpoint, fold
from domain.thread.journal import executions
from domain.thread.views import elide, execution, last_execution, under_way
from domain.values import JsonObject
from threadloom.views import Execution, SessionTree, SessionView, ThreadCounts, ThreadSummary, ThreadView

_WORDS = {
    "activity": "an activity",
    "approval": "an approval",
    "flow": "a flow to execute",
    "hold": "to be resumed",
    "message": "a message",
    "timer": "a time",
}


def session_view(row: SessionRow, threads: Iterable[ThreadRow]) -> SessionView:
    """The session as its row has it."""
    return SessionView.model_validate(
        {
            **row.model_dump(exclude={"statistics"}),
            "threads": _counts(threads),
            "activity": {"message_count": row.statistics.get("messages", {}).get("received", 0)},
            "as_of": row.updated_at,
        }
    )


def thread_summary(row: ThreadRow) -> ThreadSummary:
    """The thread as its row has it, for a list."""
    return ThreadSummary.model_validate(_thread(row, ThreadSummary.model_fields))


def thread_view(row: ThreadRow, journal: StoredJournal | None) -> ThreadView:
    """The thread as its row has it, and its variables and executions of flows as its journal has them."""
    current = fold(*archived_items(journal)) if journal else Checkpoint()
    return ThreadView.model_validate(
        {
            **_thread(row, ThreadView.model_fields),
            "variables": {name: elide(value) for name, value in current.variables.items()},
            "execution": under_way(current) if row.completed_at is None else None,
            "last_execution": last_execution(current),
        }
    )


def variables(journal: StoredJournal) -> JsonObject:
    """All variables after the last execution that is stored."""
    return fold(*archived_items(journal)).variables


def stored_executions(thread_id: str, journal: StoredJournal) -> list[Execution]:
    """The executions that are stored, inherited ones included."""
    _, items = archived_items(journal)
    return [Execution.model_validate(execution(thread_id, entry)) for entry in executions(items)]


def tree(session: SessionRow, rows: Iterable[ThreadRow]) -> SessionTree:
    """Threads by lineage, as `domain.session.views.tree` tells it."""
    nodes: dict[str, dict[str, Any]] = {}
    roots: list[dict[str, Any]] = []
    for row in rows:
        nodes[row.thread_id] = {
            "thread_id": row.thread_id,
            "flow": row.flow,
            "version": row.version,
            "status": row.status,
            "origin": row.origin,
            "fork_point": row.fork_info["fork_point"] if row.fork_info else None,
            "children": [],
        }
        siblings = nodes[row.parent]["children"] if row.parent in nodes else roots
        siblings.append(nodes[row.thread_id])
    return SessionTree(session_id=session.session_id, status=session.status, roots=roots, as_of=session.updated_at)


def _thread(row: ThreadRow, wanted: Iterable[str]) -> JsonObject:
    told = row.model_dump(include=set(wanted))
    kind = row.waiting["kind"] if row.waiting else None
    words = _WORDS.get(str(kind), str(kind)) if kind else None
    return {**told, "waiting_for": words, "as_of": row.updated_at}


def _counts(rows: Iterable[ThreadRow]) -> ThreadCounts:
    counts = Counter("running" if row.status == "pausing" else row.status for row in rows)
    return ThreadCounts(total=counts.total(), **counts)
