"""Looks after a session's threads in Temporal, where the session itself cannot look."""

from __future__ import annotations

import asyncio

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.looking import RPC_TIMEOUT, RUNNING, is_running, look
from domain.ids import session_workflow_id, thread_workflow_id
from domain.messages import (
    FindHoldersInput,
    FindHoldersResult,
    Finding,
    ReconcileInput,
    ReconcileResult,
    TerminateInput,
    ThreadHolder,
)

_AT_ONCE = 20


class SupervisionActivities:
    """Activities over the workflows of threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn(name="threadloom.reconcile")
    async def reconcile(self, input: ReconcileInput) -> ReconcileResult:
        """Find the threads that are not running, and how they closed."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def find(thread_id: str) -> Finding:
            async with places:
                return await look(self._client, input.session_id, thread_id)

        findings = await asyncio.gather(*(find(thread_id) for thread_id in input.thread_ids))
        return ReconcileResult(findings=[finding for finding in findings if finding.status != RUNNING])

    @activity.defn(name="threadloom.terminate")
    async def terminate(self, input: TerminateInput) -> None:
        """End the threads' workflows by force; one that has ended meanwhile is left alone."""
        for thread_id in input.thread_ids:
            handle = self._client.get_workflow_handle(thread_workflow_id(input.session_id, thread_id))
            try:
                await handle.terminate(reason=input.reason, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    @activity.defn(name="threadloom.find_holders")
    async def find_holders(self, input: FindHoldersInput) -> FindHoldersResult:
        """Find the threads that hold leases and are certainly gone.

        That is one whose workflow has closed, and one that has none while its session does not run either: a
        running session may be about to start it. Whatever could not be looked at counts as there.
        """
        places = asyncio.Semaphore(_AT_ONCE)

        async def running(workflow_id: str) -> bool | None:
            async with places:
                try:
                    return await is_running(self._client, workflow_id)
                except RPCError as error:
                    activity.logger.warning("%s could not be looked for: %s", workflow_id, error)
                    return True

        async def gone(holder: ThreadHolder) -> bool:
            thread = await running(thread_workflow_id(holder.session_id, holder.thread_id))
            return thread is False or (thread is None and not await running(session_workflow_id(holder.session_id)))

        verdicts = await asyncio.gather(*(gone(holder) for holder in input.holders))
        return FindHoldersResult(
            gone=[holder for holder, is_gone in zip(input.holders, verdicts, strict=True) if is_gone]
        )

    @activity.defn(name="threadloom.turn")
    async def turn(self) -> None:
        """Do nothing: that a workflow waits for it ends its workflow task."""
