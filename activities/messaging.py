"""Carries messages from thread to thread, and tells one thread how others ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from temporalio import activity
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import PASSING, as_failure
from activities.looking import MISSING, RPC_TIMEOUT, RUNNING, look
from domain.codec import load
from domain.errors import Code, ThreadloomError
from domain.ids import is_id, session_workflow_id, thread_workflow_id
from domain.messages import DeliverInput, OutcomesInput, Send, SerialNumber, ThreadOutcome, body
from domain.ports import RecordStore
from domain.session.observing import end_of
from domain.thread.mailbox import ABSENT
from domain.thread.snapshot import Snapshot
from domain.thread.state import ENDED
from domain.values import JsonObject, digest

_AT_ONCE = 20
_ID_LIMIT = 200
_NO_ANSWER = (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError)
_ENDED_BEFORE_UPDATE = "AcceptedUpdateCompletedWorkflow"
"""How the server tells that a workflow ended while an update of it was under way."""

T = TypeVar("T")


class MessagingActivities:
    """Activities over the threads that a thread speaks to.

    Args:
        client: Where they are reached.
        records: What is left of those that have passed retention.
    """

    def __init__(self, client: Client, records: RecordStore) -> None:
        self._client = client
        self._records = records

    @activity.defn(name="threadloom.deliver")
    async def deliver(self, input: DeliverInput) -> list[str]:
        """Put the message into the threads' mailboxes; tried again, none takes it twice.

        An attempt goes on where the last one stopped: a broadcast is for those who lived when it began, and who took
        it then may have ended since.

        Returns:
            The ids of those that took it.

        Raises:
            ApplicationError: A thread refuses it: `THREAD_NOT_FOUND`, `THREAD_ENDED`, `THREAD_NOT_STARTED` (none of
                these of a broadcast), `MAILBOX_FULL`, `PAYLOAD_TOO_LARGE`. Its details are those of the first
                refusal, and `delivered` and `refused` {id: code}. To be tried again: `THREAD_NOT_STARTED`;
                `NO_WORKER`, when a thread does not answer.
        """
        with as_failure():
            to, took_it = activity.info().heartbeat_details or (await self._recipients(input), [])
            before = frozenset(took_it)
            left = [name for name in to if name not in before]
            answers = dict(zip(left, await _each(left, lambda name: self._send(input, name)), strict=True))
            delivered = [name for name in to if answers.get(name) is None]
            refused = {
                name: error
                for name, error in answers.items()
                if error is not None and not (input.to is None and error.code in ABSENT)
            }
        if refused:
            activity.heartbeat(to, delivered)
            raise _undelivered(delivered, refused)
        return delivered

    async def _recipients(self, input: DeliverInput) -> list[str]:
        if input.to is not None:
            return list(dict.fromkeys(input.to))
        return [name for name in await self._living(input.session_id) if name != input.sender]

    async def _living(self, session_id: str) -> list[str]:
        handle = self._client.get_workflow_handle(session_workflow_id(session_id))
        try:
            threads: list[JsonObject] = await handle.query("threads", rpc_timeout=RPC_TIMEOUT)
        except _NO_ANSWER as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                raise ThreadloomError(Code.SESSION_NOT_FOUND, f"there is no session {session_id}") from error
            raise ThreadloomError(Code.NO_WORKER, f"session {session_id} does not answer: {error}") from error
        return [str(thread["thread_id"]) for thread in threads if thread["status"] not in ENDED]

    async def _send(self, input: DeliverInput, thread_id: str) -> ThreadloomError | None:
        """Send to one thread; why it did not take the message."""
        if not is_id(thread_id):
            return _no_such_thread(input.session_id, thread_id)
        message = _message(input)
        handle = self._handle(input.session_id, thread_id)
        try:
            await handle.execute_update("send", body(message), rpc_timeout=RPC_TIMEOUT)
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == _ENDED_BEFORE_UPDATE:
                return await self._gone(input.session_id, thread_id, message)
            return _refusal(thread_id, error.cause)
        except RPCTimeoutOrCancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            return ThreadloomError(Code.NO_WORKER, f"thread {thread_id} does not answer")
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._gone(input.session_id, thread_id, message)
            return ThreadloomError(Code.NO_WORKER, f"thread {thread_id} does not answer: {error.message}")
        return None

    async def _gone(self, session_id: str, thread_id: str, message: Send) -> ThreadloomError | None:
        """Why a thread takes no message: it has ended, has not begun, or never was.

        None when it took this one before it ended.
        """
        finding = await look(self._client, session_id, thread_id)
        if finding.status == RUNNING:
            return _not_started(thread_id)  # it was not there a moment ago
        if finding.status != MISSING:
            return None if await self._took(session_id, thread_id, message) else _ended(thread_id)
        entry = await self._entry(session_id, thread_id)
        if entry is not None and not entry["started"] and entry["status"] not in ENDED:
            return _not_started(thread_id)
        if entry is None and await self._records.thread(session_id, thread_id) is None:
            return _no_such_thread(session_id, thread_id)
        return _ended(thread_id)

    async def _took(self, session_id: str, thread_id: str, message: Send) -> bool:
        """Whether a thread that has ended took the message at an attempt whose answer was lost."""
        try:
            handle = self._handle(session_id, thread_id)
            answer = await handle.query("answer", message.command_id, rpc_timeout=RPC_TIMEOUT)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
            return False
        except RPCError as error:
            raise ThreadloomError(Code.NO_WORKER, f"thread {thread_id} does not answer: {error}") from error
        return answer is not None and answer["error"] is None and answer["digest"] == message.digest()

    async def _entry(self, session_id: str, thread_id: str) -> JsonObject | None:
        """What the session knows of the thread; None when nothing, or when it does not answer."""
        handle = self._client.get_workflow_handle(session_workflow_id(session_id))
        try:
            entry: JsonObject | None = await handle.query("thread", thread_id, rpc_timeout=RPC_TIMEOUT)
        except _NO_ANSWER:
            return None
        return entry

    @activity.defn(name="threadloom.outcomes")
    async def outcomes(self, input: OutcomesInput) -> list[ThreadOutcome]:
        """How the threads ended, in the order in which they are named; those that have not are left out."""
        with as_failure():
            found = await _each(input.thread_ids, lambda thread_id: self._outcome(input.session_id, thread_id))
            return [outcome for outcome in found if outcome is not None]

    async def _outcome(self, session_id: str, thread_id: str) -> ThreadOutcome | None:
        finding = await look(self._client, session_id, thread_id)
        if finding.status == "completed":
            told = await self._handle(session_id, thread_id).result(rpc_timeout=RPC_TIMEOUT)
            return ThreadOutcome.model_validate({**told, "thread_id": thread_id})
        if finding.status == RUNNING:
            return await self._last_word(session_id, thread_id)
        if finding.status == MISSING:
            row = await self._records.thread(session_id, thread_id)
            if row is not None and row.status in ENDED:
                return ThreadOutcome(thread_id=thread_id, status=row.status, result=row.result, error=row.error)
        status, error = end_of(finding)
        return ThreadOutcome(thread_id=thread_id, status=status.value, error=error)

    async def _last_word(self, session_id: str, thread_id: str) -> ThreadOutcome | None:
        """How a thread ended whose workflow goes on until its records are written."""
        try:
            told = await self._handle(session_id, thread_id).query("snapshot", rpc_timeout=RPC_TIMEOUT)
        except _NO_ANSWER as error:
            raise ThreadloomError(Code.NO_WORKER, f"thread {thread_id} does not answer: {error}") from error
        outcome = load(Snapshot, told).outcome
        if outcome is None:
            return None
        return ThreadOutcome(
            thread_id=thread_id,
            status=outcome.status.value,
            result=outcome.result,
            error=outcome.error.visible() if outcome.error else None,
        )

    def _handle(self, session_id: str, thread_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(thread_workflow_id(session_id, thread_id))


async def _each(names: Iterable[str], act: Callable[[str], Awaitable[T]]) -> list[T]:
    """What the act gives for each name, in order, some at a time."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> T:
        async with places:
            return await act(name)

    return await asyncio.gather(*(one(name) for name in names))


