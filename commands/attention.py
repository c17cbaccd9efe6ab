"""`attention`: what needs a person, over all sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.calls import Answer, Call, command
from commands.showing import attention as showing
from domain.errors import Code, ThreadloomError

if TYPE_CHECKING:
    from threadloom.client import Threadloom
    from threadloom.views import Hold, InFlight, SessionView, ThreadSummary, ThreadView

_SESSIONS = 1_000
_AT_ONCE = 8


def mount(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "attention")(attention)


async def attention(
    call: Call,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only in this session.")] = None,
) -> Answer:
    """Show what needs a person: failed, retrying, approvals, held, no worker; the oldest first."""
    async with call.threadloom() as loom:
        items = await _look(loom, session)
    return Answer({"items": items}, lambda: showing.attention(items))


async def _look(loom: Threadloom, session: str | None) -> list[dict[str, Any]]:
    sessions = (
        [session] if session else [view.session_id for view in await loom.sessions(limit=_SESSIONS) if not view.ended]
    )
    places = asyncio.Semaphore(_AT_ONCE)
    queues = _Queues(loom)

    async def look(session_id: str) -> list[dict[str, Any]]:
        async with places:
            return [item async for item in _of_session(loom, queues, session_id)]

    found = [item for items in await asyncio.gather(*map(look, sessions)) for item in items]
    return sorted(found, key=lambda item: str(item["since"] or ""))


async def _of_session(loom: Threadloom, queues: _Queues, session_id: str) -> AsyncIterator[dict[str, Any]]:
    handle = loom.session(session_id)
    view = await handle.describe()
    listed = await handle.threads()
    if view.as_of is not None and not view.ended:
        yield _item("no_worker", view, None, view.as_of, f"no worker answers on {loom.settings.task_queue}")
    for hold in view.holds:
        yield _item("held", view, None, hold.at, _held(hold))
    for thread in listed.threads:
        if thread.status == "failed":
            message = f"{thread.error.code}: {thread.error.message}" if thread.error else "failed"
            yield _item("failed", view, thread, thread.completed_at, message)
        elif thread.waiting is not None and thread.waiting.kind == "approval":
            yield _item("approval", view, thread, thread.waiting.since, thread.waiting_for or "an approval")
        elif not thread.ended and (thread.waiting is None or thread.waiting.kind in ("hold", "activity")):
            for item in await _of_thread(queues, view, await handle.thread(thread.thread_id).describe()):
                yield item


async def _of_thread(queues: _Queues, session: SessionView, thread: ThreadView) -> list[dict[str, Any]]:
    items = [_item("held", session, thread, hold.at, _held(hold)) for hold in thread.holds if hold.kind != "session"]
    for activity in thread.in_flight:
        if activity.state == "backing_off" or activity.attempt > 1:
            items.append(_item("retrying", session, thread, activity.since, _retrying(activity)))
        elif activity.state == "scheduled" and activity.task_queue and not await queues.attended(activity.task_queue):
            message = f"nobody polls {activity.task_queue}, where {activity.activity} waits"
            items.append(_item("no_worker", session, thread, activity.since, message))
    return items


class _Queues:
    """Which task queues have workers; each is asked about once."""

    def __init__(self, loom: Threadloom) -> None:
        self._loom = loom
        self._known: dict[str, bool] = {}

    async def attended(self, task_queue: str) -> bool:
        from threadloom.pollers import find_pollers

        if task_queue not in self._known:
            try:
                self._known[task_queue] = bool((await find_pollers(self._loom.client, task_queue)).activities)
            except ThreadloomError as error:
                if error.code != Code.SERVER_UNREACHABLE:
                    raise
                self._known[task_queue] = True  # nobody can tell, so nobody is alarmed
        return self._known[task_queue]


def _item(kind: str, session: SessionView, thread: ThreadSummary | None, since: Any, message: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "session_id": session.session_id,
        "thread_id": thread.thread_id if thread else None,
        "node": thread.current_node if thread else None,
        "since": since.isoformat() if since else None,
        "message": message,
        "try": _next_command(kind, session.session_id, thread),
    }


def _next_command(kind: str, session: str, thread: ThreadSummary | None) -> str:
    """What the person would most likely type next, behind the program's name."""
    if thread is None:
        return f"session resume {session}" if kind == "held" else "doctor"
    if kind == "approval" and thread.waiting is not None:
        choices = "|".join(thread.waiting.choices or ["CHOICE"])
        return f"thread decide {session} {thread.thread_id} {thread.waiting.node} {choices}"
    name = f"{session} {thread.thread_id}"
    return {"held": f"thread resume {name}", "no_worker": "doctor"}.get(kind, f"thread executions {name}")


def _held(hold: Hold) -> str:
    why = f": {hold.reason}" if hold.reason else ""
    return f"held by {hold.actor}{why}"


def _retrying(activity: InFlight) -> str:
    of = f" of {activity.maximum_attempts}" if activity.maximum_attempts else ""
    failure = activity.last_failure or {}
    why = f": {failure.get('message')}" if failure.get("message") else ""
    return f"{activity.activity} at attempt {activity.attempt}{of}{why}"
