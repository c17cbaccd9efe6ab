"""What Temporal's answers and errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.api.common.v1 import GrpcStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import ThreadloomError
from threadloom import gateway as module
from threadloom.gateway import Gateway, MissingError, UnansweredError

Describe = Callable[[], Awaitable[DescribeWorkflowExecutionResponse]]
PAUSED_IN_THE_SERVER = 8
"""A status that the server uses and the SDK does not know."""


def over(describe: Describe) -> Gateway:
    """A gateway to a server that describes every workflow like this."""

    async def describe_workflow_execution(*_: Any, **__: Any) -> DescribeWorkflowExecutionResponse:
        return await describe()

    client = SimpleNamespace(
        namespace="default",
        data_converter=DataConverter.default,
        service_client=SimpleNamespace(config=SimpleNamespace(target_host="temporal:7233")),
        workflow_service=SimpleNamespace(describe_workflow_execution=describe_workflow_execution),
    )
    return Gateway(cast(Client, client))


def answering(status: int, *, closed: datetime | None = None) -> Describe:
    async def describe() -> DescribeWorkflowExecutionResponse:
        response = DescribeWorkflowExecutionResponse()
        response.workflow_execution_info.execution.run_id = "run"
        response.workflow_execution_info.status = status  # type: ignore[assignment]
        if closed is not None:
            response.workflow_execution_info.close_time.FromDatetime(closed)
        return response

    return describe


def failing(status: RPCStatusCode, message: str = "no") -> Describe:
    async def describe() -> DescribeWorkflowExecutionResponse:
        raise RPCError(message, status, GrpcStatus().SerializeToString())

    return describe


@pytest.mark.parametrize("status", [1, PAUSED_IN_THE_SERVER, 99])
async def test_what_is_not_closed_runs_whatever_its_status_is_called(status: int) -> None:
    seen = await over(answering(status)).look("w")
    assert seen is not None
    assert (seen.status, seen.running, seen.cut_off, seen.closed_at) == ("running", True, False, None)


@pytest.mark.parametrize(
    ("status", "name", "cut_off"),
    [
        (2, "completed", False),
        (3, "failed", True),
        (5, "terminated", True),
        (7, "timed_out", True),
        (99, "status_99", True),
    ],
)
async def test_how_a_workflow_has_closed(status: int, name: str, cut_off: bool) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    seen = await over(answering(status, closed=at)).look("w")
    assert seen is not None
    assert (seen.status, seen.running, seen.cut_off, seen.closed_at) == (name, False, cut_off, at)


async def test_a_workflow_that_is_not_there() -> None:
    assert await over(failing(RPCStatusCode.NOT_FOUND)).look("w") is None


@pytest.mark.parametrize(
    "status",
    [
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.INTERNAL,
    ],
)
async def test_a_server_that_does_not_do_its_part(status: RPCStatusCode) -> None:
    with pytest.raises(ThreadloomError, match=r"SERVER_UNREACHABLE.*temporal:7233.*refused") as refused:
        await over(failing(status, "refused")).look("w")
    assert refused.value.details == {"address": "temporal:7233"}


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> DescribeWorkflowExecutionResponse:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(module, "CALL_SECONDS", -0.4)
    with pytest.raises(ThreadloomError, match="SERVER_UNREACHABLE"):
        await over(hang).look("w")


def asked(error: Exception) -> Gateway:
    """A gateway to workflows that answer every question with this error."""

    async def query(*_: Any, **__: Any) -> None:
        raise error

    client = SimpleNamespace(
        service_client=SimpleNamespace(config=SimpleNamespace(target_host="temporal:7233")),
        get_workflow_handle=lambda _: SimpleNamespace(query=query),
    )
    return Gateway(cast(Client, client))


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("no", status, GrpcStatus().SerializeToString())


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (rpc(RPCStatusCode.DEADLINE_EXCEEDED), UnansweredError),
        (rpc(RPCStatusCode.CANCELLED), UnansweredError),
        (rpc(RPCStatusCode.FAILED_PRECONDITION), UnansweredError),
        (ValueError("8 is not a valid WorkflowExecutionStatus"), UnansweredError),
        (rpc(RPCStatusCode.NOT_FOUND), MissingError),
        (rpc(RPCStatusCode.UNAVAILABLE), ThreadloomError),
        (KeyError("unknown encoding"), ThreadloomError),
    ],
)
async def test_a_question_that_is_not_answered(error: Exception, meaning: type[Exception]) -> None:
    with pytest.raises(meaning):
        await asked(error).query("w", "describe")
