"""`approvals`: what waits for somebody's decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.arguments import duration
from commands.calls import Answer, Call, command
from commands.showing import attention as showing
from domain.records import RecordType

if TYPE_CHECKING:
    from domain.records import ThreadRow
    from threadloom.client import Threadloom

app = typer.Typer(name="approvals", help="Approvals that wait for a decision.", no_args_is_help=True)


@command(app, "list")
async def list_(
    call: Call,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only those of this session.")] = None,
    older_than: Annotated[
        timedelta | None, typer.Option(parser=duration, metavar="D", help="Only those that wait longer.")
    ] = None,
) -> Answer:
    """List the approvals that wait, the oldest first."""
    async with call.threadloom() as loom:
        if session is not None:
            await loom.session(session).describe()  # says so when there is no such session
        waiting = await find_approvals(loom, session)
    latest = datetime.now(UTC) - (older_than or timedelta())
    kept = [found for found in waiting if datetime.fromisoformat(found["since"]) <= latest]
    return Answer({"approvals": kept}, lambda: showing.approvals(kept))


async def find_approvals(loom: Threadloom, session: str | None) -> list[dict[str, Any]]:
    """Approvals that wait, as recorded, the oldest first.

    Returns:
        [{session_id, thread_id, node, since, until, prompt, choices, assignees}].
    """
    rows = await loom.backend.records.threads(session_id=session, status="running")
    found = [await _approval(loom, row) for row in rows if row.waiting and row.waiting.get("kind") == "approval"]
    return sorted(found, key=lambda approval: str(approval["since"]))


async def _approval(loom: Threadloom, row: ThreadRow) -> dict[str, Any]:
    waiting: dict[str, Any] = row.waiting or {}
    # The row tells what is waited for; what is asked stands in the record of the request.
    requests = await loom.backend.records.history(
        row.session_id, type=RecordType.APPROVAL_REQUESTED, thread_id=row.thread_id, limit=1_000
    )
    asked = next((request.details for request in reversed(requests) if request.node == waiting.get("node")), {})
    return {
        "session_id": row.session_id,
        "thread_id": row.thread_id,
        "node": waiting.get("node"),
        "since": waiting.get("since"),
        "until": waiting.get("until"),
        "prompt": asked.get("prompt"),
        "choices": waiting.get("choices", []),
        "assignees": waiting.get("assignees", []),
    }
