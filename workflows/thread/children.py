"""Runs another team's workflow as a child of the thread's, and brings back how it ended."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError, WorkflowAlreadyStartedError
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from domain.errors import Code, ThreadloomError
from domain.thread.calls import WorkflowCall
from domain.thread.inputs import ActivityCompleted, ActivityFailed
from domain.thread.journal import Failure
from domain.values import is_json, size
from workflows.budget import TaskBudget
from workflows.failures import activity_failure, closed_as
from workflows.naming import summary
from workflows.retrying import retry_policy
from workflows.thread.activities import sendable

Ended = ActivityCompleted | ActivityFailed

_CLOSE = {
    "cancel": workflow.ParentClosePolicy.REQUEST_CANCEL,
    "terminate": workflow.ParentClosePolicy.TERMINATE,
    "abandon": workflow.ParentClosePolicy.ABANDON,
}


class WorkflowRunner:
    """The one workflow of another team that a thread may have in flight.

    Args:
        shared_task_queues: Queues whose workers share our payload store.
        budget: What workflow tasks may carry.
    """

    def __init__(self, shared_task_queues: list[str], budget: TaskBudget) -> None:
        self._shared = {workflow.info().task_queue, *shared_task_queues}
        self._budget = budget
        self._task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        """Do what the node says is to be done when the thread is cancelled; what is not waited for ends with it."""
        if self._task is not None:
            self._task.cancel()

    async def run(self, call: WorkflowCall) -> Ended:
        """Run it to its end."""
        self._task = asyncio.create_task(self._execute(call))
        try:
            result = await self._task
        except WorkflowAlreadyStartedError:
            message = f"a workflow {call.id} exists already"
            return _failed(call, Failure(code=Code.WORKFLOW_EXISTS, message=message))
        except ThreadloomError as error:
            return _failed(call, Failure(code=error.code, message=error.message))
        except ChildWorkflowError as error:
            return _closed(call, error)
        except FailureError as error:
            return _failed(call, activity_failure(error))
        except asyncio.CancelledError:
            return _failed(call, Failure(code=Code.CANCELLED, message=f"{call.id} was given up"), cancelled=True)
        finally:
            self._task = None
        if not is_json(result):
            message = f"{call.workflow} returned something that is not JSON"
            return _failed(call, Failure(code=Code.RESULT_UNREADABLE, message=message))
        return ActivityCompleted(now=workflow.now(), key=call.key, result=result)

    async def _execute(self, call: WorkflowCall) -> Any:
        queue = call.task_queue or workflow.info().task_queue
        args = sendable(call.workflow, call.args, queue, shared=queue in self._shared)
        await self._budget.carry(size(list(call.args)))
        handle = await workflow.start_child_workflow(
            call.workflow,
            args=args,
            id=call.id,
            task_queue=queue,
            execution_timeout=call.execution_timeout,
            parent_close_policy=_CLOSE[call.on_cancel],
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
            if call.on_cancel == "cancel"
            else workflow.ChildWorkflowCancellationType.ABANDON,
            retry_policy=retry_policy(call.retry) if call.retry else None,
            static_summary=summary(call.summary),
        )
        return await handle


def _closed(call: WorkflowCall, error: ChildWorkflowError) -> Ended:
    cause = error.cause
    if isinstance(cause, TemporalTimeoutError):
        return _failed(call, Failure(code=Code.NODE_TIMEOUT, message=f"{call.id} ran out of time"), timed_out=True)
    how = closed_as(error)
    if how == "terminated":
        message = f"{call.id} was terminated in Temporal"
        return _failed(call, Failure(code=Code.WORKFLOW_TERMINATED, message=message))
    failure = activity_failure(cause if cause is not None else error)
    return _failed(call, failure, cancelled=how == "canceled")


def _failed(call: WorkflowCall, failure: Failure, *, timed_out: bool = False, cancelled: bool = False) -> Ended:
    return ActivityFailed(now=workflow.now(), key=call.key, failure=failure, timed_out=timed_out, cancelled=cancelled)
