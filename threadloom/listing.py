"""Workflows as Temporal's own list has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client

_RPC_TIMEOUT = timedelta(seconds=4)
_STATUS_PREFIX = "WORKFLOW_EXECUTION_STATUS_"


@dataclass(frozen=True, slots=True)
class Listed:
    """A workflow in the list.

    Attributes:
        status: `running`, `completed`, `failed`, `canceled`, `terminated` or `timed_out`.
    """

    workflow_id: str
    status: str
    closed_at: datetime | None


async def find_workflows(client: Client, workflow: str, limit: int) -> list[Listed]:
    """Workflows of a type, the living first: of each id the newest run.

    This asks for the messages themselves and not through the SDK's iterator, which raises where the server uses a
    status that the SDK does not know. Whatever is not closed counts as running.

    Raises:
        RPCError: The server does not answer.
    """
    query = f"WorkflowType = '{workflow}' AND ExecutionStatus != 'ContinuedAsNew'"
    found: dict[str, Listed] = {}
    page = b""
    while len(found) < limit:
        request = ListWorkflowExecutionsRequest(
            namespace=client.namespace, query=query, page_size=limit, next_page_token=page
        )
        answer = await client.workflow_service.list_workflow_executions(request, retry=True, timeout=_RPC_TIMEOUT)
        for info in answer.executions:
            closed = info.HasField("close_time")
            listed = Listed(
                workflow_id=info.execution.workflow_id,
                status=status_name(info.status) if closed else "running",
                closed_at=info.close_time.ToDatetime(UTC) if closed else None,
            )
            found.setdefault(listed.workflow_id, listed)
        page = answer.next_page_token
        if not page:
            break
    return list(found.values())[:limit]


async def has_workflows(client: Client, prefix: str) -> bool:
    """Whether there are workflows whose id begins so, running or closed.

    Raises:
        RPCError: The server does not answer.
    """
    request = ListWorkflowExecutionsRequest(
        namespace=client.namespace, query=f"WorkflowId STARTS_WITH '{prefix}'", page_size=1
    )
    answer = await client.workflow_service.list_workflow_executions(request, retry=True, timeout=_RPC_TIMEOUT)
    return bool(answer.executions)


def status_name(status: int) -> str:
    """The status in words, also one that this SDK does not know."""
    try:
        return WorkflowExecutionStatus.Name(status).removeprefix(_STATUS_PREFIX).lower()  # type: ignore[arg-type]
    except ValueError:
        return f"status_{status}"
