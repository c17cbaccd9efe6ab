"""Who polls a task queue: whether anybody would take up what is put there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import Code, ThreadloomError

RECENT = timedelta(seconds=90)
"""A worker's poll lasts a minute; the server remembers pollers for five, the dead ones too."""

_RPC_TIMEOUT = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Pollers:
    """Identities of the workers that polled a task queue of late.

    Attributes:
        workflows: Those that take workflow tasks.
        activities: Those that take activities.
    """

    task_queue: str
    workflows: list[str]
    activities: list[str]


async def find_pollers(client: Client, task_queue: str) -> Pollers:
    """Ask the server who polls the task queue.

    Raises:
        ThreadloomError: `SERVER_UNREACHABLE` when it does not tell.
    """
    kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    workflows, activities = await asyncio.gather(*(_identities(client, task_queue, kind) for kind in kinds))
    return Pollers(task_queue=task_queue, workflows=workflows, activities=activities)


async def _identities(client: Client, task_queue: str, kind: TaskQueueType.ValueType) -> list[str]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
    )
    try:
        answer = await client.workflow_service.describe_task_queue(request, timeout=_RPC_TIMEOUT)
    except RPCError as error:
        message = f"the server does not tell who polls {task_queue}: {error.message}"
        raise ThreadloomError(Code.SERVER_UNREACHABLE, message, {"task_queue": task_queue}) from error
    since = datetime.now(UTC) - RECENT
    recent = (poller for poller in answer.pollers if poller.last_access_time.ToDatetime(UTC) >= since)
    return sorted({poller.identity for poller in recent})
