"""Runs the activities of a thread and brings back how they ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from domain.errors import Code, ThreadloomError
from domain.flow.model import LocalCheckpoint
from domain.ids import execution_key
from domain.thread.calls import ActivityCall
from domain.thread.functions import SLOW, function_named
from domain.thread.inputs import ActivityCompleted, ActivityFailed
from domain.thread.journal import Failure
from domain.values import Json, copied, is_json, size
from workflows.budget import LOCAL_RETRY, TaskBudget
from workflows.failures import activity_failure, defect, ran_out_of_time
from workflows.inline import Inline
from workflows.naming import activity_id, summary
from workflows.priority import of_call
from workflows.retrying import retry_policy

PAYLOAD_LIMIT = 2 * 1024 * 1024
"""Bytes of one call's arguments that a worker without our payload store can be sent (Temporal's limit)."""

Ended = ActivityCompleted | ActivityFailed


class ActivityRunner:
    """The activities that a thread has in flight: one, or several of a map.

    Args:
        shared_task_queues: Queues whose workers share our payload store.
        budget: What workflow tasks may carry.
    """

    def __init__(self, shared_task_queues: list[str], budget: TaskBudget) -> None:
        self._shared = {workflow.info().task_queue, *shared_task_queues}
        self._budget = budget
        self._waiting: set[str] = set()
        self._handles: dict[str, workflow.ActivityHandle[Any]] = {}
        self._local = asyncio.Lock()

    def cancel(self) -> None:
        """Ask all of them to stop. Each has ended only when its `run` returns."""
        self._waiting.clear()
        for handle in self._handles.values():
            handle.cancel()

    async def run(self, call: ActivityCall, checkpoint: LocalCheckpoint) -> Ended:
        """Run it to its end, retries included."""
        queue = call.task_queue or workflow.info().task_queue
        try:
            args = sendable(call.activity, call.args, queue, shared=queue in self._shared)
        except ThreadloomError as error:
            return _failed(call, Failure(code=error.code, message=error.message))
        self._waiting.add(call.key)
        if call.mode == "remote":
            await self._budget.carry(size(list(call.args)))
            return await self._run(call, partial(_start, call, queue, args))
        # One after the other: ends of several that came one by one come all at once in a replay.
        async with self._local:
            await self._budget.local(checkpoint.nodes, checkpoint.time)
            ended = await self._run(call, partial(_start_local, call, args))
            self._budget.did_local()
            if isinstance(ended, ActivityCompleted):
                self._budget.carried(size(ended.result))
            return ended

    async def _run(self, call: ActivityCall, start: Callable[[], workflow.ActivityHandle[Any]]) -> Ended:
        if call.key not in self._waiting:
            failure = Failure(code=Code.CANCELLED, message="the activity was cancelled before it began")
            return _failed(call, failure, cancelled=True)
        self._waiting.remove(call.key)
        self._handles[_id(call)] = handle = start()
        try:
            return _completed(call, await handle)
        except FailureError as error:  # a local activity's last failure comes without an ActivityError around it
            failure = activity_failure(error)
            cancelled = failure.code == Code.CANCELLED
            out_of_time = ran_out_of_time(error) and not call.was_not_begun(failure)
            timed_out = out_of_time or call.took_all_its_time(failure)
            return _failed(call, failure, timed_out=timed_out, cancelled=cancelled)
        except Exception as error:
            refused = defect(error)
            return _failed(call, Failure(code=refused.code, message=refused.message))
        finally:
            del self._handles[_id(call)]


def sendable(name: str, values: Sequence[Json], queue: str, *, shared: bool) -> list[object]:
    """Arguments as they are sent: whole, where the workers of the queue do not share our payload store.

    Raises:
        ThreadloomError: `PAYLOAD_TOO_LARGE`.
    """
    if shared:
        return list(values)
    if (length := size(list(values))) > PAYLOAD_LIMIT:
        message = f"{length} bytes of arguments for {name} are more than {queue} can be sent"
        raise ThreadloomError(Code.PAYLOAD_TOO_LARGE, message)
    return [Inline(value) for value in values]


def run_inline(call: ActivityCall) -> tuple[Ended, float]:
    """Run a registered function here and now; how it ended, and the milliseconds that it is taken to cost."""
    try:
        registered = function_named(call.activity)
    except ThreadloomError as error:
        return _failed(call, Failure(code=error.code, message=error.message)), 0.0
    began = time.perf_counter()
    try:
        # What the function changes, now or when it is called again, is its own.
        ended = _completed(call, copied(registered.function(*map(copied, call.args))))
    except Exception as error:
        code = getattr(error, "type", None) or getattr(error, "code", None) or type(error).__name__
        ended = _failed(call, Failure(code=str(code), message=str(error)[:2_000]))
    # The machine's clock decides nothing here: it only tells who wrote the function that it says too little.
    took = (time.perf_counter() - began) * 1_000
    if took > SLOW * registered.milliseconds:
        workflow.logger.warning("%s took %.0f ms and says %.0f", call.activity, took, registered.milliseconds)
    return ended, registered.milliseconds


def _start(call: ActivityCall, queue: str, args: list[object]) -> workflow.ActivityHandle[Any]:
    return workflow.start_activity(
        call.activity,
        args=args,
        activity_id=_id(call),
        task_queue=queue,
        start_to_close_timeout=call.start_to_close,
        schedule_to_close_timeout=call.schedule_to_close,
        schedule_to_start_timeout=call.schedule_to_start,
        heartbeat_timeout=call.heartbeat,
        retry_policy=retry_policy(call.retry),
        # Two attempts at once would be possible if the thread went on before the first has ended.
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary(call.summary),
        priority=of_call(call.priority),
    )


def _start_local(call: ActivityCall, args: list[object]) -> workflow.ActivityHandle[Any]:
    return workflow.start_local_activity(
        call.activity,
        args=args,
        activity_id=_id(call),
        start_to_close_timeout=call.start_to_close,
        schedule_to_close_timeout=call.schedule_to_close,
        retry_policy=retry_policy(call.retry),
        local_retry_threshold=LOCAL_RETRY,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary(call.summary),
    )


def _id(call: ActivityCall) -> str:
    """The activity's id in Temporal: the execution's as people write it, with what tells items and hooks apart."""
    execution = execution_key("", call.node, call.visit)
    return activity_id(f"{call.node}#{call.visit}{call.key.partition(execution)[2]}")


def _completed(call: ActivityCall, result: object) -> Ended:
    if not is_json(result):
        message = f"{call.activity} returned something that is no JSON, or beyond what can be stored"
        return _failed(call, Failure(code=Code.RESULT_UNREADABLE, message=message))
    return ActivityCompleted(now=workflow.now(), key=_node_key(call), result=result, item=call.item)


def _failed(call: ActivityCall, failure: Failure, *, timed_out: bool = False, cancelled: bool = False) -> Ended:
    return ActivityFailed(
        now=workflow.now(),
        key=_node_key(call),
        failure=failure,
        timed_out=timed_out,
        cancelled=cancelled,
        item=call.item,
    )


def _node_key(call: ActivityCall) -> str:
    """The key of the node that waits: an item of a map has one of its own behind it."""
    return call.key if call.item is None else call.key.rpartition("/")[0]
