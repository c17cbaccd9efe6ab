"""One thread, to look at and to command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.model import MessageType
from domain.ids import require_id
from domain.messages import (
    CancelThread,
    CloseThread,
    Decide,
    ExecuteFlow,
    ManageThread,
    PauseThread,
    ResumeThread,
    Send,
    body,
)
from threadloom.conditions import Condition, as_test, paused, released
from threadloom.delivery import Delivery, command
from threadloom.flows import Flows, FlowSource
from threadloom.targets import Target
from threadloom.thread_reading import ThreadReading
from threadloom.views import (
    Executions,
    FlowAccepted,
    FlowExecution,
    SnapshotView,
    ThreadAnswer,
    ThreadResult,
    ThreadView,
    UnreadMessages,
    Variables,
)
from threadloom.waiting import Timeout, within


class ThreadHandle:
    """A thread of a session. Making a handle asks nobody; `THREAD_NOT_FOUND` comes with the first use.

    Every method raises `ThreadloomError`. Besides the codes it names itself these are possible:
    `SESSION_NOT_FOUND`, `THREAD_NOT_FOUND`, `THREAD_ENDED` (commands to an ended thread),
    `SERVER_UNREACHABLE`, `NO_WORKER` and `INVALID_ARGUMENT`. What only looks is answered from the
    database when no worker runs; `as_of` says so.

    Every command takes `actor` (the client's by default) and `reason`, which reach the history, and
    `command_id`: the same one again gets the first answer.
    """

    def __init__(
        self, session_id: str, thread_id: str, *, reading: ThreadReading, delivery: Delivery, flows: Flows, actor: str
    ) -> None:
        self.session_id = require_id("session", session_id)
        self.thread_id = require_id("thread", thread_id)
        self._target = Target(session_id, thread_id)
        self._reading = reading
        self._delivery = delivery
        self._flows = flows
        self._actor = actor

    async def describe(self) -> ThreadView:
        """The thread, with what Temporal knows of its activities; values over 8 KiB are left out."""
        return await self._reading.describe(self._target)

    async def executions(self) -> Executions:
        """Node executions from the first on; results over 8 KiB are left out."""
        return await self._reading.executions(self._target)

    async def variables(self) -> Variables:
        """All variables, whole."""
        return await self._reading.variables(self._target)

    async def messages(self) -> UnreadMessages:
        """What is in its mailbox, the oldest first; bodies over 8 KiB are left out."""
        return await self._reading.messages(self._target)

    async def snapshot(self, at: str | None = None) -> SnapshotView:
        """The thread as it is, or as it was before it executed a point.

        Args:
            at: `node` (its last execution), `node#visit` or `@seq`.

        Raises:
            ThreadloomError: `FORK_POINT_NOT_EXECUTED`; `JOURNAL_INCOMPLETE` when the point is old and
                the database does not hold it.
        """
        return await self._reading.snapshot(self._target, at)

    async def result(self, *, wait: bool = False, timeout: Timeout = None) -> ThreadResult:
        """How the thread ended, or where it stands.

        Args:
            wait: Wait until it has ended.
            timeout: How long, in seconds or as a timedelta; without end by default.

        Raises:
            ThreadloomError: `TIMED_OUT`; `NO_WORKER` when nobody is there to bring it to an end.
        """
        return await self._reading.result(self._target, wait=wait, timeout=timeout)

    async def execute(
        self,
        flow: FlowSource,
        *,
        input: Any = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> FlowAccepted:
        """Give a thread without a flow of its own one to execute, in the context that the last one left.

        It begins when those before it have ended; `execution` tells what became of it.

        Args:
            flow: As for `SessionHandle.create_thread`.
            input: What the flow declares under `inputs`, as JSON.
            reason: Why, for the history.
            command_id: Makes it happen once; the execution's id.
            actor: Who.

        Raises:
            ThreadloomError: `ILLEGAL_TRANSITION` when the thread has a flow of its own or is about to end;
                `LINE_FULL`; `SESSION_NOT_ACTIVE`; what `create_thread` raises for flows and inputs.
        """
        found = await self._flows.resolve(flow)
        sent = command(
            ExecuteFlow,
            command_id,
            actor or self._actor,
            reason,
            thread_id=self.thread_id,
            flow=found.document,
            flows=found.flows,
            input=input,
        )
        await self._delivery.update(Target(self.session_id), "execute_thread", sent)
        answer = await self._delivery.answered(self._target, sent)
        status = "accepted" if "execution" in answer else "requested"
        known = {"session_id": self.session_id, "thread_id": self.thread_id, "command_id": sent.command_id}
        return FlowAccepted(**known, status=status, execution=answer.get("execution"))

    async def execution(self, wanted: int | str, *, wait: bool = False, timeout: Timeout = None) -> FlowExecution:
        """Where the execution of a flow stands, in a thread without one of its own.

        Args:
            wanted: Its number, or the id of the command that asked for it.
            wait: Wait until it has ended; also for one that the thread has not heard of yet.
            timeout: How long, in seconds or as a timedelta; without end by default.

        Raises:
            ThreadloomError: `EXECUTION_NOT_FOUND`; why the thread refused the flow; `TIMED_OUT`.
        """
        return await self._reading.execution(self._target, wanted, wait=wait, timeout=timeout)

    async def pause(
        self,
        *,
        until: datetime | None = None,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Hold the thread: what is in flight ends, nothing new begins.

        Args:
            until: When the hold lifts itself.
            wait: Wait until it is paused (or has ended).
            timeout: How long, in seconds or as a timedelta; without end by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: Who.

        Returns:
            The status `pausing` or `paused`; `requested` when no worker has answered within five seconds.

        Raises:
            ThreadloomError: `TIMED_OUT` (the command stands).
        """
        sent = command(PauseThread, command_id, actor or self._actor, reason, until=until)
        answer = await self._signal("pause", sent)
        if not wait:
            return answer
        return await self._settled(answer, paused, timeout, "paused")

    async def resume(
        self,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Lift the thread's own holds; it stays paused while its session is. Arguments as for `pause`."""
        answer = await self._signal("resume", command(ResumeThread, command_id, actor or self._actor, reason))
        if not wait:
            return answer
        return await self._settled(answer, released, timeout, "resumed")

    async def cancel(
        self,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Cancel the thread, held or not. Arguments as for `pause`; `wait` is for its end."""
        answer = await self._signal("cancel", command(CancelThread, command_id, actor or self._actor, reason))
        if not wait:
            return answer
        return await self._settled(answer, lambda view: view.ended, timeout, "ended")

    async def close(
        self,
        *,
        wait: bool = False,
        timeout: Timeout = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Let a thread without a flow of its own take no more; it completes when it has executed those in line.

        It goes through the session, behind the flows that were given before. Arguments as for `pause`.

        Raises:
            ThreadloomError: `ILLEGAL_TRANSITION` when it has a flow of its own.
        """
        sent = command(CloseThread, command_id, actor or self._actor, reason)
        through = ManageThread(**body(sent), thread_id=self.thread_id, action="close")
        await self._delivery.update(Target(self.session_id), "manage_thread", through)
        answer = self._answer(await self._delivery.answered(self._target, sent))
        if not wait:
            return answer
        return await self._settled(answer, lambda view: view.ended, timeout, "ended")

    async def decide(
        self,
        node: str,
        choice: str,
        *,
        visit: int | None = None,
        data: Any = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Answer an approval; the first answer wins. Takes effect on resume while the thread is held.

        Args:
            node: The approval's node.
            choice: One of its choices.
            visit: Which execution of it is meant; the one that waits by default.
            data: Anything more, as JSON.
            reason: Why; part of the result.
            command_id: Makes it happen once.
            actor: Who; part of the result.

        Raises:
            ThreadloomError: `NOT_WAITING`, `ALREADY_DECIDED`, `BAD_CHOICE`.
        """
        decision = command(
            Decide, command_id, actor or self._actor, reason, node=node, choice=choice, visit=visit, data=data
        )
        return await self._update("decide", decision)

    async def send(
        self,
        body: Any,
        *,
        name: str | None = None,
        type: MessageType = "data",
        message_id: str | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> ThreadAnswer:
        """Put a message into the thread's mailbox.

        Args:
            body: JSON.
            name: What a `receive` node asks for.
            type: `data`, `control`, `event` or `error`.
            message_id: The message's id; the command's id by default.
            reason: Why, for the history.
            command_id: Makes it happen once.
            actor: The sender.

        Raises:
            ThreadloomError: `MAILBOX_FULL` (not final: the same command id may be sent again),
                `PAYLOAD_TOO_LARGE`, `THREAD_NOT_STARTED`.
        """
        message = command(
            Send, command_id, actor or self._actor, reason, body=body, name=name, type=type, message_id=message_id
        )
        return await self._update("send", message)

    async def wait_until(self, condition: Condition, *, timeout: Timeout = None) -> ThreadView:
        """Look at the thread until it fulfils the condition.

        Args:
            condition: A status, some statuses, or a test of the thread's view.
            timeout: How long, in seconds or as a timedelta; without end by default.

        Returns:
            The view that fulfils it.

        Raises:
            ThreadloomError: `THREAD_ENDED` when the thread has ended without ever fulfilling it; `TIMED_OUT`.
        """
        holds = as_test(condition)

        def done(view: ThreadView) -> bool:
            if not holds(view) and view.ended:
                details = {"status": view.status, "error": view.error.model_dump(mode="json") if view.error else None}
                raise ThreadloomError(Code.THREAD_ENDED, f"thread {self.thread_id} is {view.status}", details)
            return holds(view)

        return await within(timeout, self.describe, done, f"thread {self.thread_id} does not fulfil the condition")

    async def _signal(self, name: str, sent: PauseThread | ResumeThread | CancelThread) -> ThreadAnswer:
        return self._answer(await self._delivery.signal(self._target, name, sent))

    async def _update(self, name: str, sent: Decide | Send) -> ThreadAnswer:
        return self._answer(await self._delivery.update(self._target, name, sent))

    def _answer(self, answer: dict[str, Any]) -> ThreadAnswer:
        return ThreadAnswer.model_validate(
            {**answer, "session_id": self.session_id, "thread_id": self.thread_id, "status": answer["status"]}
        )

    async def _settled(
        self, answer: ThreadAnswer, done: Callable[[ThreadView], bool], timeout: Timeout, goal: str
    ) -> ThreadAnswer:
        if answer.status == "requested":
            raise self._delivery.nobody_answers(self._target)
        view = await within(
            timeout, self.describe, done, f"thread {self.thread_id} is not {goal} yet; the command stands"
        )
        return answer.model_copy(update={"status": view.status})
