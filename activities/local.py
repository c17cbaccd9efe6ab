"""Executes local nodes in a row: one local activity for many nodes."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.converter import PayloadConverter
from temporalio.exceptions import ApplicationError

from activities import handoff
from domain.codec import dump
from domain.errors import Code
from domain.messages import RunLocalInput, RunLocalResult
from domain.thread.ahead import next_local
from domain.thread.calls import ActivityCall
from domain.thread.inputs import LocalResult
from domain.thread.journal import Failure
from domain.values import Json, copied, is_json, size

RESULT_BYTES = 24 * 1024
"""Bytes of results after which a row ends, so that a row of small ones never needs the payload store."""

_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A team's activity, callable without Temporal in between."""

    call: Callable[..., Any]
    is_async: bool
    types: Sequence[Any] | None


class LocalActivities:
    """The activity that executes rows of local nodes.

    Args:
        functions: The worker's activities.
        converter: Makes arguments of the types that they ask for, and JSON of what they return.
        executor: Where those that are no coroutines run; the loop's own by default.
    """

    def __init__(
        self, functions: Iterable[Callable[..., Any]], converter: PayloadConverter, executor: Executor | None = None
    ) -> None:
        self._functions = dict(_named(functions))
        self._converter = converter
        self._executor = executor

    @activity.defn(name="threadloom.run_local")
    async def run(self, input: RunLocalInput) -> RunLocalResult:
        """Execute the call and the local nodes behind it, until something else comes or the bounds are reached."""
        row = handoff.take(input.key)
        if row is None:
            return RunLocalResult(results=[], again=input.execution, tried=False)
        program, state, call = row.program, row.state, row.call
        results: list[LocalResult] = []
        longest = _seconds(call)  # how long this activity may take was reckoned from its first call
        ends, room, now = time.monotonic() + input.seconds, RESULT_BYTES, input.now
        while True:
            try:
                outcome = await self._execute(call)
            except asyncio.CancelledError:
                return RunLocalResult(results=dump(results), cancelled=True)
            if isinstance(outcome, Failure) and _may_be_tried_again(call, outcome):
                return RunLocalResult(results=dump(results), again=call.key)
            now = max(now, datetime.now(UTC))
            failure = outcome if isinstance(outcome, Failure) else None
            value = None if isinstance(outcome, Failure) else outcome
            timed_out = failure is not None and call.took_all_its_time(failure)
            results.append(
                LocalResult(key=call.key, at=now, result=value, failure=_final(failure), timed_out=timed_out)
            )
            room -= size(value)
            if len(results) >= input.nodes or time.monotonic() >= ends or room <= 0:
                return RunLocalResult(results=dump(results))
            state, following = next_local(program, state, results[-1])
            if following is None or _seconds(following) > longest:
                return RunLocalResult(results=dump(results))
            call = following

    async def _execute(self, call: ActivityCall) -> Json | Failure:
        """What the function returned, or why it failed."""
        function = self._functions.get(call.activity)
        if function is None:
            return Failure(code=Code.ACTIVITY_FAILED, message=f"this worker has no activity {call.activity}")
        try:
            args = self._typed(call.args, function.types)
            async with asyncio.timeout(_seconds(call)):
                value = await self._call(function, args)
            return self._plain(call, value)
        except TimeoutError:
            message = f"{call.activity} took longer than its start_to_close"
            return Failure(code=Code.NODE_TIMEOUT, message=message, details={"timeout": "start_to_close"})
        except Exception as error:
            return _failure(error)

    async def _call(self, function: LocalFunction, args: Sequence[Any]) -> Any:
        if function.is_async:
            return await function.call(*args)
        context = contextvars.copy_context()
        work = functools.partial(context.run, function.call, *args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _typed(self, args: Sequence[Json], types: Sequence[Any] | None) -> Sequence[Any]:
        if types is None or all(_fits(arg, kind) for arg, kind in zip(args, types, strict=False)):
            # These are the thread's own values, or even its flow's, which all threads share; a function gets copies.
            return [copied(arg) for arg in args]
        hints = [*types, *([Any] * max(0, len(args) - len(types)))][: len(args)]
        return self._converter.from_payloads(self._converter.to_payloads(list(args)), hints)

    def _plain(self, call: ActivityCall, value: Any) -> Json | Failure:
        if not isinstance(value, _PLAIN):
            value = self._converter.from_payload(self._converter.to_payload(value))
        if not is_json(value):
            message = f"{call.activity} returned something that is not JSON"
            return Failure(code=Code.RESULT_UNREADABLE, message=message)
        return value


def _named(functions: Iterable[Callable[..., Any]]) -> Iterable[tuple[str, LocalFunction]]:
    for function in functions:
        defined = activity._Definition.from_callable(function)  # public nowhere else; a test notices if it goes
        if defined is not None and defined.name is not None:
            yield defined.name, LocalFunction(function, defined.is_async, defined.arg_types)


def _fits(value: Json, kind: Any) -> bool:
    return kind is Any or (isinstance(kind, type) and type(value) is kind and isinstance(value, _PLAIN))


def _seconds(call: ActivityCall) -> float:
    longest: timedelta = min(filter(None, (call.start_to_close, call.schedule_to_close)))
    return longest.total_seconds()


def _may_be_tried_again(call: ActivityCall, failure: Failure) -> bool:
    if call.took_all_its_time(failure):
        return False
    final = failure.details.get("non_retryable") is True or failure.code in call.retry.non_retryable
    return not final and call.retry.maximum_attempts != 1


def _final(failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    details = {name: value for name, value in failure.details.items() if name != "non_retryable"}
    return Failure(code=failure.code, message=failure.message, details=details)


def _failure(error: Exception) -> Failure:
    """Why a function failed, in the words of `workflows.failures.activity_failure`."""
    if not isinstance(error, ApplicationError):
        return Failure(code=type(error).__name__, message=str(error)[:2_000])
    details: dict[str, Json] = {}
    if error.details and is_json(list(error.details)):
        details["details"] = list(error.details)
    if error.non_retryable:
        details["non_retryable"] = True
    return Failure(code=error.type or Code.ACTIVITY_FAILED, message=error.message[:2_000], details=details)
