"""Performs a pool's effects: answers to sessions, and looking for the threads that hold leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from activities.supervision import SupervisionActivities
from domain.ids import session_workflow_id
from domain.messages import FindHoldersInput, FindHoldersResult
from domain.resource_pool.effects import AnswerSession, FindHolders, PoolEffect
from domain.resource_pool.inputs import Looked, PoolInput
from workflows.failures import defect
from workflows.inline import OrInline
from workflows.trace import Trace

ANSWER = "lease_answer"

AT_ONCE = 50
"""Signals under way at a time. A session that gets more than a hundred while it works on a task fails that task."""

_LOOK = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=3)


class Sessions:
    """The sessions that use a pool, and their threads, as the pool's workflow reaches them.

    Args:
        trace: Left when something ended from which nothing else follows.
        post: Puts an input into the pool's inbox.
    """

    def __init__(self, trace: Trace, post: Callable[[PoolInput], None]) -> None:
        self._trace = trace
        self._post = post
        self._answers: dict[str, list[AnswerSession]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way = 0

    @property
    def busy(self) -> bool:
        """Whether something is under way whose end another run would not hear of."""
        return self._under_way > 0

    def perform(self, effect: PoolEffect) -> bool:
        """Do what the effect asks for; what comes of it comes back as an input.

        Returns:
            Whether it certainly is a command to Temporal, now: an answer may have to wait for its turn.
        """
        match effect:
            case AnswerSession(lease_id=lease_id) if lease_id in self._answers:
                self._answers[lease_id].append(effect)
                return False
            case AnswerSession(lease_id=lease_id):
                at_once = len(self._answers) < AT_ONCE
                self._answers[lease_id] = [effect]
                self._spawn(self._answer(lease_id))
                return at_once
            case FindHolders():
                self._spawn(self._find(effect))
                return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._under_way += 1
        asyncio.create_task(self._counted(work))  # noqa: RUF006 the workflow's loop keeps its tasks

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._under_way -= 1

    async def _answer(self, lease_id: str) -> None:
        """Send what there is to say of a lease, one after the other: of two under way the later may come first."""
        waiting = self._answers[lease_id]
        try:
            while waiting:
                async with self._places:
                    await self._send(waiting[0])
                del waiting[0]
        finally:
            del self._answers[lease_id]

    async def _send(self, effect: AnswerSession) -> None:
        session = workflow.get_external_workflow_handle(session_workflow_id(effect.session_id))
        try:
            await session.signal(ANSWER, effect.message)
        except FailureError:
            # The session is not there. It asks again when it is back; when not, its threads are looked for.
            workflow.logger.warning("session %s takes no answer", effect.session_id)
        self._trace.leave()

    async def _find(self, effect: FindHolders) -> None:
        wanted = FindHoldersInput(holders=list(effect.holders))
        try:
            result: FindHoldersResult = await workflow.execute_activity_method(
                SupervisionActivities.find_holders,
                args=[OrInline(wanted)],
                start_to_close_timeout=timedelta(minutes=2),
                schedule_to_close_timeout=timedelta(minutes=10),
                retry_policy=_LOOK,
                summary=f"{len(effect.holders)} threads",
            )
        except Exception as error:
            # Nobody loses a lease because its thread could not be looked for.
            if not isinstance(error, ActivityError):
                defect(error)
            workflow.logger.warning("the holders of leases could not be looked for; the next round will")
            result = FindHoldersResult(gone=[])
        self._post(Looked(now=workflow.now(), gone=tuple(result.gone)))
