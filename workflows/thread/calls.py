"""Runs the activity of a node and brings back how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from domain.errors import Code
from domain.thread.events import ActivityCall
from domain.thread.inputs import ActivityCompleted, ActivityFailed
from domain.thread.journal import Failure
from domain.values import is_json, size
from workflows.failures import activity_failure, defect, ran_out_of_time
from workflows.inline import Inline

PAYLOAD_LIMIT = 2 * 1024 * 1024
"""Bytes of one call's arguments that a worker without our payload store can be sent (Temporal's limit)."""


class ActivityRunner:
    """The one activity that a thread may have in flight."""

    def __init__(self, shared_task_queues: list[str]) -> None:
        self._shared = {workflow.info().task_queue, *shared_task_queues}
        self._handle: workflow.ActivityHandle[object] | None = None

    def cancel(self) -> None:
        """Ask the activity to stop. It has ended only when `run` returns."""
        if self._handle is not None:
            self._handle.cancel()

    async def run(self, call: ActivityCall) -> ActivityCompleted | ActivityFailed:
        """Run it to its end, retries included."""
        queue = call.task_queue or workflow.info().task_queue
        args: list[object] = list(call.args)
        if queue not in self._shared:
            length = size(args)
            if length > PAYLOAD_LIMIT:
                message = f"{length} bytes of arguments for {call.activity} are more than {queue} can be sent"
                return _failed(call, workflow.now(), Failure(code=Code.PAYLOAD_TOO_LARGE, message=message))
            args = [Inline(arg) for arg in args]
        try:
            with self._in_flight(call, queue, args) as handle:
                result = await handle
        except ActivityError as error:
            return _failed(
                call,
                workflow.now(),
                activity_failure(error),
                timed_out=ran_out_of_time(error),
                cancelled=activity_failure(error).code == Code.CANCELLED,
            )
        except Exception as error:
            refused = defect(error)
            return _failed(call, workflow.now(), Failure(code=refused.code, message=refused.message))
        if not is_json(result):
            message = f"{call.activity} returned something that is no JSON, or beyond what can be stored"
            return _failed(call, workflow.now(), Failure(code=Code.RESULT_UNREADABLE, message=message))
        return ActivityCompleted(now=workflow.now(), key=call.key, result=result)

    @contextmanager
    def _in_flight(
        self, call: ActivityCall, queue: str, args: list[object]
    ) -> Iterator[workflow.ActivityHandle[object]]:
        self._handle = workflow.start_activity(
            call.activity,
            args=args,
            activity_id=f"{call.node}#{call.visit}",
            task_queue=queue,
            start_to_close_timeout=call.start_to_close,
            schedule_to_close_timeout=call.schedule_to_close,
            schedule_to_start_timeout=call.schedule_to_start,
            heartbeat_timeout=call.heartbeat,
            retry_policy=RetryPolicy(
                initial_interval=call.retry.initial_interval,
                backoff_coefficient=call.retry.backoff_coefficient,
                maximum_interval=call.retry.maximum_interval,
                maximum_attempts=call.retry.maximum_attempts,
                non_retryable_error_types=list(call.retry.non_retryable) or None,
            ),
            # Two attempts at once would be possible if the thread went on before the first has ended.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=call.summary,
        )
        try:
            yield self._handle
        finally:
            self._handle = None


def _failed(
    call: ActivityCall, now: datetime, failure: Failure, *, timed_out: bool = False, cancelled: bool = False
) -> ActivityFailed:
    return ActivityFailed(now=now, key=call.key, failure=failure, timed_out=timed_out, cancelled=cancelled)
