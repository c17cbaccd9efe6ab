"""The thread's workflow: what Temporal runs and what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RawValue

from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.messages import (
    CancelThread,
    Decide,
    PauseThread,
    ResumeThread,
    Send,
    SessionAnswer,
    SessionHoldChanged,
    ThreadStart,
    read,
)
from domain.thread.inputs import Cancel
from domain.thread.snapshot import create_snapshot
from domain.thread.views import describe, list_executions
from domain.values import JsonObject
from workflows.failures import defect, to_failure
from workflows.inline import OrInline
from workflows.thread.entity import ThreadEntity

M = TypeVar("M", bound=BaseModel)


@workflow.defn(name="ThreadWorkflow")
class ThreadWorkflow:
    """Executes one flow serially, as a child of its session.

    Entry points take what comes and validate inside: an argument that does not fit a signature
    would fail the workflow's task for ever.
    """

    @workflow.init
    def __init__(self, *args: Any) -> None:
        self._refusal: ThreadloomError | None = None
        self._entity: ThreadEntity | None = None
        try:
            self._entity = ThreadEntity(read(ThreadStart, args))
        except ThreadloomError as error:
            self._refusal = error
        except Exception as error:
            self._refusal = defect(error)

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
        if self._entity:
            self._entity.signal(PauseThread, args)

    @workflow.signal(name="resume")
    def resume(self, *args: Any) -> None:
        """Lift the thread's own holds. Takes `ResumeThread`, or nothing."""
        if self._entity:
            self._entity.signal(ResumeThread, args)

    @workflow.signal(name="cancel")
    def cancel(self, *args: Any) -> None:
        """Cancel the thread. Takes `CancelThread`, or nothing."""
        if self._entity:
            self._entity.signal(CancelThread, args)

    @workflow.signal(name="session_hold")
    def session_hold(self, *args: Any) -> None:
        """The session's hold changed. Internal; takes `SessionHoldChanged`."""
        if self._entity and (changed := self._read(SessionHoldChanged, args)):
            self._entity.session_hold(changed)

    @workflow.signal(name="session_answer")
    def session_answer(self, *args: Any) -> None:
        """The session answers a request. Internal; takes `SessionAnswer`."""
        if self._entity and (answer := self._read(SessionAnswer, args)):
            self._entity.session_answered(answer)

    @workflow.signal(dynamic=True)
    def unknown(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal that nobody here knows."""
        self._ignore(ThreadloomError(Code.INVALID_ARGUMENT, f"no signal is called {name[:80]!r}"))

    @workflow.query(name="describe")
    def describe(self, *args: Any) -> Any:
        """The thread as `thread show` prints it; large values are left out."""
        return OrInline(describe(self._thread.program.flow, self._thread.state))

    @workflow.query(name="executions")
    def executions(self, *args: Any) -> Any:
        """Node executions in memory; large values are left out."""
        return OrInline(list_executions(self._thread.state))

    @workflow.query(name="variables")
    def variables(self, *args: Any) -> Any:
        """All variables, whole."""
        return OrInline(self._thread.state.current.outermost.variables)

    @workflow.query(name="snapshot")
    def snapshot(self, *args: Any) -> Any:
        """A `Snapshot`: a consistent cut behind the last journal entry."""
        thread, start = self._thread, self._thread.start
        snapshot = create_snapshot(thread.state, start.flow, start.flow_digest, workflow.now(), start.flows)
        return OrInline(dump(snapshot))

    @workflow.query(name="answer")
    def answer(self, *args: Any) -> Any:
        """The answer to a command id, or null: {result} or {error}."""
        answer = self._thread.answers.get(str(args[0])) if args else None
        return dump(answer) if answer else None

    @workflow.query(name="outbox")
    def outbox(self, *args: Any) -> JsonObject:
        """How many records wait for the database."""
        return self._thread.recorder.visible()

    def _read(self, model: type[M], args: tuple[Any, ...]) -> M | None:
        """A message of another workflow of ours; one that makes no sense is ignored."""
        try:
            return read(model, args)
        except ThreadloomError as error:
            self._ignore(error)
        except Exception as error:
            self._ignore(defect(error))
        return None

    def _ignore(self, error: ThreadloomError) -> None:
        if self._entity:
            self._entity.ignore(error)

    @property
    def _thread(self) -> ThreadEntity:
        if self._entity is None:
            raise to_failure(self._refusal or ThreadloomError(Code.INTERNAL, "the thread has not begun"))
        return self._entity