def _message(input: DeliverInput) -> Send:
    return Send(
        command_id=input.key if len(input.key) <= _ID_LIMIT else digest(input.key),
        actor=f"thread {input.sender}"[:_ID_LIMIT],
        body=input.body,
        name=input.name,
        type=input.type,
        sender=input.sender,
        serial=_serial(input.number),
    )


def _serial(number: int | None) -> SerialNumber | None:
    if number is None:
        return None
    sender = activity.info()
    return SerialNumber(sender_run=f"{sender.workflow_id}/{sender.workflow_run_id}", number=number)


def _refusal(thread_id: str, cause: BaseException | None) -> ThreadloomError:
    if not isinstance(cause, ApplicationError):
        return ThreadloomError(Code.INTERNAL, f"thread {thread_id} could not take the message: {cause}")
    details = cause.details[0] if cause.details and isinstance(cause.details[0], dict) else {}
    return ThreadloomError(cause.type or Code.INTERNAL, f"thread {thread_id}: {cause.message}", details)


def _not_started(thread_id: str) -> ThreadloomError:
    return ThreadloomError(Code.THREAD_NOT_STARTED, f"thread {thread_id} has not started yet")


def _ended(thread_id: str) -> ThreadloomError:
    return ThreadloomError(Code.THREAD_ENDED, f"thread {thread_id} has ended")


def _no_such_thread(session_id: str, thread_id: str) -> ThreadloomError:
    return ThreadloomError(Code.THREAD_NOT_FOUND, f"session {session_id[:80]} has no thread {thread_id[:80]!r}")


def _undelivered(delivered: list[str], refused: dict[str, ThreadloomError]) -> ApplicationError:
    """The failure of a delivery: for good when somebody refused the message, whoever may answer later."""
    final = [error for error in refused.values() if error.code not in PASSING]
    first = (final or list(refused.values()))[0]
    told = {"delivered": delivered, "refused": {name: error.code for name, error in refused.items()}}
    category = ApplicationErrorCategory.BENIGN if final else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(
        first.message, {**first.details, **told}, type=first.code, non_retryable=bool(final), category=category
    )
