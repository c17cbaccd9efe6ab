"""Functions that a team registers to be called by workflows, under `name@version`.

A workflow calls them again whenever its history is replayed, so they have to be pure: the same arguments
give the same result, in every later version of the program too. That is why a name carries a version,
and a registered one never changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from domain.errors import Code, ThreadloomError

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}@[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class NotRegisteredError(Exception):
    """A workflow needs a function that this worker does not have.

    No outcome of the workflow: its task fails and is tried again, until a worker has it that does.
    """


class Registry(Generic[F]):
    """Functions of one kind.

    Args:
        kind: What they are called in messages.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._functions: dict[str, tuple[F, object]] = {}

    def register(self, name: str, function: F, about: object = None) -> None:
        """Register a function under `name@version`; the same one again changes nothing.

        Args:
            name: Its name and version.
            function: What to call.
            about: What else is a part of it and never changes.

        Raises:
            ThreadloomError: `TASKS_UNLOADABLE` for a malformed name, or one that means another function.
        """
        if not self.is_name(name):
            raise ThreadloomError(Code.TASKS_UNLOADABLE, f"{name[:120]!r} is no `name@version` of {self._kind}")
        known, as_registered = self._functions.setdefault(name, (function, about))
        if (_place(known), as_registered) != (_place(function), about):
            message = f"{name} is {_place(known)} already, and now {_place(function)}: give one another version"
            raise ThreadloomError(Code.TASKS_UNLOADABLE, message)

    def find(self, name: str) -> tuple[F, Any] | None:
        """The function of that name and what else was registered of it, if there is one."""
        return self._functions.get(name)

    @staticmethod
    def is_name(name: str) -> bool:
        """Whether something can be registered under the name."""
        return _NAME.match(name) is not None

    def names(self) -> Sequence[str]:
        """What is registered, sorted."""
        return sorted(self._functions)


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
