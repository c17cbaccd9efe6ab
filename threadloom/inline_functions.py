"""Registering functions for nodes with `mode: inline`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from domain.errors import Code, ThreadloomError
from domain.thread.functions import USUAL_MILLISECONDS, register

MARK = "__threadloom_registered__"
"""The attribute that holds the name of a registered function."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def inline(
    name: str | None = None, *, version: str, milliseconds: float = USUAL_MILLISECONDS
) -> Callable[[_Function], _Function]:
    """Register a pure function that `mode: inline` nodes call as `name@version`.

        @inline(version="1")
        def score(order: dict[str, int]) -> int:
            return order["quantity"] * order["price"]

    The function runs in the workflow itself: it takes JSON and returns JSON, at once, and does nothing
    else. It runs again whenever a history is replayed, so the same arguments have to give the same
    result in every later release of the code too. Nothing checks that: who changes what a registered
    function gives, and does not give it another version, breaks the threads that have called it. An
    old version goes when no thread that called it is alive.

    A worker registers it by importing its module: `worker.py --tasks MODULE`, or an import beside the
    worker's own. Where it is not registered, the node fails with `FUNCTION_NOT_FOUND`.

    Args:
        name: The function's own by default.
        version: Letters, digits, dots, dashes and underscores.
        milliseconds: About how long it takes at most: a workflow task ends when 200 ms of functions add up.
            A part of the registered function, which a new version may change. One that may take seconds
            belongs into an activity.

    Raises:
        ThreadloomError: `TASKS_UNLOADABLE` for a malformed name or version, for one that means another
            function already, and for a coroutine function.
    """

    def registered(function: _Function) -> _Function:
        full = f"{name or function.__name__}@{version}"
        if inspect.iscoroutinefunction(function):
            raise ThreadloomError(Code.TASKS_UNLOADABLE, f"{full} is async; an inline function answers at once")
        register(full, function, milliseconds=milliseconds)
        setattr(function, MARK, full)
        return function

    return registered
