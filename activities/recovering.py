"""Gathers what is left of a session whose workflow was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import as_failure
from activities.looking import RUNNING, find_threads, look
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.ids import session_workflow_id, thread_workflow_id
from domain.messages import Finding, RecoveredSession, RecoverInput, SessionStart, Source, Standing, body, read
from domain.ports import RecordStore
from domain.records import StoredRecord
from domain.session.beginning import first_state
from domain.session.rebuilding import TOLD_BY, Recorded, Seen, adopting, completed_by, outcome
from domain.session.state import SessionState, settled

_AT_ONCE = 20
_PAGE = 1_000
_ALL_THREADS = 100_000
_QUERY_TIMEOUT = timedelta(seconds=15)
"""The last run's state is asked for by a query that replays its history: thousands of events, in about a second."""

_THREAD_TIMEOUT = timedelta(seconds=5)

_EVER = datetime(1970, 1, 1, tzinfo=UTC)

_PATIENCE = 5
"""Attempts in which a session that does not answer is asked again, before the next best has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remains:
    """What Temporal has of the session itself.

    Attributes:
        exact: The state is the last one.
        since: Threads that began since then, it may not know; None when it knows them all.
    """

    source: Source
    start: SessionStart
    state: SessionState
    since: datetime | None = None

    @property
    def exact(self) -> bool:
        return self.source == "state"


class RecoveryActivities:
    """Activities over sessions that were lost.

    Args:
        client: Where the session's last run and its threads are asked.
        records: Asked only where Temporal does not have the session's last state.
    """

    def __init__(self, client: Client, records: RecordStore) -> None:
        self._client = client
        self._records = records

    @activity.defn(name="threadloom.recover")
    async def recover(self, input: RecoverInput) -> RecoveredSession:
        """Find the session's state and its threads. Changes nothing, so it may be tried again at any time.

        Raises:
            ApplicationError: `SESSION_NOT_FOUND` when nothing is left of it; `DATABASE_UNREACHABLE` when the last
                state is lost and the database away, to be tried again.
        """
        with as_failure():
            remains = await self._remains(input)
            state, source = remains.state, remains.source
            recorded = None if remains.exact else await self._recorded(input.session_id)
            stored: set[str] = set()
            if recorded is not None:
                if source == "threads":
                    source, state = "records", first_state(remains.start, recorded.session.created_at)
                if recorded.session.updated_at >= state.updated_at:
                    state = completed_by(state, recorded)
                    stored = {row.thread_id for row in recorded.threads}
            seen = await self._look(input.session_id, state, remains, stored)
            if source == "threads" and not seen:
                message = f"nothing is left of session {input.session_id}"
                raise ThreadloomError(Code.SESSION_NOT_FOUND, message, {"session": input.session_id})
            # What the last state knows of a thread it knows better than the thread.
            news = {name: its for name, its in seen.items() if not remains.exact or state.find(name) is None}
            state = adopting(state, news)
            found = outcome(state, seen)
            start = remains.start.model_copy(update={"state": dump(state), "recover": None})
            return RecoveredSession(
                source=source,
                start=body(start),
                living=list(found.living),
                reports=list(found.reports),
                findings=list(found.findings),
            )

    async def _remains(self, input: RecoverInput) -> _Remains:
        """The last state that Temporal has. A run that was itself lost before it had a state names the one before."""
        run_id = input.run_id
        while run_id is not None:
            activity.heartbeat()
            source, start, since = await self._handed_over(input.session_id, run_id)
            if start is None:
                break
            if start.state is not None:
                return _Remains(source=source, start=start, state=settled(load(SessionState, start.state)), since=since)
            if start.recover is None:
                return _Remains(source="start", start=start, state=first_state(start, since or input.at), since=since)
            run_id = start.recover.run_id
        start = SessionStart(session_id=input.session_id, searchable=input.searchable)
        return _Remains(source="threads", start=start, state=first_state(start, input.at), since=_EVER)

    async def _handed_over(self, session_id: str, run_id: str) -> tuple[Source, SessionStart | None, datetime | None]:
        """What the run would have handed over at its end; or else what it began with, and when."""
        handle = self._client.get_workflow_handle(session_workflow_id(session_id), run_id=run_id)
        told = await _answer(handle.query("handoff", rpc_timeout=_QUERY_TIMEOUT), patient=True)
        if told is not None:
            return "state", read(SessionStart, (told,)), None
        try:
            async for event in handle.fetch_history_events(page_size=1, rpc_timeout=_QUERY_TIMEOUT):
                began = event.workflow_execution_started_event_attributes
                args = await self._client.data_converter.decode(began.input.payloads)
                return "start", read(SessionStart, tuple(args)), event.event_time.ToDatetime(UTC)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        except ThreadloomError as error:
            activity.logger.warning("run %s of session %s began with nonsense: %s", run_id, session_id, error)
        return "threads", None, None

    async def _recorded(self, session_id: str) -> Recorded | None:
        session = await self._records.session(session_id)
        if session is None:
            return None
        threads = await self._records.threads(session_id=session_id, include_destroyed=True, limit=_ALL_THREADS)
        records = [record for type_ in TOLD_BY async for record in self._history(session_id, type_)]
        return Recorded(session=session, threads=threads, records=sorted(records, key=lambda record: record.seq))

    async def _history(self, session_id: str, type_: str) -> AsyncIterator[StoredRecord]:
        after = 0
        while True:
            activity.heartbeat()
            page = await self._records.history(session_id, type=type_, after=after, limit=_PAGE)
            for record in page:
                yield record
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    async def _look(
        self, session_id: str, state: SessionState, remains: _Remains, stored: Container[str]
    ) -> Mapping[str, Seen]:
        """Threads that the state believes alive, and those that nobody told of."""
        # Temporal's list lags behind, and the state may be older than the newest threads: neither is enough.
        listed = [name async for name in find_threads(self._client, session_id, remains.since)]
        believed = [name for name in state.threads if not (remains.exact and name in state.queue)]
        unknown = [name for name in listed if state.find(name) is None and name not in stored]
        places = asyncio.Semaphore(_AT_ONCE)

        async def see(thread_id: str) -> Seen:
            async with places:
                activity.heartbeat()
                try:
                    finding = await look(self._client, session_id, thread_id)
                except RPCError as error:
                    if thread_id not in state.threads:
                        raise
                    # It is believed to live: its session tells it so, and looks at it again.
                    activity.logger.warning("thread %s could not be looked at: %s", thread_id, error)
                    return Seen(finding=Finding(thread_id=thread_id, status=RUNNING))
                handle = self._client.get_workflow_handle(thread_workflow_id(session_id, thread_id))
                # Also of one that runs: it may have ended, told nobody, and be about to close.
                told = await _answer(handle.query("standing", rpc_timeout=_THREAD_TIMEOUT), patient=False)
                return Seen(finding=finding, standing=None if told is None else Standing.model_validate(told))

        names = [*believed, *unknown]
        return dict(zip(names, await asyncio.gather(*(see(name) for name in names)), strict=True))


async def _answer(query: Awaitable[Any], *, patient: bool) -> Any:
    """What a workflow answers; None when it cannot, or does not.

    Args:
        query: The question.
        patient: Rather try everything again, some times, than do without the answer.
    """
    try:
        return await query
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        missing = isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND
        if patient and not missing and activity.info().attempt < _PATIENCE:
            raise
        return None
