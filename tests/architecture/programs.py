"""The command line as the program declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from typer.main import get_command

import starter
import worker

Command: TypeAlias = Any
"""A command of the library below Typer, whose classes have no public names."""

CHANGING = frozenset({"--actor", "--reason", "--command-id"})
"""What every command takes that changes something; `docs/cli.md` explains these once, and `--json`."""


def commands() -> Mapping[str, Command]:
    """All commands of `starter.py` by what one types, such as `session start`."""
    found: dict[str, Command] = {}
    for name, command in get_command(starter.app).commands.items():  # type: ignore[attr-defined]
        members = getattr(command, "commands", None)
        if members is None:
            found[name] = command
        else:
            found |= {f"{name} {member}": inner for member, inner in members.items()}
    return found


def worker_command() -> Command:
    """The one command of `worker.py`."""
    return get_command(worker.app)


def options(command: Command) -> set[str]:
    """The options that the command takes, without those that are explained for all."""
    own = {name for parameter in command.params if parameter.param_type_name == "option" for name in parameter.opts}
    return own - {"--json"} - (CHANGING if own >= CHANGING else set())
