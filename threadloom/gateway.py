"""Everything that is said to Temporal, and what its errors mean. No error of the SDK leaves this module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Code, ThreadloomError
from domain.ids import session_workflow_id
from domain.values import JsonObject
from threadloom import search_attributes
from threadloom.listing import Listed, find_workflows, has_workflows, status_name
from threadloom.pollers import find_pollers
from workflows.failures import activity_failure, from_failure

T = TypeVar("T")

QUERY_SECONDS = 4.0
"""A worker answers a query in milliseconds. Without one the server would wait for half a minute."""

CALL_SECONDS = 4.0
"""What the server answers by itself, it answers in milliseconds."""

UPDATE_SECONDS = 4.5
"""How long one attempt of an update waits; with a query behind it, still well below ten seconds."""

_NO_HANDLER = "RuntimeError"
"""The type of the SDK's failure when a workflow has no handler of an update's name."""

_ENDED_BEFORE_UPDATE = "AcceptedUpdateCompletedWorkflow"
"""The server's failure for an update whose workflow ended without finishing it."""


class MissingError(Exception):
    """Temporal has no such workflow, or it has ended and takes no more messages."""


class UnansweredError(Exception):
    """Temporal took the call and nobody answered it: no worker, or a workflow that cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A workflow as Temporal sees it; needs no worker.

    Attributes:
        task_queue: Where its own tasks go, and those of activities that name no other queue.
        history_length: Events of this run so far.
        status: `running`, `completed`, `failed`, `canceled`, `terminated` or `timed_out`.
    """

    run_id: str
    task_queue: str
    history_length: int
    status: str
    closed_at: datetime | None
    pending: Sequence[PendingActivityInfo]
    memo: Mapping[str, Payload]

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def cut_off(self) -> bool:
        """Whether the workflow ended without having come to its own end."""
        return self.status not in ("running", "completed")


