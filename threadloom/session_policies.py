"""Registering what decides about a session's threads: strategies, and who may do what."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from domain import authorising
from domain.authorising import Attempt, Authoriser
from domain.errors import Code, ThreadloomError
from domain.registry import Registry
from domain.session import strategies
from domain.session.strategies import Contender, Strategy
from threadloom.inline_functions import MARK

__all__ = ["Attempt", "Contender", "authoriser", "strategy"]

F = TypeVar("F", bound=Callable[..., object])


def strategy(name: str | None = None, *, version: str) -> Callable[[Strategy], Strategy]:
    """Register a strategy, which sessions name in their configuration as `parallel_strategy: name@version`.

        @strategy(version="1")
        def small_flows_first(waiting, running, free):
            return sorted((one.thread_id for one in waiting if one.flow == "small"), key=len)[:free]

    It takes the waiting threads by priority and then age, those that run, and the free places (None without
    a limit), and gives the ids to start, in order. It runs in the workflow itself, and again whenever its
    history is replayed: pure, and one name and version means one function for good. A session whose strategy
    its worker does not have stands still until a worker has it.

    Args:
        name: The function's own by default.
        version: Letters, digits, dots, dashes and underscores.

    Raises:
        ThreadloomError: `TASKS_UNLOADABLE` for a malformed name or version, for one that means another
            function already, and for a coroutine function.
    """
    return _registered(strategies.REGISTERED, name, version)


def authoriser(name: str | None = None, *, version: str) -> Callable[[Authoriser], Authoriser]:
    """Register an authoriser, which sessions name in their configuration as `authoriser: name@version`.

        @authoriser(version="1")
        def night_shift_only_pauses(attempt: Attempt) -> bool:
            return not attempt.actor.startswith("night-") or attempt.command.endswith((".pause", ".resume"))

    It is asked before each command of somebody to a session that names it, and to its threads; what it does
    not permit is refused with `FORBIDDEN`. As pure as a `strategy`, for the same reason.

    Args:
        name: The function's own by default.
        version: Letters, digits, dots, dashes and underscores.

    Raises:
        ThreadloomError: As for `strategy`.
    """
    return _registered(authorising.REGISTERED, name, version)


def _registered(registry: Registry[F], name: str | None, version: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        full = f"{name or getattr(function, '__name__', '')}@{version}"
        if inspect.iscoroutinefunction(function):
            raise ThreadloomError(Code.TASKS_UNLOADABLE, f"{full} is async; it has to answer at once")
        registry.register(full, function)
        setattr(function, MARK, full)
        return function

    return register
