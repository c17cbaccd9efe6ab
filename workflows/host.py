"""What all our workflow classes do at their entry points: keep the entity, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.messages import Command, read
from domain.values import JsonObject
from workflows.entity import Entity
from workflows.failures import defect, to_failure

E = TypeVar("E", bound=Entity[Any, Any, Any, Any])
M = TypeVar("M", bound=BaseModel)


class Host(Generic[E]):
    """Where a workflow's entity lives.

    A workflow that cannot begin still answers: everybody who asks is told why, and signals are lost on it.

    Args:
        begin: Makes the entity from the workflow's arguments.
    """

    def __init__(self, begin: Callable[[], E]) -> None:
        self._made: E | ThreadloomError
        try:
            self._made = begin()
        except ThreadloomError as error:
            self._made = error
        except Exception as error:
            self._made = defect(error)

    @property
    def entity(self) -> E:
        """The entity.

        Raises:
            ApplicationError: Why there is none.
        """
        if isinstance(self._made, ThreadloomError):
            raise to_failure(self._made)
        return self._made

    def signal(self, model: type[Command], args: tuple[Any, ...]) -> None:
        """Hand over a command that came as a signal."""
        if not isinstance(self._made, ThreadloomError):
            self._made.signals += 1
            self._made.signal(model, args)

    def told(self, model: type[M], args: tuple[Any, ...]) -> M | None:
        """A message of another workflow of ours; None when it makes no sense, or nobody is here to take it."""
        if isinstance(self._made, ThreadloomError):
            return None
        self._made.signals += 1
        try:
            return read(model, args)
        except ThreadloomError as error:
            self._made.ignore(error)
        except Exception as error:
            self._made.ignore(defect(error))
        return None

    def unknown(self, name: str) -> None:
        """Take a signal that nobody here knows."""
        if not isinstance(self._made, ThreadloomError):
            self._made.signals += 1
            self._made.ignore(ThreadloomError(Code.INVALID_ARGUMENT, f"no signal is called {name[:80]!r}"))

    def answer(self, args: tuple[Any, ...]) -> JsonObject | None:
        """The answer to the command id that was given, or None."""
        answer = self.entity.answers.get(str(args[0])) if args else None
        return dump(answer) if answer else None


def release(args: tuple[Any, ...]) -> None:
    """Empty the workflow's arguments, which the SDK keeps as long as the run lives: a copy of all it began with."""
    for arg in args:
        if isinstance(arg, dict):
            arg.clear()
