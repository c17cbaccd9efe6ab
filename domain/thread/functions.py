"""Functions that run in the workflow itself, for `mode: inline`; see `domain.registry`.

What one costs is a part of it: where a workflow task ends depends on it, and on a replay it has to end
there again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.registry import Registry

Function = Callable[..., Any]

USUAL_MILLISECONDS = 20.0
"""What a function is taken to cost that does not say."""

SLOW = 10
"""How many times as long as it says a function may take before a warning tells of it."""

_functions: Registry[Function] = Registry("an inline function")


@dataclass(frozen=True, slots=True)
class Registered:
    """A function, and about how long it takes at most."""

    function: Function
    milliseconds: float


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
    _functions.register(name, function, milliseconds)


def function_named(name: str) -> Registered:
    """The function that a node calls.

    Raises:
        ThreadloomError: `FUNCTION_NOT_FOUND`; nodes that call it fail, as a replay could not go on.
    """
    found = _functions.find(name)
    if found is None:
        known = ", ".join(_functions.names()) or "none"
        message = f"no inline function is registered as {name}; registered: {known}"
        raise ThreadloomError(Code.FUNCTION_NOT_FOUND, message)
    return Registered(*found)
