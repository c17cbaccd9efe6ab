"""Arguments and options of more than one command, and how their texts are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from domain.errors import Code, ThreadloomError
from domain.flow.durations import parse_duration
from domain.values import Json

SEVERAL_TASKS = {"allow_extra_args": True}
"""Settings of a command whose `--tasks` takes several modules: an option takes one, and the rest is left over."""

JSON_HELP = "JSON, @FILE with JSON, or - for stdin."


def json_value(text: str) -> Json:
    """The JSON value that an argument means: a literal, `@file`, or `-` for stdin."""
    if text == "-":
        return _parsed(sys.stdin.read(), "stdin")
    if text.startswith("@"):
        try:
            return _parsed(Path(text[1:]).read_text(encoding="utf-8"), text[1:])
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{text[1:]}: {getattr(error, 'strerror', None) or error}") from error
    return _parsed(text, None)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that an argument means."""
    value = json_value(text)
    if not isinstance(value, dict):
        raise typer.BadParameter('a JSON object is wanted, such as {"name": 1}')
    return value


def settings_of(pairs: Sequence[str]) -> dict[str, Json]:
    """Names and values of `NAME=JSON` texts; the last one of a name counts."""
    found = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=JSON")
        found[name] = json_value(text)
    return found


def duration(text: str) -> timedelta:
    """A duration as flow files have it, such as 30s, 5m or 2h."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def instant(text: str) -> datetime:
    """An ISO instant with its zone, such as 2030-01-31T08:00Z."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO instant such as 2030-01-31T08:00Z") from error
    if parsed.tzinfo is None:
        raise typer.BadParameter(f"{text!r} names no zone; {text}Z is in UTC, {text}+02:00 two hours ahead of it")
    return parsed


def hold_end(until: datetime | None, length: timedelta | None) -> datetime | None:
    """When a pause ends by itself: at `--until`, or `--for` from now."""
    if until is not None and length is not None:
        raise typer.BadParameter("--until and --for exclude each other")
    return datetime.now(UTC) + length if length is not None else until


def all_tasks(tasks: Sequence[str], context: typer.Context) -> list[str]:
    """The modules of `--tasks A B --tasks C`; the command is declared with `SEVERAL_TASKS`."""
    if context.args and not tasks:
        raise typer.BadParameter(f"unexpected argument {context.args[0]!r}; modules come after --tasks")
    return [*tasks, *context.args]


def confirm(kind: str, id: str) -> None:
    """Let the person at the terminal type the id of what is about to be destroyed.

    Raises:
        ThreadloomError: `CONFIRMATION_REQUIRED` without a terminal, or when something else was typed.
    """
    if not sys.stdin.isatty():
        raise ThreadloomError(Code.CONFIRMATION_REQUIRED, f"this ends {kind} {id} for good; say so with --yes")
    print(f"This ends {kind} {id} for good. Type its id to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != id:
        raise ThreadloomError(Code.CONFIRMATION_REQUIRED, f"the id was not typed; {kind} {id} stays")


def _parsed(text: str, source: str | None) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        if source is not None:
            raise typer.BadParameter(f"{source} has no JSON: {error}") from error
        raise typer.BadParameter(
            f"{text!r} is no JSON ({error}); text is written in quotes: '{json.dumps(text)}'"
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


SESSION = Annotated[str, typer.Argument(metavar="SESSION", show_default=False)]
THREAD = Annotated[str, typer.Argument(metavar="THREAD", show_default=False)]
WAIT = Annotated[bool, typer.Option("--wait", help="Wait until it has taken effect.")]
TIMEOUT = Annotated[
    timedelta | None,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="D",
        help="With --wait: how long, such as 30s or 5m; without end by default.",
    ),
]
UNTIL = Annotated[
    datetime | None,
    typer.Option(parser=instant, metavar="T", help="Resume by itself at this ISO instant with its zone."),
]
FOR = Annotated[
    timedelta | None, typer.Option("--for", parser=duration, metavar="D", help="Resume by itself after this time.")
]
MODE = Annotated[Literal["drain"], typer.Option(help="drain: what is in flight ends first.")]
MESSAGE_NAME = Annotated[str | None, typer.Option("--name", metavar="N", help="What a receive node asks for.")]
MESSAGE_TYPE = Annotated[Literal["data", "control", "event", "error"], typer.Option("--type", help="Kind of message.")]
MESSAGE_ID = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="The message's id; the command's else.", show_default=False)
]
SET = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=JSON",
        help="Overwrite a variable; repeatable. The value is JSON (text in quotes: name='\"x\"'), @FILE or -.",
    ),
]
TASKS = Annotated[
    list[str],
    typer.Option("--tasks", metavar="MODULE...", help="Modules with activities: dotted names or .py files."),
]
