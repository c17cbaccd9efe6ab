"""Reads a thread and prepares a fork or copy of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import as_failure
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.ids import thread_workflow_id
from domain.messages import CopyThread, ForkThread, PrepareBranchInput, PreparedBranch
from domain.ports import RecordStore
from domain.session.operations.base import Branch, Child
from domain.session.operations.copy import prepare_copy
from domain.session.operations.fork import prepare_fork
from domain.thread.archive import archived_items, archived_library, snapshot_from_records
from domain.thread.snapshot import Snapshot, parse_point, reaches
from domain.values import digest, size

QUERY_TIMEOUT = timedelta(seconds=5)
"""Without a worker for the source a query would otherwise hang for half a minute."""


class BranchingActivities:
    """Activities over threads to branch from.

    Args:
        client: Where the source is queried.
        records: What is left of it when it has passed retention or has let go of old entries.
    """

    def __init__(self, client: Client, records: RecordStore) -> None:
        self._client = client
        self._records = records

    @activity.defn(name="threadloom.prepare_branch")
    async def prepare(self, input: PrepareBranchInput) -> PreparedBranch:
        """Take a snapshot of the source, closed or not, and prepare the branch that the request asks for."""
        with as_failure():
            command = (ForkThread if input.operation == "fork" else CopyThread).model_validate(input.request)
            child = Child(
                thread_id=command.thread_id, command_id=command.command_id, at=input.at, max_depth=input.max_depth
            )
            snapshot = await self._reaching(await self._snapshot(input.session_id, command.source), command)
            if isinstance(command, ForkThread):
                branch = prepare_fork(snapshot, command, child)
            else:
                branch = prepare_copy(snapshot, command, child)
            return _prepared(branch, plan=command.plan)

    async def _snapshot(self, session_id: str, thread_id: str) -> Snapshot:
        handle = self._client.get_workflow_handle(thread_workflow_id(session_id, thread_id))
        try:
            return load(Snapshot, await handle.query("snapshot", rpc_timeout=QUERY_TIMEOUT))
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise ThreadloomError(Code.SNAPSHOT_UNAVAILABLE, f"{thread_id} does not answer: {error}") from error
        except RPCError as error:
            stored = await self._records.journal(session_id, thread_id)
            if error.status is RPCStatusCode.NOT_FOUND and stored is not None:
                return snapshot_from_records(stored)
            if error.status is RPCStatusCode.NOT_FOUND and await self._records.thread(session_id, thread_id) is None:
                message = f"session {session_id} has no thread {thread_id}"
                raise ThreadloomError(Code.THREAD_NOT_FOUND, message, {"thread": thread_id}) from error
            raise ThreadloomError(Code.SNAPSHOT_UNAVAILABLE, f"{thread_id} does not answer: {error.message}") from error

    async def _reaching(self, snapshot: Snapshot, command: ForkThread | CopyThread) -> Snapshot:
        """The snapshot, reaching back as far as the command needs."""
        if snapshot.base.seq == 0 or _in_memory(snapshot, command):
            return snapshot
        identity = snapshot.identity
        stored = await self._records.journal(identity.session_id, identity.thread_id)
        if stored is None:
            raise ThreadloomError(Code.JOURNAL_INCOMPLETE, f"the records do not hold {identity.thread_id}")
        base, items = archived_items(stored)
        if base.seq >= snapshot.base.seq:
            return snapshot
        return snapshot.with_archive(base, items, archived_library(stored))


def _in_memory(snapshot: Snapshot, command: ForkThread | CopyThread) -> bool:
    if isinstance(command, CopyThread):
        # What starts over does so in the thread's own flow, whose state may lie behind its subflow's.
        return command.strategy == "full" and not (command.reset and snapshot.current().callers)
    return reaches(snapshot, parse_point(command.at))


def _prepared(branch: Branch, *, plan: bool) -> PreparedBranch:
    seed: dict[str, Any] = dump(branch.seed)
    answer = branch.answer()
    if plan:
        answer["bytes"] = size(seed)
    return PreparedBranch(
        flow=branch.flow,
        flow_digest="" if branch.flow is None else digest(branch.flow),
        flows=dict(branch.flows),
        flow_name=branch.definition.flow if branch.definition else None,
        flow_version=branch.definition.version if branch.definition else None,
        identity=dump(branch.seed.identity),
        seed=None if plan else seed,
        answer=answer,
    )
