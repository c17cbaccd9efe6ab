"""The session's workflow: what Temporal runs and what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from domain.messages import (
    AllocateResources,
    CancelFlow,
    CloseSession,
    ConfigureSession,
    CopyThread,
    CreateThread,
    CreateThreads,
    DestroyThread,
    ExecuteFlow,
    ForkThread,
    LeaseAnswer,
    ManageThread,
    PauseSession,
    PrioritiseThread,
    ReleaseResources,
    ResumeSession,
    SessionStart,
    SyncSession,
    TerminateSession,
    ThreadReport,
    ThreadRequest,
    body,
    read,
)
from domain.session.history import statistics
from domain.session.resources import visible as resources
from domain.session.views import describe, list_threads, one_thread, tree
from domain.values import JsonObject
from workflows.host import Host, release
from workflows.inline import OrInline
from workflows.session.entity import SessionEntity
from workflows.session.recovering import begin_again, lost_session


@workflow.defn(name="SessionWorkflow", sandboxed=False)
class SessionWorkflow:
    """Coordinates the threads of one session, for as long as it takes.

    Entry points take what comes and validate inside: an argument that does not fit a signature
    would fail the workflow's task for ever.
    """

    @workflow.init
    def __init__(self, *args: Any) -> None:
        self._lost = lost_session(args)
        self._host: Host[SessionEntity] = Host(None if self._lost else lambda: SessionEntity(read(SessionStart, args)))
        release(args)

    @workflow.run
    async def run(self, *args: Any) -> JsonObject:
        """Coordinate until the session has ended.

        Returns:
            {session_id, status, threads, statistics}.
        """
        del args
        if self._lost is not None:
            await begin_again(self._lost, self._host)
        session = self._session
        session.recorder.start()
        while True:
            try:
                if not await session.live():
                    workflow.continue_as_new(OrInline(session.next_run()))
                await session.finish()
                break
            except asyncio.CancelledError:
                session.signal(TerminateSession, ({"actor": "temporal", "reason": "cancelled in Temporal"},))
        return {
            "session_id": session.state.session_id,
            "status": session.state.status.value,
            "threads": session.state.counts(),
            "statistics": session.statistics(),
        }

    @workflow.update(name="create_thread")
    async def create_thread(self, *args: Any) -> JsonObject:
        """Start a thread. Takes `CreateThread`; answers {thread_id, status}."""
        return await self._session.command(CreateThread, args)

    @create_thread.validator
    def _check_create(self, *args: Any) -> None:
        self._session.check(CreateThread, args)

    @workflow.update(name="create_threads")
    async def create_threads(self, *args: Any) -> JsonObject:
        """Start many threads. Takes `CreateThreads`; answers {threads: [{thread_id, status} or {thread_id, error}]}."""
        return await self._session.command(CreateThreads, args)

    @create_threads.validator
    def _check_create_many(self, *args: Any) -> None:
        self._session.check(CreateThreads, args)

    @workflow.update(name="prioritise_thread")
    async def prioritise_thread(self, *args: Any) -> JsonObject:
        """Change a waiting thread's priority. Takes `PrioritiseThread`; answers {thread_id, priority}."""
        return await self._session.command(PrioritiseThread, args)

    @prioritise_thread.validator
    def _check_prioritise(self, *args: Any) -> None:
        self._session.check(PrioritiseThread, args)

    @workflow.update(name="cancel_flow")
    async def cancel_flow(self, *args: Any) -> JsonObject:
        """Cancel all threads of a flow. Takes `CancelFlow`; answers {flow, threads}."""
        return await self._session.command(CancelFlow, args)

    @cancel_flow.validator
    def _check_cancel_flow(self, *args: Any) -> None:
        self._session.check(CancelFlow, args)

    @workflow.update(name="fork_thread")
    async def fork_thread(self, *args: Any) -> JsonObject:
        """Fork a thread. Takes `ForkThread`; answers {thread_id, source, fork_point, strategy, warnings, …}."""
        return await self._session.command(ForkThread, args)

    @fork_thread.validator
    def _check_fork(self, *args: Any) -> None:
        self._session.check(ForkThread, args)

    @workflow.update(name="copy_thread")
    async def copy_thread(self, *args: Any) -> JsonObject:
        """Copy a thread. Takes `CopyThread`; answers {thread_id, source, scope, strategy, warnings, …}."""
        return await self._session.command(CopyThread, args)

    @copy_thread.validator
    def _check_copy(self, *args: Any) -> None:
        self._session.check(CopyThread, args)

    @workflow.update(name="manage_thread")
    async def manage_thread(self, *args: Any) -> JsonObject:
        """Start, pause, resume, cancel or close a thread. Takes `ManageThread`; answers when it is passed on."""
        return await self._session.command(ManageThread, args)

    @manage_thread.validator
    def _check_manage(self, *args: Any) -> None:
        self._session.check(ManageThread, args)

    @workflow.update(name="execute_thread")
    async def execute_thread(self, *args: Any) -> JsonObject:
        """Give a thread without a flow of its own one to execute. Takes `ExecuteFlow`; answers when it is passed on."""
        return await self._session.command(ExecuteFlow, args)

    @execute_thread.validator
    def _check_execute(self, *args: Any) -> None:
        self._session.check(ExecuteFlow, args)

    @workflow.update(name="destroy_thread")
    async def destroy_thread(self, *args: Any) -> JsonObject:
        """Take an ended thread off the lists. Takes `DestroyThread`."""
        return await self._session.command(DestroyThread, args)

    @destroy_thread.validator
    def _check_destroy(self, *args: Any) -> None:
        self._session.check(DestroyThread, args)

    @workflow.update(name="allocate")
    async def allocate(self, *args: Any) -> JsonObject:
        """Take resources of the session by hand. Takes `AllocateResources`; answers {allocation}."""
        return await self._session.command(AllocateResources, args)

    @allocate.validator
    def _check_allocate(self, *args: Any) -> None:
        self._session.check(AllocateResources, args)

    @workflow.update(name="release")
    async def release(self, *args: Any) -> JsonObject:
        """Free what was allocated. Takes `ReleaseResources`; answers {allocation, released}."""
        return await self._session.command(ReleaseResources, args)

    @release.validator
    def _check_release(self, *args: Any) -> None:
        self._session.check(ReleaseResources, args)

    @workflow.update(name="configure")
    async def configure(self, *args: Any) -> JsonObject:
        """Change the configuration. Takes `ConfigureSession`; answers {config}."""
        return await self._session.command(ConfigureSession, args)

    @configure.validator
    def _check_configure(self, *args: Any) -> None:
        self._session.check(ConfigureSession, args)

    @workflow.signal(name="pause")
    def pause(self, *args: Any) -> None:
        """Hold every thread. Takes `PauseSession`, or nothing."""
        self._host.signal(PauseSession, args)

    @workflow.signal(name="resume")
    def resume(self, *args: Any) -> None:
        """Lift the session's hold. Takes `ResumeSession`, or nothing."""
        self._host.signal(ResumeSession, args)

    @workflow.signal(name="close")
    def close(self, *args: Any) -> None:
        """Take no new threads; closed when the last ends. Takes `CloseSession`, or nothing."""
        self._host.signal(CloseSession, args)

    @workflow.signal(name="terminate")
    def terminate(self, *args: Any) -> None:
        """End the session and its threads. Takes `TerminateSession`, or nothing."""
        self._host.signal(TerminateSession, args)

    @workflow.signal(name="cancel")
    def cancel(self, *args: Any) -> None:
        """The same as terminate: cancelling a session ends it."""
        self._host.signal(TerminateSession, args)

    @workflow.signal(name="sync")
    def sync(self, *args: Any) -> None:
        """Look in Temporal for the threads now. Takes `SyncSession`, or nothing."""
        self._host.signal(SyncSession, args)

    @workflow.signal(name="thread_report")
    def thread_report(self, *args: Any) -> None:
        """A thread tells where it stands. Internal; takes `ThreadReport`."""
        self._host.tell(ThreadReport, args, SessionEntity.reported)

    @workflow.signal(name="thread_request")
    def thread_request(self, *args: Any) -> None:
        """A thread asks to start, watch or cancel others. Internal; takes `ThreadRequest`."""
        self._host.tell(ThreadRequest, args, SessionEntity.asked)

    @workflow.signal(name="lease_answer")
    def lease_answer(self, *args: Any) -> None:
        """A pool tells what has become of a request. Internal; takes `LeaseAnswer`."""
        self._host.tell(LeaseAnswer, args, SessionEntity.leased)

    @workflow.signal(dynamic=True)
    def unknown(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that nobody here knows."""
        self._host.unknown(name)

    @workflow.query(name="describe")
    def describe(self, *args: Any) -> Any:
        """The session as `session show` prints it."""
        return OrInline(describe(self._session.state))

    @workflow.query(name="threads")
    def threads(self, *args: Any) -> Any:
        """The session's threads, destroyed ones left out."""
        return OrInline(list_threads(self._session.state))

    @workflow.query(name="thread")
    def thread(self, *args: Any) -> Any:
        """One thread as the session knows it, by its id; null when it has left memory or never was."""
        return OrInline(one_thread(self._session.state, args[0] if len(args) == 1 else None))

    @workflow.query(name="tree")
    def tree(self, *args: Any) -> Any:
        """Threads by lineage: {session_id, roots: [{thread_id, …, children}]}."""
        return OrInline(tree(self._session.state))

    @workflow.query(name="statistics")
    def statistics(self, *args: Any) -> JsonObject:
        """As `session stats` prints it."""
        return statistics(self._session.state)

    @workflow.query(name="resources")
    def resources(self, *args: Any) -> Any:
        """As `session resources` prints them: {resources, allocations, leases}."""
        return OrInline(resources(self._session.state))

    @workflow.query(name="history")
    def history(self, *args: Any) -> Any:
        """The session's own newest records of this run; the database has them all, and the threads'."""
        return OrInline(list(self._session.recent))

    @workflow.query(name="handoff")
    def handoff(self, *args: Any) -> Any:
        """What another run would begin with, should this one be lost: `domain.messages.SessionStart`. Internal."""
        if self._lost is not None and self._host.waiting:
            return body(self._lost)
        return OrInline(self._session.next_run())

    @workflow.query(name="answer")
    def answer(self, *args: Any) -> Any:
        """The answer to a command id, or null: {result} or {error}."""
        return self._host.answer(args)

    @workflow.query(name="outbox")
    def outbox(self, *args: Any) -> JsonObject:
        """How many records wait for the database."""
        if self._host.waiting:
            return {"pending": 0, "last_seq": 0, "failing": False}
        return self._session.recorder.visible()

    @property
    def _session(self) -> SessionEntity:
        return self._host.entity
