"""Calling a team's own activities in the process, as a worker would: typed arguments in, JSON out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from temporalio import activity
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.testing import ActivityEnvironment

from domain.errors import Code, ThreadloomError
from domain.values import Json, is_json


@dataclass(frozen=True, slots=True)
class _Function:
    call: Callable[..., Any]
    is_async: bool
    types: Sequence[Any] | None


class Functions:
    """Activities by name. Closes the loop of those that are async when its block ends.

    Args:
        functions: Functions, or methods of instances, marked with `@activity.defn`.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for one that is not marked.
    """

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self._functions = dict(_named(function) for function in functions)
        self._loop = _Loop()

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def __enter__(self) -> Functions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.close()

    def call(self, name: str, args: Sequence[Json], *, id: str, attempt: int) -> Json:
        """Run the activity in an activity's context. Raises what it raises."""
        function = self._functions[name]
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, activity_type=name, activity_id=id, attempt=attempt)
        typed = _typed(args, function.types)
        if not function.is_async:
            return environment.run(function.call, *typed)

        async def run() -> Any:
            # Within the loop: the context makes an event that belongs to it.
            return await environment.run(function.call, *typed)

        return self._loop.run(run)


class _Loop:
    """An event loop in a thread of its own, since the caller may itself be running in one."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._runner = asyncio.Runner()
        self._left = False

    def run(self, work: Callable[[], Any]) -> Any:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="activities")
        try:
            return self._thread.submit(lambda: self._runner.run(work())).result()
        except KeyboardInterrupt:
            # Whoever gave up must not wait for what he gave up.
            self._left = True
            raise

    def close(self) -> None:
        if self._thread is not None:
            closed = self._thread.submit(self._runner.close)
            if not self._left:
                closed.result()
            self._thread.shutdown(wait=not self._left)


def plain(value: Any) -> Json:
    """The value as it comes out of Temporal: JSON.

    Raises:
        TypeError: It cannot be made JSON.
    """
    if value is None or isinstance(value, str | int | bool):
        return value
    converter = PydanticPayloadConverter()
    made = value if is_json(value) else converter.from_payload(converter.to_payload(value))
    if not is_json(made):
        raise TypeError("something that is not JSON")
    return made


def _named(function: Callable[..., Any]) -> tuple[str, _Function]:
    defined = activity._Definition.from_callable(function)  # the SDK has no public way to ask
    if defined is None or defined.name is None:
        name = getattr(function, "__qualname__", repr(function))
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"{name} is not marked with @activity.defn")
    return defined.name, _Function(function, defined.is_async, defined.arg_types)


def _typed(args: Sequence[Json], types: Sequence[Any] | None) -> Sequence[Any]:
    if types is None or not args:
        return args
    converter = PydanticPayloadConverter()
    hints = [*types, *([Any] * max(0, len(args) - len(types)))][: len(args)]
    return converter.from_payloads(converter.to_payloads(list(args)), hints)
