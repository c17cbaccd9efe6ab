"""The read port: sessions and their threads, from Temporal, and from the database where nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.ids import require_id
from domain.ports import RecordStore
from domain.records import RecordType, SessionRow, ThreadRow
from domain.session.state import ENDED_KEPT
from domain.thread.state import ENDED
from threadloom.gateway import Gateway, MissingError, Sighting, UnansweredError
from threadloom.stored import session_view, thread_summary, tree
from threadloom.targets import AnyTarget, Target, no_worker, recorded, why_not
from threadloom.thread_reading import ThreadReading
from threadloom.views import (
    History,
    HistoryRecord,
    SessionResources,
    SessionStatistics,
    SessionSummary,
    SessionTree,
    SessionView,
    ThreadList,
    ThreadSummary,
    ThreadView,
)
from threadloom.views.sessions import ENDED_SESSION

CATCH_UP_SECONDS = 2.0
"""How long a reader of the history waits for records that are on their way."""

THREADS_SECONDS = 5.0
"""How long a list of threads waits for what they say of themselves."""

ALL_THREADS = 100_000
"""More than a session has in its life."""

_AT_ONCE = 16
_EXPLAINED = 20
_THREAD_SECONDS = 2.0
_POLL_SECONDS = 0.05


class Reading:
    """Questions about sessions. None of them changes anything, and none waits for a worker for long.

    Args:
        gateway: To Temporal.
        records: What the database holds.

    Attributes:
        of_threads: Questions about single threads.
    """

    def __init__(self, gateway: Gateway, records: RecordStore) -> None:
        self._gateway = gateway
        self._records = records
        self.of_threads = ThreadReading(gateway, records)

    async def sessions(self, *, status: str | None, limit: int) -> list[SessionSummary]:
        """Sessions as the database has them, the most recently changed first."""
        rows = await self._records.sessions(status=status, limit=limit)
        return [SessionSummary.model_validate(row.model_dump(include=set(SessionSummary.model_fields))) for row in rows]

    async def recorded_threads(
        self, *, session_id: str | None, status: str | None, flow: str | None, limit: int
    ) -> ThreadList:
        """Threads as the database has them, in the order of their creation."""
        name, _, version = (flow or "").partition("@")
        rows = await self._records.threads(
            session_id=session_id, status=status, flow=name or None, version=version or None, limit=limit
        )
        return ThreadList(threads=[thread_summary(row) for row in rows])

    async def session(self, session_id: str, *, in_flight: bool = False) -> SessionView:
        """The session. One that was ended in Temporal from outside is terminated.

        Args:
            session_id: Which.
            in_flight: Ask threads too what a pause still waits for.

        Raises:
            ThreadloomError: `SESSION_NOT_FOUND`; `NO_WORKER` when the database does not know it either.
        """
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        try:
            view = SessionView.model_validate(await self._ask(target, seen, "describe"))
        except UnansweredError as error:
            row = await recorded(self._records.session(session_id))
            if row is not None:
                threads = await self._stored(session_id)
                view = session_view(row, threads)
            elif seen is None or seen.running:
                raise await self._unknown(target, seen) from error
            else:
                view = SessionView(session_id=session_id, status="terminated")
        if seen is not None and seen.cut_off and not view.ended:
            return view.model_copy(update={"status": "terminated", "ended_at": seen.closed_at, "holds": []})
        if in_flight and view.not_paused_yet and view.as_of is None:
            return view.model_copy(update={"in_flight": await self._in_flight(view)})
        return view

    async def _in_flight(self, view: SessionView) -> list[dict[str, Any]]:
        """What a pause still waits for, in the threads' own words; those that do not answer are left out."""
        look = partial(self.of_threads.describe, seconds=_THREAD_SECONDS)
        looks = [look(Target(view.session_id, thread_id)) for thread_id in view.not_paused_yet[:_EXPLAINED]]
        told = [
            found for found in await asyncio.gather(*looks, return_exceptions=True) if isinstance(found, ThreadView)
        ]
        shown = {"thread_id", "status", "current_node", "in_flight"}
        return [one.model_dump(mode="json", include=shown) for one in told if one.in_flight]

    async def threads(self, session_id: str) -> ThreadList:
        """The session's threads: its own list, completed with what each living one says of itself.

        Raises:
            ThreadloomError: As for `session`.
        """
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        try:
            told = await self._ask(target, seen, "threads")
        except UnansweredError as error:
            row, rows = await self._rows(target, seen, error)
            return ThreadList(threads=[thread_summary(stored) for stored in rows], as_of=row.updated_at)
        entries = [ThreadSummary.model_validate({**entry, "session_id": session_id}) for entry in told]
        forgotten = await self._forgotten(session_id, entries)
        return ThreadList(threads=[*forgotten, *await self._completed(session_id, entries)])

    async def _forgotten(self, session_id: str, told: Sequence[ThreadSummary]) -> list[ThreadSummary]:
        """Threads that ended so long ago that only the database has them."""
        if len(told) < ENDED_KEPT:
            return []
        known = {entry.thread_id for entry in told}
        rows = (row for row in await self._stored(session_id) if row.thread_id not in known and not row.destroyed)
        return [thread_summary(row) for row in rows]

    async def living(self, session_id: str) -> list[str]:
        """Ids of the session's threads that have not ended, as the session itself knows them.

        Raises:
            ThreadloomError: `SESSION_NOT_FOUND`; `SESSION_NOT_ACTIVE` when it has ended; `NO_WORKER`.
        """
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        if seen is None or not seen.running:
            raise await why_not(self._gateway, self._records, target, seen)
        try:
            status = (await self._ask(target, seen, "describe"))["status"]
            told = await self._ask(target, seen, "threads")
        except UnansweredError as error:
            raise no_worker(target) from error
        if status in ENDED_SESSION:  # and its workflow goes on until its records are written
            details = {"session": session_id, "status": status}
            raise ThreadloomError(Code.SESSION_NOT_ACTIVE, f"session {session_id} is {status}", details)
        return [entry["thread_id"] for entry in told if entry["status"] not in ENDED]

    async def tree(self, session_id: str) -> SessionTree:
        """The session's threads by lineage. Raises as `session` does."""
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        try:
            return SessionTree.model_validate(await self._ask(target, seen, "tree"))
        except UnansweredError as error:
            return tree(*await self._rows(target, seen, error))

    async def statistics(self, session_id: str) -> SessionStatistics:
        """What the session has counted. Raises as `session` does."""
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        try:
            return SessionStatistics.model_validate(await self._ask(target, seen, "statistics"))
        except UnansweredError as error:
            row, _ = await self._rows(target, seen, error)
            return SessionStatistics.model_validate({**row.statistics, "as_of": row.updated_at})

    async def require_unused(self, session_id: str, thread_id: str | None, command_id: str) -> None:
        """Refuse an id that a thread had so long ago that only the database knows it: `THREAD_EXISTS`.

        A command that was carried out before is not refused: its own thread has the id.
        """
        row = await recorded(self._records.thread(session_id, thread_id)) if thread_id is not None else None
        if row is None or row.completed_at is None:
            return
        workflow_id = Target(session_id).workflow_id
        try:
            if await self._gateway.query(workflow_id, "thread", thread_id) is not None:
                return
            if await self._gateway.query(workflow_id, "answer", command_id) is not None:
                return
        except (MissingError, UnansweredError):
            return
        message = f"session {session_id} had a thread {thread_id}"
        raise ThreadloomError(Code.THREAD_EXISTS, message, {"thread": thread_id})

    async def resources(self, session_id: str) -> SessionResources:
        """What is taken of the session's resources. Only the session knows: raises `NO_WORKER` where it cannot tell."""
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        try:
            return SessionResources.model_validate(await self._ask(target, seen, "resources"))
        except UnansweredError as error:
            raise await self._unknown(target, seen) from error

    async def history(
        self,
        session_id: str,
        *,
        type: str | None,
        thread: str | None,
        actor: str | None,
        flow: str | None,
        after: int,
        limit: int,
        since: datetime | None,
        until: datetime | None,
    ) -> History:
        """The session's history from the database, once it has caught up; see `SessionHandle.history`.

        Raises:
            ThreadloomError: `SESSION_NOT_FOUND`, `DATABASE_UNREACHABLE`; `INVALID_ARGUMENT` for an
                unknown type.
        """
        require_type(type)
        targets = [Target(session_id)]
        if thread is not None:
            targets.append(Target(session_id, require_id("thread", thread)))
        await caught_up(self._gateway, *targets)
        found = await self._records.history(
            session_id,
            type=type,
            thread_id=thread,
            actor=actor,
            flow=flow,
            after=after,
            limit=limit,
            since=since,
            until=until,
        )
        if not found and await self._records.session(session_id) is None:
            target = Target(session_id)
            if await self._gateway.look(target.workflow_id) is None:
                raise await why_not(self._gateway, self._records, target, None)
        return History(
            records=[HistoryRecord.model_validate(record.model_dump(exclude={"session_id"})) for record in found]
        )

    async def _ask(self, target: Target, seen: Sighting | None, question: str) -> Any:
        if seen is None:
            raise UnansweredError("Temporal has no workflow for it")
        try:
            return await self._gateway.query(target.workflow_id, question)
        except MissingError as error:
            raise UnansweredError(str(error)) from error

    async def _rows(
        self, target: Target, seen: Sighting | None, why: UnansweredError
    ) -> tuple[SessionRow, list[ThreadRow]]:
        row = await recorded(self._records.session(target.session_id))
        if row is None:
            raise await self._unknown(target, seen) from why
        return row, await self._records.threads(session_id=target.session_id, limit=ALL_THREADS)

    async def _unknown(self, target: Target, seen: Sighting | None) -> ThreadloomError:
        if seen is None:
            return await why_not(self._gateway, self._records, target, seen)
        return no_worker(target)

    async def _completed(self, session_id: str, entries: Sequence[ThreadSummary]) -> list[ThreadSummary]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(entry: ThreadSummary) -> ThreadSummary:
            async with places:
                view = await self.of_threads.describe(Target(session_id, entry.thread_id), seconds=_THREAD_SECONDS)
            return ThreadSummary.model_validate(view.model_dump(include=set(ThreadSummary.model_fields)))

        speaking = [entry for entry in entries if not entry.ended and not _waits(entry)]
        looks = {entry.thread_id: asyncio.create_task(look(entry)) for entry in speaking}
        if looks:
            _, late = await asyncio.wait(looks.values(), timeout=THREADS_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        said = {name: task.result() for name, task in looks.items() if not task.cancelled() and not task.exception()}
        silent = [
            entry
            for entry in entries
            if entry.thread_id not in said and entry.status != "completed" and not _waits(entry)
        ]
        rows = {row.thread_id: row for row in await self._stored(session_id)} if silent else {}
        return [said.get(entry.thread_id) or _with_row(entry, rows.get(entry.thread_id)) for entry in entries]

    async def _stored(self, session_id: str) -> list[ThreadRow]:
        return await recorded(self._records.threads(session_id=session_id, limit=ALL_THREADS)) or []


def _waits(entry: ThreadSummary) -> bool:
    """Whether the thread waits for its turn to start, so that there is nobody else to ask."""
    return entry.status == "pending" and entry.waiting is not None


async def caught_up(gateway: Gateway, *targets: AnyTarget) -> None:
    """Wait until the records of what was done so far are in the database, for two seconds at most."""
    try:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            for target in targets:
                while True:
                    outbox = await gateway.query(target.workflow_id, "outbox")
                    if not outbox["pending"]:
                        break
                    await asyncio.sleep(_POLL_SECONDS)
    except (TimeoutError, UnansweredError, MissingError):
        return


def require_type(type: str | None) -> None:
    """Let the type of a record pass, or none.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, with the types that there are.
    """
    if type is not None and type not in set(RecordType):
        known = [str(known) for known in RecordType]
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"no record has type {type[:80]!r}", {"types": known})


def _with_row(entry: ThreadSummary, row: ThreadRow | None) -> ThreadSummary:
    """The session's word on a thread, and what only its row tells."""
    if _waits(entry):
        return entry
    if entry.status == "completed":
        return entry.model_copy(update={"progress": 100})
    if row is None:
        return entry
    stored = thread_summary(row)
    if entry.ended:
        return entry.model_copy(update={"progress": stored.progress})
    names = ("progress", "current_node", "waiting", "waiting_for", "as_of")
    return entry.model_copy(update={name: getattr(stored, name) for name in names})
