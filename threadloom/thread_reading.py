"""Reads threads: the workflow's own word first, Temporal's beside it, the database where nobody answers."""

from __future__ import annotations

import asyncio
from typing import Any

from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.ids import session_workflow_id
from domain.ports import RecordStore
from domain.records import StoredJournal
from domain.thread.archive import archived_items, archived_library, snapshot_from_records
from domain.thread.snapshot import Snapshot, cut, parse_point, reaches
from domain.thread.views import journal_outcome
from threadloom.attempts import attempts, entry_id, inherited_attempts, with_activities
from threadloom.gateway import QUERY_SECONDS, Gateway, MissingError, Sighting, UnansweredError
from threadloom.stored import stored_executions, thread_view, variables
from threadloom.targets import Target, no_worker, recorded, unstarted, why_not
from threadloom.views import (
    Execution,
    Executions,
    Failure,
    FlowExecution,
    SnapshotView,
    ThreadResult,
    ThreadView,
    UnreadMessages,
    Variables,
)
from threadloom.waiting import Timeout, seconds, within


class ThreadReading:
    """Questions about threads. None of them changes anything, and none waits for a worker for long.

    Args:
        gateway: To Temporal.
        records: What the database holds.
    """

    def __init__(self, gateway: Gateway, records: RecordStore) -> None:
        self._gateway = gateway
        self._records = records

    async def describe(self, target: Target, *, seconds: float = QUERY_SECONDS) -> ThreadView:
        """The thread. One that was ended in Temporal from outside has failed with `THREAD_TERMINATED`.

        Args:
            target: The thread.
            seconds: How long its workflow may take to answer.

        Raises:
            ThreadloomError: `SESSION_NOT_FOUND`, `THREAD_NOT_FOUND`; `NO_WORKER` when the database does
                not know it either.
        """
        seen = await self._gateway.look(target.workflow_id)
        try:
            told = await self._ask(target, seen, "describe", seconds=seconds)
            view = ThreadView.model_validate(told)
        except UnansweredError as error:
            told = await unstarted(self._gateway, target) if seen is None else None
            if told is not None:
                return ThreadView.model_validate({**told, "session_id": target.session_id})
            stored = await self._stored(target)
            if stored is None and (seen is None or seen.running):
                raise await self._unknown(target, seen) from error
            view = stored or _unheard_of(target)
        if seen is not None and seen.cut_off and not view.ended:
            return await self._cut_off(target, view, seen)
        if seen is not None and seen.running and not view.ended:
            return await with_activities(self._gateway, view, seen)
        return view

    async def executions(self, target: Target) -> Executions:
        """Node executions, completed with what has left the thread's memory and with attempts.

        Raises:
            ThreadloomError: As for `describe`; `JOURNAL_INCOMPLETE`.
        """
        seen = await self._gateway.look(target.workflow_id)
        try:
            told = await self._ask(target, seen, "executions")
            found = Executions(executions=[Execution.model_validate(entry) for entry in told])
            found = await self._with_older(target, found)
        except UnansweredError as error:
            journal = await self._journal(target, seen, error)
            stored = stored_executions(str(target.thread_id), journal)
            found = Executions(executions=stored, as_of=journal.thread.updated_at)
        return found if seen is None else _closed(await self._with_attempts(target, seen, found), seen)

    async def execution(self, target: Target, wanted: int | str, *, wait: bool, timeout: Timeout) -> FlowExecution:
        """Where the execution of a flow stands, by its number or id.

        Raises:
            ThreadloomError: As for `describe`; `EXECUTION_NOT_FOUND`; why the thread refused it; `TIMED_OUT`.
        """
        if not wait:
            found = await self._execution(target, wanted, awaited=False)
        else:
            found = await within(
                timeout,
                lambda: self._execution(target, wanted, awaited=True),
                lambda told: told is not None and told.ended,
                f"execution {wanted} of {target} has not ended yet; the command stands",
            )
        assert found is not None
        return found

    async def _execution(self, target: Target, wanted: int | str, *, awaited: bool) -> FlowExecution | None:
        """The execution; None for one that the thread may yet hear of, where it is awaited."""
        seen = await self._gateway.look(target.workflow_id)
        told = answer = None
        try:
            told = await self._ask(target, seen, "execution", wanted)
            answer = await self._ask(target, seen, "answer", str(wanted)) if told is None else None
        except UnansweredError as error:
            if seen is not None and seen.running:
                raise no_worker(target) from error
        journal = None
        if told is None:
            journal = await recorded(self._records.journal(target.session_id, str(target.thread_id)))
        if journal is not None:
            told = journal_outcome(*archived_items(journal), wanted)
        if told is not None:
            return FlowExecution.model_validate(told)
        if answer is not None and answer["error"]:
            raise ThreadloomError(**answer["error"])
        if awaited and seen is not None and seen.running:
            return None
        if seen is None and journal is None:
            raise await self._unknown(target, seen)
        message = f"{target} has not been given a flow under {str(wanted)[:200]}"
        raise ThreadloomError(Code.EXECUTION_NOT_FOUND, message, {"execution": str(wanted)[:200]})

    async def variables(self, target: Target) -> Variables:
        """All variables, whole. Raises as `executions` does."""
        seen = await self._gateway.look(target.workflow_id)
        try:
            return Variables(variables=await self._ask(target, seen, "variables"))
        except UnansweredError as error:
            journal = await self._journal(target, seen, error)
            return Variables(variables=variables(journal), as_of=journal.thread.updated_at)

    async def messages(self, target: Target) -> UnreadMessages:
        """What is in the mailbox. Raises as `describe` does, and `NO_WORKER`: the database does not hold it."""
        seen = await self._gateway.look(target.workflow_id)
        try:
            return UnreadMessages(messages=await self._ask(target, seen, "messages"))
        except UnansweredError as error:
            raise await self._unknown(target, seen) from error

    async def snapshot(self, target: Target, at: str | None) -> SnapshotView:
        """The thread as it is, or before the execution at a point.

        Raises:
            ThreadloomError: As for `executions`; `FORK_POINT_NOT_EXECUTED`, `INVALID_ARGUMENT`.
        """
        point = None if at is None else parse_point(at)
        seen = await self._gateway.look(target.workflow_id)
        as_of = None
        try:
            snapshot = load(Snapshot, await self._ask(target, seen, "snapshot"))
        except UnansweredError as error:
            journal = await self._journal(target, seen, error)
            snapshot, as_of = snapshot_from_records(journal), journal.thread.updated_at
        if point is None:
            name, checkpoint = None, snapshot.current()
        else:
            if not reaches(snapshot, point):
                older = await self._records.journal(target.session_id, str(target.thread_id))
                if older is not None:
                    snapshot = snapshot.with_archive(*archived_items(older), archived_library(older))
            found = cut(snapshot, point)
            name, checkpoint = found.point, found.checkpoint
        return SnapshotView(
            session_id=target.session_id,
            thread_id=str(target.thread_id),
            taken_at=snapshot.taken_at,
            flow=snapshot.flow["flow"] if snapshot.flow else None,
            version=snapshot.flow["version"] if snapshot.flow else None,
            flow_digest=snapshot.flow_digest or None,
            execution=dump(checkpoint.execution) if checkpoint.execution else None,
            status=snapshot.status.value,
            point=name,
            seq=checkpoint.seq,
            next=checkpoint.next,
            input=checkpoint.outermost.input if checkpoint.execution else snapshot.input,
            context=snapshot.context,
            metadata=snapshot.metadata,
            variables=checkpoint.variables,
            nodes={
                node: {
                    "status": state.status.value,
                    "visits": state.visits,
                    "error": state.error.visible() if state.error else None,
                }
                for node, state in checkpoint.nodes.items()
            },
            as_of=as_of,
        )

    async def result(self, target: Target, *, wait: bool, timeout: Timeout) -> ThreadResult:
        """How the thread ended, or where it stands.

        Raises:
            ThreadloomError: As for `describe`; `TIMED_OUT`; `NO_WORKER` when it is waited for and nobody
                is there when the wait begins. A worker that comes back later is waited for.
        """
        bound = seconds(timeout)
        began = asyncio.get_running_loop().time()
        if wait:
            await self._started(target, bound)
        seen = await self._gateway.look(target.workflow_id)
        if seen is not None and (seen.status == "completed" or (wait and seen.running)):
            if seen.running and (await self.describe(target)).as_of is not None:
                raise no_worker(target)
            try:
                left = None if bound is None else max(bound - (asyncio.get_running_loop().time() - began), 0)
                async with asyncio.timeout(left):
                    return ThreadResult.model_validate(await self._gateway.result(target.workflow_id))
            except TimeoutError as error:
                raise ThreadloomError(Code.TIMED_OUT, f"{target} has not ended yet") from error
            except (UnansweredError, MissingError):
                pass  # it was ended from outside, which its description tells
        view = await self.describe(target)
        return ThreadResult(status=view.status, result=view.result, error=view.error, as_of=view.as_of)

    async def _started(self, target: Target, bound: float | None) -> None:
        """Wait until the thread's turn to start has come, if it waits for it."""

        async def turn() -> bool:
            told = await unstarted(self._gateway, target)
            return told is None or told["status"] != "pending"

        if not await turn():
            await within(bound, turn, bool, f"{target} waits for its turn to start")

    async def _ask(
        self, target: Target, seen: Sighting | None, question: str, *args: Any, seconds: float = QUERY_SECONDS
    ) -> Any:
        if seen is None:
            raise UnansweredError("Temporal has no workflow for it")
        try:
            return await self._gateway.query(target.workflow_id, question, *args, seconds=seconds)
        except MissingError as error:
            raise UnansweredError(str(error)) from error

    async def _unknown(self, target: Target, seen: Sighting | None) -> ThreadloomError:
        if seen is None:
            return await why_not(self._gateway, self._records, target, seen)
        return no_worker(target)

    async def _stored(self, target: Target) -> ThreadView | None:
        row = await recorded(self._records.thread(target.session_id, str(target.thread_id)))
        if row is None:
            return None
        return thread_view(row, await recorded(self._records.journal(target.session_id, str(target.thread_id))))

    async def _journal(self, target: Target, seen: Sighting | None, why: UnansweredError) -> StoredJournal:
        journal = await self._records.journal(target.session_id, str(target.thread_id))
        if journal is None:
            raise await self._unknown(target, seen) from why
        return journal

    async def _with_older(self, target: Target, found: Executions) -> Executions:
        if not found.executions or found.executions[0].seq == 1:
            return found
        first = found.executions[0].seq
        thread_id = str(target.thread_id)
        try:
            journal = await self._records.journal(target.session_id, thread_id, before=first)
        except ThreadloomError:
            return found.model_copy(update={"complete": False})
        if journal is None:
            return found.model_copy(update={"complete": False})
        older = [entry for entry in stored_executions(thread_id, journal) if entry.seq < first]
        return found.model_copy(update={"executions": [*older, *found.executions]})

    async def _with_attempts(self, target: Target, seen: Sighting, found: Executions) -> Executions:
        missing = [entry for entry in found.executions if entry.attempts is None]
        if not missing:
            return found
        inherited = [entry for entry in missing if entry.inherited]
        wanted = {entry_id(entry) for entry in missing if not entry.inherited}
        own = {activity.activity_id: activity.attempt for activity in seen.pending}
        own |= await attempts(self._gateway, target.workflow_id, seen.run_id, wanted - own.keys())
        of_ancestors = await inherited_attempts(self._gateway, self._records, target, inherited)
        completed = [
            entry.model_copy(update={"attempts": (of_ancestors if entry.inherited else own).get(entry_id(entry))})
            if entry.attempts is None
            else entry
            for entry in found.executions
        ]
        return found.model_copy(update={"executions": completed})

    async def _cut_off(self, target: Target, view: ThreadView, seen: Sighting) -> ThreadView:
        """A thread whose workflow was ended from outside, as its session recorded it, or will."""
        ended: dict[str, Any] = {
            "status": "failed",
            "error": Failure(
                code=Code.THREAD_TERMINATED, message=f"the thread's workflow is {seen.status} in Temporal"
            ),
            "completed_at": seen.closed_at,
        }
        session = session_workflow_id(target.session_id)
        try:
            entries = await self._gateway.query(session, "threads")
            known = next((entry for entry in entries if entry["thread_id"] == target.thread_id), None)
            if known is not None and known["completed_at"]:
                said = ThreadView.model_validate(known | {"session_id": target.session_id})
                ended = {"status": said.status, "error": said.error, "completed_at": said.completed_at}
            elif known is not None:
                await self._gateway.signal(session, "sync", {})
        except (MissingError, UnansweredError):
            pass  # the session has ended, or it will find out by itself when a worker runs
        gone: dict[str, Any] = {
            "current_node": None,
            "waiting": None,
            "waiting_for": None,
            "holds": [],
            "in_flight": [],
        }
        return view.model_copy(update={**gone, **ended})


def _closed(found: Executions, seen: Sighting) -> Executions:
    """Nothing runs in a workflow that has closed: what was under way when it was ended from outside is cancelled."""
    if seen.closed_at is None:
        return found
    return found.model_copy(
        update={
            "executions": [
                entry.model_copy(
                    update={
                        "status": "cancelled",
                        "ended_at": seen.closed_at,
                        "duration_seconds": round((seen.closed_at - entry.started_at).total_seconds(), 3),
                    }
                )
                if entry.status == "running"
                else entry
                for entry in found.executions
            ]
        }
    )


def _unheard_of(target: Target) -> ThreadView:
    return ThreadView(session_id=target.session_id, thread_id=str(target.thread_id), status="pending")
