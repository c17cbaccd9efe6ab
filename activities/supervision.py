"""Looks after a session's threads in Temporal, where the session itself cannot look."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import thread_workflow_id
from domain.messages import Finding, ReconcileInput, ReconcileResult, TerminateInput, completed

_RPC_TIMEOUT = timedelta(seconds=5)
_AT_ONCE = 20
_RUNNING = "running"


class SupervisionActivities:
    """Activities over the workflows of threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn(name="threadloom.reconcile")
    async def reconcile(self, input: ReconcileInput) -> ReconcileResult:
        """Find the threads that are not running, and how they closed."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(thread_id: str) -> Finding:
            async with places:
                return await self._look(input.session_id, thread_id)

        findings = await asyncio.gather(*(look(thread_id) for thread_id in input.thread_ids))
        return ReconcileResult(findings=[finding for finding in findings if finding.status != _RUNNING])

    async def _look(self, session_id: str, thread_id: str) -> Finding:
        handle = self._client.get_workflow_handle(thread_workflow_id(session_id, thread_id))
        try:
            found = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Finding(thread_id=thread_id, status="missing")
            raise
        except ValueError:
            # A status that this SDK does not know, such as paused in the server itself: it is alive.
            return Finding(thread_id=thread_id, status=_RUNNING)
        if found.status is WorkflowExecutionStatus.COMPLETED:
            return completed(thread_id, await handle.result(rpc_timeout=_RPC_TIMEOUT))
        status = found.status.name.lower() if found.status is not None else _RUNNING
        alive = status in (_RUNNING, "continued_as_new")
        return Finding(thread_id=thread_id, status=_RUNNING if alive else status, closed_at=found.close_time)

    @activity.defn(name="threadloom.terminate")
    async def terminate(self, input: TerminateInput) -> None:
        """End the threads' workflows by force; one that has ended meanwhile is left alone."""
        for thread_id in input.thread_ids:
            handle = self._client.get_workflow_handle(thread_workflow_id(input.session_id, thread_id))
            try:
                await handle.terminate(reason=input.reason, rpc_timeout=_RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