class Gateway:
    """Calls to Temporal with short time limits.

    Every method raises `ThreadloomError` with `SERVER_UNREACHABLE`, besides what it says itself.

    Args:
        client: A Temporal client that has the `ThreadloomPlugin`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._client.service_client.config.target_host

    async def look(self, workflow_id: str) -> Sighting | None:
        """The latest run of a workflow; None when Temporal has none.

        This asks for the message itself and not through the SDK's handle, which raises where the
        server uses a status that the SDK does not know. Whatever is not closed counts as running.
        """
        request = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        )
        service = self._client.workflow_service
        call = service.describe_workflow_execution(request, retry=True, timeout=timedelta(seconds=CALL_SECONDS))
        try:
            found = await self._from_server(call)
        except MissingError:
            return None
        info = found.workflow_execution_info
        closed = info.HasField("close_time")
        return Sighting(
            run_id=info.execution.run_id,
            task_queue=info.task_queue,
            history_length=info.history_length,
            status=status_name(info.status) if closed else "running",
            closed_at=info.close_time.ToDatetime(UTC) if closed else None,
            pending=list(found.pending_activities),
            memo=dict(info.memo.fields),
        )

    async def listed(self, workflow: str, limit: int) -> list[Listed]:
        """Workflows of a type, the living first: of each id the newest run. Needs no worker."""
        return await self._from_server(find_workflows(self._client, workflow, limit))

    async def has_threads(self, session_id: str) -> bool:
        """Whether Temporal's list names any thread of the session."""
        return await self._from_server(has_workflows(self._client, f"{session_workflow_id(session_id)}/thread/"))

    async def noted(self, seen: Sighting, name: str) -> Any:
        """What a workflow's memo says under this name; None when it says nothing."""
        if name not in seen.memo:
            return None
        return (await self._from_server(self._client.data_converter.decode([seen.memo[name]])))[0]

    async def polled(self, task_queue: str) -> bool:
        """Whether a worker has asked this queue for activities within the last minutes."""
        return bool((await find_pollers(self._client, task_queue)).activities)

    async def query(self, workflow_id: str, name: str, *args: Any, seconds: float = QUERY_SECONDS) -> Any:
        """What the workflow answers.

        Raises:
            MissingError: Temporal has no such workflow.
            UnansweredError: No worker answers, or only with a failure.
            ThreadloomError: `RESULT_UNREADABLE`, `DATABASE_UNREACHABLE` (a large answer).
        """
        call = self._handle(workflow_id).query(name, args=args, rpc_timeout=timedelta(seconds=seconds))
        try:
            return await self._answered(call, seconds)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise UnansweredError(str(error)) from error

    async def signal(self, workflow_id: str, name: str, message: JsonObject) -> None:
        """Send a signal. Needs no worker.

        Raises:
            MissingError: There is no such workflow, or it has ended.
        """
        call = self._handle(workflow_id).signal(name, message, rpc_timeout=timedelta(seconds=CALL_SECONDS))
        await self._from_server(call)

    async def update(self, workflow_id: str, name: str, message: JsonObject, *, update_id: str) -> JsonObject:
        """Send an update and wait a few seconds for its answer; sending it again joins the first.

        Raises:
            MissingError: There is no such workflow, or it has ended.
            UnansweredError: Nobody has answered yet.
            ThreadloomError: The refusal; `NO_WORKER` when the worker does not know this update.
        """
        bound = timedelta(seconds=UPDATE_SECONDS)
        call = self._handle(workflow_id).execute_update(name, message, id=update_id, rpc_timeout=bound)
        try:
            answer: JsonObject = await self._answered(call, UPDATE_SECONDS)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error.cause) from error
        except RPCTimeoutOrCancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # The SDK turns the cancellation of its caller into an error like any other.
                raise asyncio.CancelledError from error
            raise UnansweredError("time-out") from error
        return answer

    async def start(
        self,
        workflow: str,
        message: JsonObject,
        *,
        workflow_id: str,
        task_queue: str,
        memo: Mapping[str, Any],
        again: bool = False,
    ) -> bool:
        """Start a workflow whose id was never used, or with `again` is not in use; False when it was, or is."""
        reuse = WorkflowIDReusePolicy
        call = self._client.start_workflow(
            workflow,
            message,
            id=workflow_id,
            task_queue=task_queue,
            id_reuse_policy=reuse.ALLOW_DUPLICATE if again else reuse.REJECT_DUPLICATE,
            memo=memo,
            rpc_timeout=timedelta(seconds=CALL_SECONDS),
        )
        try:
            await self._from_server(call)
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def searchable(self) -> bool:
        """Whether the server has our search attributes; a workflow that set others would wait for ever."""
        return await search_attributes.missing(self._client) == []

    async def result(self, workflow_id: str) -> Any:
        """What the workflow returns, when it does; as long as it takes.

        Raises:
            MissingError: There is no such workflow.
            UnansweredError: It was terminated, or ended in another way without a result.
        """
        try:
            return await self._answered(self._handle(workflow_id).result(), None)
        except WorkflowFailureError as error:
            raise UnansweredError(str(error.cause)) from error

    async def refusal(self, workflow_id: str) -> ThreadloomError | None:
        """Why a workflow that has closed failed; None when it did not fail."""
        try:
            await self._answered(self._handle(workflow_id).result(), CALL_SECONDS)
        except WorkflowFailureError as error:
            return from_failure(error.cause) if isinstance(error.cause, ApplicationError) else None
        except (MissingError, UnansweredError):
            return None
        return None

    async def events(self, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
        """The events of one run's history; none when Temporal no longer has it."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        pages = handle.fetch_history_events(rpc_timeout=timedelta(seconds=CALL_SECONDS))
        while True:
            try:
                event = await self._from_server(anext(pages))
            except (StopAsyncIteration, MissingError):
                return
            yield event

    async def failure(self, activity: PendingActivityInfo) -> JsonObject | None:
        """{code, message} of the activity's last failure, as the node would have it; None without one."""
        if not activity.HasField("last_failure"):
            return None
        try:
            error = await self._from_server(self._client.data_converter.decode_failure(activity.last_failure))
        except ThreadloomError as unreadable:
            return {"code": unreadable.code, "message": unreadable.message}
        told = activity_failure(error)
        return {"code": told.code, "message": told.message}

    def _handle(self, workflow_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(workflow_id)

    async def _from_server(self, call: Awaitable[T]) -> T:
        """The answer of the server itself: when it gives none, it is not there."""
        try:
            return await self._answered(call, CALL_SECONDS)
        except UnansweredError as error:
            raise self._unreachable(str(error)) from error

    async def _answered(self, call: Awaitable[T], bound: float | None) -> T:
        """The call's answer. The SDK tries again for long where it cannot connect, hence the bound."""
        try:
            async with asyncio.timeout(bound and bound + 0.5):
                return await call
        except TimeoutError as error:
            raise UnansweredError("time-out") from error
        except RPCError as error:
            raise self._meaning(error) from error
        except ValueError as error:
            # The SDK does not know a status that the server uses.
            raise UnansweredError(str(error)) from error
        except (RuntimeError, KeyError, NotImplementedError) as error:
            message = f"the answer cannot be read: {type(error).__name__}: {error}"
            raise ThreadloomError(Code.RESULT_UNREADABLE, message) from error

    def _meaning(self, error: RPCError) -> Exception:
        match error.status:
            case RPCStatusCode.NOT_FOUND if not _names_namespace(error):
                return MissingError(error.message)
            case (
                RPCStatusCode.NOT_FOUND
                | RPCStatusCode.UNAVAILABLE
                | RPCStatusCode.UNAUTHENTICATED
                | RPCStatusCode.PERMISSION_DENIED
            ):
                return self._unreachable(error.message)
            case RPCStatusCode.INVALID_ARGUMENT:
                return ThreadloomError(Code.INVALID_ARGUMENT, f"Temporal refuses this: {error.message}")
            case _:
                return UnansweredError(error.message)

    def _unreachable(self, why: str) -> ThreadloomError:
        message = f"the Temporal server at {self.address} does not answer: {why}"
        return ThreadloomError(Code.SERVER_UNREACHABLE, message, {"address": self.address})


def _names_namespace(error: RPCError) -> bool:
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


def _refusal(cause: BaseException | None) -> Exception:
    if not isinstance(cause, ApplicationError):
        return ThreadloomError(Code.INTERNAL, f"the update failed: {cause}")
    if cause.type == _ENDED_BEFORE_UPDATE:
        return MissingError(cause.message)
    if cause.type == _NO_HANDLER:
        return ThreadloomError(Code.NO_WORKER, f"the worker is of another version: {cause.message}")
    return from_failure(cause)
