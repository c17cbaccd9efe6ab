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
    from threadloom.client import Threadloom
    from threadloom.views import ThreadSummary
    from threadloom.views.threads import Waiting

_MOST = 10_000

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
    # One can be answered while its thread is held, too.
    listed = [await loom.threads(session_id=session, status=status, limit=_MOST) for status in ("running", "paused")]
    waiting = [
        (thread, thread.waiting)
        for threads in listed
        for thread in threads.threads
        if thread.waiting is not None and thread.waiting.kind == "approval"
    ]
    found = [await _approval(loom, thread, awaited) for thread, awaited in waiting]
    return sorted(found, key=lambda approval: str(approval["since"]))


async def _approval(loom: Threadloom, thread: ThreadSummary, awaited: Waiting) -> dict[str, Any]:
    # The list tells what is waited for; what is asked stands in the record of the request.
    requests = await loom.backend.records.history(
        thread.session_id, type=RecordType.APPROVAL_REQUESTED, thread_id=thread.thread_id, limit=1_000
    )
    asked = next((request.details for request in reversed(requests) if request.node == awaited.node), {})
    return {
        "session_id": thread.session_id,
        "thread_id": thread.thread_id,
        "node": awaited.node,
        "since": awaited.since.isoformat() if awaited.since else None,
        "until": awaited.until.isoformat() if awaited.until else None,
        "prompt": asked.get("prompt"),
        "choices": awaited.choices or [],
        "assignees": awaited.assignees or [],
    }
