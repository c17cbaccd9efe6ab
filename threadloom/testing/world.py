"""The world outside a flow: mocks first, then real functions, then an error that says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.exceptions import FailureError

from domain.errors import Code, ThreadloomError
from domain.http import HTTP_ACTIVITY
from domain.thread.active import Role
from domain.thread.calls import ActivityCall, RetryRule, SessionRequest, WorkflowCall
from domain.thread.functions import function_named
from domain.thread.journal import Failure
from domain.thread.state import ENDED
from domain.values import Json, JsonObject
from threadloom.testing.functions import Functions, plain
from threadloom.testing.mocks import Fail, Mock, MockError, Mocks
from workflows.failures import activity_failure

OUTCOMES = "threadloom.outcomes"
"""The product's own activity that reads how joined threads ended."""

_REQUEST = ("method", "url", "query", "headers", "json", "body")
_MESSAGE = ("to", "name", "type", "body", "session_id")
_NOT_TOLD = ("flow", "flows", "actor", "command_id")


@dataclass(slots=True)
class Task:
    """An activity or a workflow in flight.

    Attributes:
        kind: The node's.
        began: When its first attempt was due.
        due: When its next one is.
        interval: Between the last attempt and the next.
    """

    call: ActivityCall | WorkflowCall
    kind: str
    role: Role
    began: datetime
    due: datetime
    interval: timedelta | None = None
    attempts: int = 0

    @property
    def name(self) -> str:
        return self.call.activity if isinstance(self.call, ActivityCall) else self.call.workflow

    @property
    def item(self) -> int | None:
        return self.call.item if isinstance(self.call, ActivityCall) else None

    @property
    def retry(self) -> RetryRule | None:
        """How it is tried again; what runs in the workflow itself is not."""
        inline = isinstance(self.call, ActivityCall) and self.call.mode == "inline"
        return None if inline else self.call.retry

    @property
    def longest(self) -> timedelta | None:
        """Its time, attempts included."""
        if isinstance(self.call, ActivityCall):
            return self.call.schedule_to_close
        return self.call.execution_timeout

    @property
    def beyond_its_time(self) -> bool:
        """Whether another attempt would come too late."""
        return self.longest is not None and self.due > self.began + self.longest

    @property
    def args(self) -> tuple[Json, ...]:
        """What it asks with, in the words of the flow."""
        if self.name == HTTP_ACTIVITY:
            return (_picked(self.call.args[0], _REQUEST),)
        return (_picked(self.call.args[0], _MESSAGE),) if self.is_message else self.call.args

    @property
    def is_message(self) -> bool:
        return self.kind == "send" and self.role == "node"


@dataclass(frozen=True, slots=True)
class Broken:
    """An attempt that failed."""

    failure: Failure
    retryable: bool


class World:
    """Answers what a flow asks.

    Attributes:
        sent: Messages that were sent.
    """

    def __init__(self, mocks: Mocks, functions: Functions) -> None:
        self._mocks = mocks
        self._functions = functions
        self._joined: dict[str, JsonObject] = {}
        self.sent: list[JsonObject] = []

    def attempt(self, task: Task) -> Json | Broken:
        """One attempt at a task.

        Raises:
            MockError: `MOCK_MISSING`, `INVALID_ARGUMENT`.
        """
        if task.name == OUTCOMES:
            return [self._joined[thread] for thread in task.call.args[0]["thread_ids"]]
        mock = self._mock_of(task)
        if mock is not None:
            answer = self._mocked(mock, task.args, task.item)
            if isinstance(answer, Broken):
                return answer
            answer = _response(mock, answer, task) if task.name == HTTP_ACTIVITY else answer
        else:
            answer = _guarded(self._real(task))
        if task.is_message and not isinstance(answer, Broken):
            self.sent.append(task.args[0])
        return answer

    def threads(self, request: SessionRequest, node: str) -> tuple[tuple[str, JsonObject | None], ...]:
        """The session's answer to a spawn or a fork: the mock's ids, or those that the node chose."""
        ids = [command["thread_id"] for command in request.commands]
        mock = self._mocks.of_node(node)
        if mock is None:
            return tuple((thread, None) for thread in ids)
        answer = self._mocked(mock, [asked(request)])
        if isinstance(answer, Broken):
            return tuple((thread, answer.failure.visible()) for thread in ids)
        if not isinstance(answer, list) or not all(isinstance(thread, str) for thread in answer):
            raise mock.wrong("is of a node that starts threads: the list of their ids")
        return tuple((thread, None) for thread in answer)

    def standings(self, request: SessionRequest, node: str) -> dict[str, str] | Broken:
        """How the threads that a join waits for have ended: those that its mock has rows for."""
        mock = self._mocks.of_node(node)
        if mock is None:
            return {}
        answer = self._mocked(mock, [list(request.threads)])
        if isinstance(answer, Broken):
            return answer
        if not isinstance(answer, list) or len(answer) > len(request.threads):
            raise mock.wrong(f"is of a join: [{{thread_id, status, result, error}}] for {', '.join(request.threads)}")
        rows = [_row(mock, row, request.threads, place) for place, row in enumerate(answer)]
        self._joined |= {row["thread_id"]: row for row in rows}
        return {row["thread_id"]: row["status"] for row in rows}

    def person(self, node: str, request: JsonObject) -> JsonObject | Broken | None:
        """The answer to an approval: {choice, data, actor, reason}; None when nobody answers."""
        mock = self._mocks.of_node(node)
        if mock is None:
            return None
        answer = self._mocked(mock, [request])
        if isinstance(answer, Broken):
            return answer
        answer = {"choice": answer} if isinstance(answer, str) else answer
        if not isinstance(answer, dict) or not isinstance(answer.get("choice"), str) or answer.keys() - _ANSWER:
            raise mock.wrong("is of an approval: a choice, or {choice, data, actor, reason}")
        return {"actor": "mock", **answer}

    def message(self, node: str, name: str | None) -> JsonObject | Broken | None:
        """The message {name, body} that a receive is to get; None when none comes."""
        mock = self._mocks.of_node(node)
        if mock is None:
            return None
        body = self._mocked(mock, [])
        return body if isinstance(body, Broken) else {"name": name, "body": body}

    def _mock_of(self, task: Task) -> Mock | None:
        if task.role != "node":
            return self._mocks.of_activity(task.name)
        return self._mocks.of_node(task.call.node, task.name if task.kind in ("activity", "map") else None)

    def _mocked(self, mock: Mock, args: Sequence[Json], item: int | None = None) -> Json | Broken:
        try:
            answer = mock.answer(args, item)
        except (AssertionError, MockError):
            raise  # the test's own, and no failure of the node
        except Exception as error:
            return broken(error)
        try:
            return plain(answer)
        except Exception as error:
            raise mock.wrong(f"gives a {type(answer).__name__}, which is not JSON") from error

    def _real(self, task: Task) -> Callable[[], Any]:
        call = task.call
        if task.is_message:
            return lambda: call.args[0]["to"] or []
        if isinstance(call, ActivityCall) and call.mode == "inline":
            return lambda: function_named(call.activity).function(*call.args)
        if isinstance(call, ActivityCall) and call.activity in self._functions:
            return lambda: self._functions.call(call.activity, call.args, id=call.key, attempt=task.attempts)
        raise _missing(task)


