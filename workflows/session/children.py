"""Performs a session's effects: its children, their signals, and the activities over them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, WorkflowAlreadyStartedError

from activities.branching import BranchingActivities
from activities.supervision import SupervisionActivities
from domain.errors import Code, ThreadloomError
from domain.ids import pool_workflow_id, thread_workflow_id
from domain.messages import (
    CopyThread,
    Finding,
    ForkThread,
    LeaseAnswer,
    PrepareBranchInput,
    ReconcileInput,
    ReconcileResult,
    TerminateInput,
    completed,
)
from domain.session.effects import (
    PrepareBranch,
    Reconcile,
    SessionEffect,
    SignalPool,
    SignalThread,
    StartThread,
    TerminateThreads,
    merged,
)
from domain.session.inputs import Found, Launched, LeaseTold, NotLaunched, NotPrepared, Prepared, SessionInput
from workflows.failures import closed_as, defect, refusal_of
from workflows.naming import summary
from workflows.priority import of_thread
from workflows.trace import Trace
from workflows.visibility import of_new_thread

_PREPARE = RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_attempts=3)
_SUPERVISE = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=5)

SIGNALS_AT_ONCE = 500
"""Signals under way at once. Temporal takes two thousand of a workflow and fails the task that has more."""


class Children:
    """The threads of a session, as Temporal's child workflows.

    They are abandoned on close, because a session that continues as new must not take them along:
    no other policy lets them live. So a session hears of their end by their own report, in the run
    that started them also from Temporal, and otherwise by looking.

    Args:
        session_id: The session.
        trace: Left when something ended from which nothing else follows.
        post: Puts an input into the session's inbox.
    """

    def __init__(self, session_id: str, trace: Trace, post: Callable[[SessionInput], None]) -> None:
        self._session_id = session_id
        self._trace = trace
        self._post = post
        self._signals: dict[str, list[SignalThread | SignalPool]] = {}
        self._under_way = 0
        self._places = asyncio.Semaphore(SIGNALS_AT_ONCE)

    @property
    def busy(self) -> bool:
        """Whether something is under way whose end another run would not hear of."""
        return self._under_way > 0

    def perform(self, effect: SessionEffect, *, max_depth: int | None) -> None:
        """Do what the effect asks for; what comes of it comes back as an input."""
        match effect:
            case StartThread():
                self._spawn(self._start(effect))
            case SignalThread() | SignalPool():
                self._signal_in_order(effect)
            case PrepareBranch():
                self._spawn(self._prepare(effect, max_depth))
            case Reconcile(thread_ids=thread_ids):
                self._spawn(self._reconcile(thread_ids))
            case TerminateThreads():
                self._spawn(self._terminate(effect))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._under_way += 1
        asyncio.create_task(self._counted(work))  # noqa: RUF006 the workflow's loop keeps its tasks

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._under_way -= 1

    async def _start(self, effect: StartThread) -> None:
        thread_id = effect.thread_id
        try:
            handle = await workflow.start_child_workflow(
                "ThreadWorkflow",
                effect.start,
                id=thread_workflow_id(self._session_id, thread_id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=of_thread(effect.priority, self._session_id),
                static_summary=summary(effect.flow or "no flow of its own"),
                search_attributes=of_new_thread(self._session_id, effect.flow, held=bool(effect.start.get("holds")))
                if effect.start.get("searchable")
                else None,
            )
        except WorkflowAlreadyStartedError:
            message = f"Temporal has or had a workflow for thread {thread_id}"
            self._post(NotLaunched(now=workflow.now(), thread_id=thread_id, code=Code.THREAD_EXISTS, message=message))
        except Exception as error:
            message = str(error) if isinstance(error, FailureError) else defect(error).message
            self._post(NotLaunched(now=workflow.now(), thread_id=thread_id, code=Code.INTERNAL, message=message))
        else:
            self._post(Launched(now=workflow.now(), thread_id=thread_id))
            asyncio.create_task(self._watch(thread_id, handle))  # noqa: RUF006 the workflow's loop keeps its tasks

    async def _watch(self, thread_id: str, handle: workflow.ChildWorkflowHandle[Any, Any]) -> None:
        """Notice an end that the thread could not report itself, such as a termination in Temporal."""
        try:
            found = completed(thread_id, await handle)
        except FailureError as error:
            found = Finding(thread_id=thread_id, status=closed_as(error))
        self._found([found])

    def _signal_in_order(self, effect: SignalThread | SignalPool) -> None:
        """Signal when the last signal to the same has arrived: of two under way the later may come first."""
        waiting = self._signals.get(self._receiver(effect))
        if waiting is None:
            self._signals[self._receiver(effect)] = []
            self._spawn(self._signal(effect))
        elif waiting and (both := merged(waiting[-1], effect)) is not None:
            waiting[-1] = both
        else:
            waiting.append(effect)

    def _receiver(self, effect: SignalThread | SignalPool) -> str:
        if isinstance(effect, SignalPool):
            return pool_workflow_id(effect.pool)
        return thread_workflow_id(self._session_id, effect.thread_id)

    async def _signal(self, effect: SignalThread | SignalPool) -> None:
        """Send the signal, and then those that have come for the same workflow meanwhile."""
        waiting = self._signals[self._receiver(effect)]
        try:
            await self._send(effect)
            while waiting:
                # Commands of other tasks come first, as they do in recorded histories.
                await asyncio.sleep(0)
                await self._send(waiting.pop(0))
        finally:
            del self._signals[self._receiver(effect)]

    async def _send(self, effect: SignalThread | SignalPool) -> None:
        try:
            receiver = workflow.get_external_workflow_handle(self._receiver(effect))
            async with self._places:
                await receiver.signal(effect.signal, effect.message)
            self._trace.leave()
        except ApplicationError:
            if isinstance(effect, SignalThread):
                await self._reconcile((effect.thread_id,))
            elif effect.signal == "lease_request":
                self._no_pool(effect)
            else:
                self._trace.leave()

    def _no_pool(self, effect: SignalPool) -> None:
        """Answer for a pool that is not there."""
        error = ThreadloomError(Code.POOL_NOT_FOUND, f"there is no pool {effect.pool}", {"pool": effect.pool})
        answer = LeaseAnswer(
            pool=effect.pool, lease_id=effect.message["lease_id"], granted=False, error=error.visible()
        )
        self._post(LeaseTold(now=workflow.now(), answer=answer))

    async def _prepare(self, effect: PrepareBranch, max_depth: int | None) -> None:
        command = (ForkThread if effect.operation == "fork" else CopyThread).model_validate(effect.request)
        prepare = PrepareBranchInput(
            session_id=self._session_id,
            operation=command.operation,
            request=effect.request,
            at=workflow.now(),
            max_depth=max_depth,
        )
        try:
            branch = await workflow.execute_activity_method(
                BranchingActivities.prepare,
                prepare,
                start_to_close_timeout=timedelta(seconds=30),
                schedule_to_close_timeout=timedelta(minutes=2),
                retry_policy=_PREPARE,
                summary=summary(f"{command.operation} {command.source} → {command.thread_id}"),
            )
        except Exception as error:
            refusal = refusal_of(error) if isinstance(error, ActivityError) else defect(error)
            self._post(
                NotPrepared(
                    now=workflow.now(),
                    command=command,
                    code=refusal.code,
                    message=refusal.message,
                    details=refusal.details,
                )
            )
        else:
            self._post(Prepared(now=workflow.now(), command=command, branch=branch))

    async def _reconcile(self, thread_ids: tuple[str, ...]) -> None:
        looked_for = ReconcileInput(session_id=self._session_id, thread_ids=list(thread_ids))
        try:
            result: ReconcileResult = await workflow.execute_activity_method(
                SupervisionActivities.reconcile,
                looked_for,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=_SUPERVISE,
                summary=f"{len(thread_ids)} threads",
            )
        except ActivityError:
            workflow.logger.warning("threads could not be looked for; the next round will")
            self._trace.leave()
            return
        self._found(result.findings)

    async def _terminate(self, effect: TerminateThreads) -> None:
        doomed = TerminateInput(session_id=self._session_id, thread_ids=list(effect.thread_ids), reason=effect.reason)
        try:
            await workflow.execute_activity_method(
                SupervisionActivities.terminate,
                doomed,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
                summary=f"{len(effect.thread_ids)} threads",
            )
        except ActivityError:
            workflow.logger.warning("threads could not be terminated")
        await self._reconcile(effect.thread_ids)

    def _found(self, findings: list[Finding]) -> None:
        self._post(Found(now=workflow.now(), findings=tuple(findings)))
