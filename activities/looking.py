"""What Temporal knows of a thread."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import thread_workflow_id
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
        return completed(thread_id, await handle.result(rpc_timeout=RPC_TIMEOUT))
    status = found.status.name.lower() if found.status is not None else RUNNING
    alive = status in (RUNNING, "continued_as_new")
    return Finding(thread_id=thread_id, status=RUNNING if alive else status, closed_at=found.close_time)
