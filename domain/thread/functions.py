"""Functions that run in the workflow itself, for `mode: inline`.

They are computed again whenever a thread's history is replayed, so they have to be pure: the same
arguments give the same result, in every later version of the program too. That is why a name
carries a version, and a registered one never changes. What it costs is a part of it: where a workflow
task ends depends on it, and on a replay it has to end there again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.errors import Code, ThreadloomError

Function = Callable[..., Any]

USUAL_MILLISECONDS = 20.0
"""What a function is taken to cost that does not say."""

SLOW = 10
"""How many times as long as it says a function may take before a warning tells of it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A function, and about how long it takes at most."""

    function: Function
    milliseconds: float


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}@[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_functions: dict[str, Registered] = {}


def register(name: str, function: Function, *, milliseconds: float = USUAL_MILLISECONDS) -> None:
    """Register a pure function under `name@version`; the same one again changes nothing.

    Args:
        name: Its name and version.
        function: Takes and gives JSON.
        milliseconds: About how long it takes at most. Functions run until 200 ms of them add up, then the
            workflow task ends; one that takes two seconds by itself would be taken for stuck.

    Raises:
        ThreadloomError: `TASKS_UNLOADABLE` for a malformed name, or one that means another function.
    """
    if not _NAME.match(name):
        raise ThreadloomError(Code.TASKS_UNLOADABLE, f"{name[:120]!r} is no `name@version` of an inline function")
    known = _functions.setdefault(name, Registered(function, milliseconds))
    if (_place(known.function), known.milliseconds) != (_place(function), milliseconds):
        message = f"{name} is {_place(known.function)} already, and now {_place(function)}: give one another version"
        raise ThreadloomError(Code.TASKS_UNLOADABLE, message)


def _place(function: Function) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def function_named(name: str) -> Registered:
    """The function that a node calls.

    Raises:
        ThreadloomError: `FUNCTION_NOT_FOUND`; nodes that call it fail, as a replay could not go on.
    """
    try:
        return _functions[name]
    except KeyError:
        known = ", ".join(sorted(_functions)) or "none"
        message = f"no inline function is registered as {name}; registered: {known}"
        raise ThreadloomError(Code.FUNCTION_NOT_FOUND, message) from None
