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
    One that begins later keeps its signals until then, and everybody who asks is told to ask again.

    Args:
        begin: Makes the entity from the workflow's arguments; None if `begin` is to be called later.
    """

    def __init__(self, begin: Callable[[], E] | None) -> None:
        self._made: E | ThreadloomError = ThreadloomError(Code.SESSION_BUSY, "it is being recovered; ask again")
        self._early: list[Callable[[E], None]] | None = []
        if begin is not None:
            self.begin(begin)

    def begin(self, begin: Callable[[], E]) -> None:
        """Make the entity, and hand over the signals that have come."""
        try:
            self._made = begin()
        except ThreadloomError as error:
            self._made = error
        except Exception as error:
            self._made = defect(error)
        early, self._early = self._early or [], None
        if not isinstance(self._made, ThreadloomError):
            self._made.signals += len(early)
            for act in early:
                act(self._made)

    @property
    def waiting(self) -> bool:
        """Whether there is no entity yet."""
        return self._early is not None

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
        if self._early is not None:
            self._early.append(lambda entity: entity.signal(model, args))
        elif not isinstance(self._made, ThreadloomError):
            self._made.signals += 1
            self._made.signal(model, args)

    def tell(self, model: type[M], args: tuple[Any, ...], take: Callable[[E, M], None]) -> None:
        """Hand over a message of another workflow of ours, if it makes sense."""

        def act(entity: E) -> None:
            if (message := self._read(entity, model, args)) is not None:
                take(entity, message)

        if self._early is not None:
            self._early.append(act)
        elif not isinstance(self._made, ThreadloomError):
            self._made.signals += 1
            act(self._made)

    def told(self, model: type[M], args: tuple[Any, ...]) -> M | None:
        """A message of another workflow of ours; None when it makes no sense, or nobody is here to take it."""
        if isinstance(self._made, ThreadloomError):
            return None
        self._made.signals += 1
        return self._read(self._made, model, args)

    def _read(self, entity: E, model: type[M], args: tuple[Any, ...]) -> M | None:
        try:
            return read(model, args)
        except ThreadloomError as error:
            entity.ignore(error)
        except Exception as error:
            entity.ignore(defect(error))
        return None

    def unknown(self, name: str) -> None:
        """Take a signal that nobody here knows."""
        if not isinstance(self._made, ThreadloomError):
            self._made.signals += 1
            self._made.ignore(ThreadloomError(Code.INVALID_ARGUMENT, f"no signal is called {name[:80]!r}"))

    def answer(self, args: tuple[Any, ...]) -> JsonObject | None:
        """The answer to the command id that was given, or None."""
        if self.waiting:
            return None
        answer = self.entity.answers.get(str(args[0])) if args else None
        return dump(answer) if answer else None


def release(args: tuple[Any, ...]) -> None:
    """Empty the workflow's arguments, which the SDK keeps as long as the run lives: a copy of all it began with."""
    for arg in args:
        if isinstance(arg, dict):
            arg.clear()
