"""Runs local nodes in a row by one local activity, and brings back what became of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from activities import handoff
from activities.local import LocalActivities
from domain.codec import load
from domain.errors import Code
from domain.flow.model import LocalCheckpoint
from domain.messages import RunLocalInput, RunLocalResult
from domain.thread.ahead import lean
from domain.thread.calls import ActivityCall
from domain.thread.inputs import ActivityFailed, LocalCompleted, LocalResult
from domain.thread.journal import Failure
from domain.thread.program import Program
from domain.thread.state import ThreadState
from domain.values import size
from workflows.budget import LOCAL_RETRY, LOCAL_TIME, TaskBudget
from workflows.failures import activity_failure
from workflows.naming import activity_id, summary

_GRACE = timedelta(seconds=5)


class RowRunner:
    """The one row of local nodes that a thread may have in flight.

    Args:
        budget: What workflow tasks may carry.
    """

    def __init__(self, budget: TaskBudget) -> None:
        self._budget = budget
        self._handle: workflow.ActivityHandle[RunLocalResult] | None = None
        self._pause: asyncio.Task[None] | None = None
        self._alone: str | None = None
        self._tried = False
        self._wanted = False

    def takes(self, call: ActivityCall, checkpoint: LocalCheckpoint) -> bool:
        """Whether the call may begin a row; one that failed is tried again by itself."""
        return call.mode == "local" and call.item is None and checkpoint.nodes > 1 and call.key != self._alone

    async def alone(self, call: ActivityCall) -> ActivityCall | ActivityFailed:
        """The call as it is executed by itself, after a pause if a row has tried it; or why it is not."""
        if call.key != self._alone or not self._tried:
            return call
        pause, left = call.retry.initial_interval, call.schedule_to_close
        if left is not None and left <= pause:
            failure = Failure(code=Code.NODE_TIMEOUT, message="the next attempt would come too late")
            return ActivityFailed(now=workflow.now(), key=call.key, failure=failure, timed_out=True)
        if pause > LOCAL_RETRY:
            self._pause = asyncio.create_task(workflow.sleep(pause))
            await asyncio.wait([self._pause])
            stopped, self._pause = self._pause.cancelled(), None
            if stopped:
                return _cancelled(call)
        rest = None if left is None else left - pause
        return replace(call, retry=call.retry.after_the_first(), schedule_to_close=rest)

    def cancel(self) -> None:
        """Ask the row to stop; what it has executed still counts."""
        self._wanted = False
        for waiting in (self._handle, self._pause):
            if waiting is not None:
                waiting.cancel()

    async def run(
        self, program: Program, call: ActivityCall, state: ThreadState, checkpoint: LocalCheckpoint
    ) -> LocalCompleted | ActivityFailed | None:
        """Run the call and the local nodes behind it; None when the call itself is to be tried again."""
        self._wanted = True
        await self._budget.local(checkpoint.nodes, checkpoint.time)
        if not self._wanted:
            return _cancelled(call)
        key = f"{workflow.info().run_id}/{call.key}"
        row = RunLocalInput(
            key=key,
            execution=call.key,
            nodes=checkpoint.nodes,
            seconds=min(checkpoint.time, LOCAL_TIME).total_seconds(),
            now=workflow.now(),
        )
        # On a replay too: what has no marker yet is executed again.
        handoff.leave(key, handoff.Row(program=program, state=lean(state), call=call))
        self._handle = workflow.start_local_activity_method(
            LocalActivities.run,
            row,
            activity_id=activity_id(f"{call.node}#{call.visit}"),
            start_to_close_timeout=(call.schedule_to_close or call.start_to_close) + LOCAL_TIME + _GRACE,
            retry_policy=RetryPolicy(maximum_attempts=1),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary(call.summary, " …"),
        )
        try:
            told = await self._handle
        except FailureError as error:
            return ActivityFailed(now=workflow.now(), key=call.key, failure=activity_failure(error))
        finally:
            self._handle = None
            handoff.forget(key)
        results = load(tuple[LocalResult, ...], told.results)
        self._budget.did_local(len(results))
        self._budget.carried(size(told.results))
        self._alone, self._tried = told.again, told.tried
        if results:
            return LocalCompleted(now=workflow.now(), results=results)
        return _cancelled(call) if told.cancelled else None


def _cancelled(call: ActivityCall) -> ActivityFailed:
    failure = Failure(code=Code.CANCELLED, message="the activity was cancelled")
    return ActivityFailed(now=workflow.now(), key=call.key, failure=failure, cancelled=True)