def asked(request: SessionRequest) -> list[Json]:
    """What a node asks its session for, without the flows' documents."""
    if not request.commands:
        return list(request.threads)
    return [{key: value for key, value in each.items() if key not in _NOT_TOLD} for each in request.commands]


def broken(error: Exception) -> Broken:
    """A failed attempt, in the words in which a worker's failures arrive."""
    match error:
        case Fail():
            return Broken(Failure(code=error.code, message=error.message, details=error.details), error.retryable)
        case FailureError():
            retryable = not getattr(error, "non_retryable", False)
            return Broken(activity_failure(error), retryable)
        case ThreadloomError():
            return Broken(Failure(code=error.code, message=error.message), retryable=True)
        case _:
            code = str(getattr(error, "code", None) or type(error).__name__)
            return Broken(Failure(code=code, message=str(error)[:2_000]), retryable=True)


_ANSWER = {"choice", "data", "actor", "reason"}


def _guarded(work: Callable[[], Any]) -> Json | Broken:
    try:
        value = work()
    except Exception as error:
        return broken(error)
    try:
        return plain(value)
    except Exception as error:
        return Broken(Failure(code=Code.RESULT_UNREADABLE, message=f"the function returned {error}"), retryable=False)


def _response(mock: Mock, answer: Json, task: Task) -> JsonObject | Broken:
    """The answer to a request, or the failure that its status amounts to."""
    if not isinstance(answer, dict) or not answer or answer.keys() - {"status", "headers", "body"}:
        raise mock.wrong("is of a request: {status, headers, body}, or some of these")
    response: JsonObject = {"status": 200, "headers": {}, "body": None, **answer}
    status, request = response["status"], task.call.args[0]
    if status not in request["statuses"] and status < 400:
        return response
    message = f"{request['method']} was answered with status {status}"
    failure = Failure(code=f"HTTP_{status}", message=message, details={"details": [response]})
    return Broken(failure, retryable=status in request["statuses"])


def _row(mock: Mock, row: Json, threads: Sequence[str], place: int) -> JsonObject:
    if not isinstance(row, dict):
        raise mock.wrong("has a row that is no {thread_id, status, result, error}")
    status = "failed" if row.get("error") else "completed"
    whole: JsonObject = {"thread_id": threads[place], "status": status, "result": None, "error": None, **row}
    if whole["thread_id"] not in threads:
        raise mock.wrong(f"has a row for {whole['thread_id']}, and the join waits for {', '.join(threads)}")
    if whole["status"] not in ENDED:
        raise mock.wrong(f"has the status {whole['status']}, which is none of {', '.join(sorted(ENDED))}")
    return whole


def _picked(values: JsonObject, names: Sequence[str]) -> JsonObject:
    return {name: values.get(name) for name in names}


def _missing(task: Task) -> MockError:
    node = task.call.node
    if task.role != "node":
        what = f"the activity {task.name}, {task.role} of {node}, has no mock"
        key = f"activity:{task.name}"
    else:
        what, key = f"{node} ({task.kind} {task.name}) has no mock", node
    functions = ", nor was its function given" if isinstance(task.call, ActivityCall) else ""
    details = {"node": node, "visit": task.call.visit, "kind": task.kind, "mock": key, "args": list(task.args)}
    return MockError(Code.MOCK_MISSING, f"{what}{functions}: mock it as {key}", details)
