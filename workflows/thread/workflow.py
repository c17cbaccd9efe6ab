"""The thread's workflow: what Temporal runs and what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from domain.codec import dump
from domain.messages import (
    CancelThread,
    CloseThread,
    Decide,
    ExecuteFlow,
    PauseThread,
    ReportIdle,
    ResumeThread,
    Send,
    SessionAnswer,
    SessionHoldChanged,
    ThreadStart,
    body,
    read,
)
from domain.thread.inputs import Cancel
from domain.thread.snapshot import create_snapshot
from domain.thread.views import describe, execution_outcome, list_executions, unread_messages
from domain.values import JsonObject
from workflows.host import Host, release
from workflows.inline import OrInline
from workflows.thread.entity import ThreadEntity


@workflow.defn(name="ThreadWorkflow", sandboxed=False)
class ThreadWorkflow:
    """Executes one flow serially, or those that it is given one after the other, as a child of its session.

    Entry points take what comes and validate inside: an argument that does not fit a signature
    would fail the workflow's task for ever.
    """

    @workflow.init
    def __init__(self, *args: Any) -> None:
        self._host = Host(lambda: ThreadEntity(read(ThreadStart, args)))
        release(args)

    @workflow.run
    async def run(self, *args: Any) -> JsonObject:
        """Execute the flow to its end.

        Returns:
            {status, result, error}. A failed thread is a completed workflow: its failure is an
            outcome of the flow, not of the program.
        """
        del args
        thread = self._thread
        thread.recorder.start()
        while True:
            try:
                if not await thread.live():
                    workflow.continue_as_new(OrInline(thread.next_run()))
                await thread.finish()
                break
            except asyncio.CancelledError:
                thread.post(Cancel(now=workflow.now(), actor="temporal", reason="cancelled in Temporal"))
        outcome = thread.state.outcome
        assert outcome is not None
        return {
            "status": outcome.status.value,
            "result": outcome.result,
            "error": outcome.error.visible() if outcome.error else None,
        }

    @workflow.update(name="decide")
    async def decide(self, *args: Any) -> JsonObject:
        """Answer an approval. Takes `Decide`."""
        return await self._thread.command(Decide, args)

    @decide.validator
    def _check_decide(self, *args: Any) -> None:
        self._thread.check(Decide, args)

    @workflow.update(name="send")
    async def send(self, *args: Any) -> JsonObject:
        """Put a message into the mailbox. Takes `Send`."""
        return await self._thread.command(Send, args)

    @send.validator
    def _check_send(self, *args: Any) -> None:
        self._thread.check(Send, args)

    @workflow.signal(name="pause")
    def pause(self, *args: Any) -> None:
        """Hold the thread. Takes `PauseThread`, or nothing."""
        self._host.signal(PauseThread, args)

    @workflow.signal(name="resume")
    def resume(self, *args: Any) -> None:
        """Lift the thread's own holds. Takes `ResumeThread`, or nothing."""
        self._host.signal(ResumeThread, args)

    @workflow.signal(name="cancel")
    def cancel(self, *args: Any) -> None:
        """Cancel the thread. Takes `CancelThread`, or nothing."""
        self._host.signal(CancelThread, args)

    @workflow.signal(name="execute")
    def execute(self, *args: Any) -> None:
        """Execute a flow, in a thread without one of its own. Takes `ExecuteFlow`; comes from the session."""
        self._host.signal(ExecuteFlow, args)

    @workflow.signal(name="close")
    def close(self, *args: Any) -> None:
        """Take no more flows. Takes `CloseThread`, or nothing."""
        self._host.signal(CloseThread, args)

    @workflow.signal(name="session_hold")
    def session_hold(self, *args: Any) -> None:
        """The session's hold changed. Internal; takes `SessionHoldChanged`."""
        if changed := self._host.told(SessionHoldChanged, args):
            self._thread.session_hold(changed)

    @workflow.signal(name="report_idle")
    def report_idle(self, *args: Any) -> None:
        """The session wants to hear when the thread waits. Internal; takes `ReportIdle`."""
        if self._host.told(ReportIdle, args):
            self._thread.report_idle()

    @workflow.signal(name="session_answer")
    def session_answer(self, *args: Any) -> None:
        """The session answers a request. Internal; takes `SessionAnswer`."""
        if answer := self._host.told(SessionAnswer, args):
            self._thread.session_answered(answer)

    @workflow.signal(dynamic=True)
    def unknown(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that nobody here knows."""
        self._host.unknown(name)

    @workflow.query(name="describe")
    def describe(self, *args: Any) -> Any:
        """The thread as `thread show` prints it; large values are left out."""
        return OrInline(describe(self._thread.program.main, self._thread.state))

    @workflow.query(name="executions")
    def executions(self, *args: Any) -> Any:
        """Node executions in memory; large values are left out."""
        return OrInline(list_executions(self._thread.state))

    @workflow.query(name="execution")
    def execution(self, *args: Any) -> Any:
        """How the execution of a flow stands or ended, by its number or id (text); null for one that is not known."""
        known = args and isinstance(args[0], int | str)
        return OrInline(execution_outcome(self._thread.state, args[0])) if known else None

    @workflow.query(name="variables")
    def variables(self, *args: Any) -> Any:
        """All variables, whole."""
        return OrInline(self._thread.state.current.outermost.variables)

    @workflow.query(name="messages")
    def messages(self, *args: Any) -> Any:
        """What is in the mailbox, the oldest first; large bodies are left out."""
        return OrInline(unread_messages(self._thread.state))

    @workflow.query(name="snapshot")
    def snapshot(self, *args: Any) -> Any:
        """A `Snapshot`: a consistent cut behind the last journal entry."""
        thread, start = self._thread, self._thread.start
        snapshot = create_snapshot(thread.state, start.flow, start.flow_digest, workflow.now(), start.flows)
        return OrInline(dump(snapshot))

    @workflow.query(name="standing")
    def standing(self, *args: Any) -> Any:
        """All that its session keeps of it: `domain.messages.Standing`. Internal."""
        return OrInline(body(self._thread.standing()))

    @workflow.query(name="answer")
    def answer(self, *args: Any) -> Any:
        """The answer to a command id, or null: {result} or {error}."""
        return self._host.answer(args)

    @workflow.query(name="outbox")
    def outbox(self, *args: Any) -> JsonObject:
        """How many records wait for the database."""
        return self._thread.recorder.visible()

    @property
    def _thread(self) -> ThreadEntity:
        return self._host.entity
