"""Commands out of what updates and signals carry."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from domain.messages import Command, read


def read_update(model: type[Command], args: tuple[Any, ...]) -> Command:
    """The command of an update; without an id of its own it has the update's."""
    info = workflow.current_update_info()
    return read(model, _with_id(args, info.id if info else "update"))


def read_signal(model: type[Command], args: tuple[Any, ...]) -> Command:
    """The command of a signal. A bare signal, as Temporal's own tools send it, is a command too."""
    return read(model, _with_id(args or ({},), f"signal/{workflow.uuid4()}"))


def _with_id(args: tuple[Any, ...], command_id: str) -> tuple[Any, ...]:
    if len(args) == 1 and isinstance(args[0], dict) and "command_id" not in args[0]:
        return ({**args[0], "command_id": command_id},)
    return args
