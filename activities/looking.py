"""What Temporal knows of a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import parse_thread_workflow_id, session_workflow_id, thread_workflow_id
from domain.messages import Finding, completed

RPC_TIMEOUT = timedelta(seconds=5)
RUNNING = "running"
MISSING = "missing"


async def is_running(client: Client, workflow_id: str) -> bool | None:
    """Whether the workflow runs; None when Temporal has none of this id."""
    try:
        found = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    except ValueError:
        # A status that this SDK does not know, such as paused in the server itself: it is alive.
        return True
    return found.status in (None, WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)


async def find_threads(client: Client, session_id: str, since: datetime | None) -> AsyncIterator[str]:
    """Ids of the session's threads in Temporal's own list, which lags behind.

    Those that run, and, given a time, those that began since then and have closed. This asks for the messages
    themselves and not through the SDK's iterator, which raises where the server uses a status that it does not know.
    """
    query = f"WorkflowType = 'ThreadWorkflow' AND WorkflowId STARTS_WITH '{session_workflow_id(session_id)}/thread/'"
    closed = f" OR (StartTime >= '{since.isoformat()}' AND ExecutionStatus != 'ContinuedAsNew')" if since else ""
    query += f" AND (ExecutionStatus = 'Running'{closed})"
    page = b""
    while True:
        request = ListWorkflowExecutionsRequest(
            namespace=client.namespace, query=query, page_size=1_000, next_page_token=page
        )
        answer = await client.workflow_service.list_workflow_executions(request, retry=True, timeout=RPC_TIMEOUT)
        for info in answer.executions:
            ids = parse_thread_workflow_id(info.execution.workflow_id)
            if ids is not None and ids[0] == session_id:
                yield ids[1]
        page = answer.next_page_token
        if not page:
            return


async def look(client: Client, session_id: str, thread_id: str) -> Finding:
    """How the thread's workflow stands: `running`, how it closed, or `missing`."""
    handle = client.get_workflow_handle(thread_workflow_id(session_id, thread_id))
    try:
        found = await handle.describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Finding(thread_id=thread_id, status=MISSING)
        raise
    except ValueError:
        # A status that this SDK does not know, such as paused in the server itself: it is alive.
        return Finding(thread_id=thread_id, status=RUNNING)
    if found.status is WorkflowExecutionStatus.COMPLETED:
        told = completed(thread_id, await handle.result(rpc_timeout=RPC_TIMEOUT))
        return told.model_copy(update={"closed_at": found.close_time})
    status = found.status.name.lower() if found.status is not None else RUNNING
    alive = status in (RUNNING, "continued_as_new")
    return Finding(thread_id=thread_id, status=RUNNING if alive else status, closed_at=found.close_time)
