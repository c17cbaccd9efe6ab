"""How commands end: answers and refusals as people and scripts read them, and the exit status."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import typer
from rich.console import RenderableType

from commands.showing.style import console
from domain.errors import Code, ThreadloomError
from domain.explanations import EXPLANATIONS
from domain.values import Json

REFUSED = 1
UNAVAILABLE = 3
READER_LEFT = 141
"""What a shell shows of a program that SIGPIPE ended: `| head` left before all was printed. The same as
other programs have, so that `set -o pipefail` and its users need no exception for this one."""

UNAVAILABLE_CODES = frozenset({Code.SERVER_UNREACHABLE, Code.DATABASE_UNREACHABLE, Code.NO_WORKER})
"""Codes whose exit status is `UNAVAILABLE`: not the command was at fault, but its surroundings."""


def status_of(work: Callable[[], int], *, as_json: bool = False) -> int:
    """Do the work and return its exit status; a failure is printed and has its own."""
    try:
        return work()
    except ThreadloomError as error:
        return _refuse(error, as_json=as_json)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        return READER_LEFT
    except Exception as error:
        # A defect: its report needs all there is to know.
        traceback.print_exception(error)
        return _refuse(ThreadloomError(Code.INTERNAL, f"{type(error).__name__}: {error}"), as_json=as_json)


def print_answer(document: Json, shown: Callable[[], RenderableType], *, as_json: bool) -> None:
    """Print the answer to stdout. A text is printed as it is; other renderables fit the terminal's width."""
    if as_json:
        print_json(document)
        return
    rendered = shown()
    if isinstance(rendered, str):
        print(rendered)
    else:
        console().print(rendered)


def print_json(document: Json) -> None:
    """Print one JSON document."""
    print(json_text(document))


def json_text(document: Json) -> str:
    """The document as it is printed."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def complain(error: ThreadloomError) -> int:
    """Print to stderr what was refused or failed, and what to do about it; return the exit status.

    What to do is the `hint` among the error's details, where one command knows better than the code's remedy.
    """
    print(f"error: {error}", file=sys.stderr)
    for problem in error.details.get("problems", []):
        print(f"  {_problem(problem)}", file=sys.stderr)
    if error.code in Code.__members__:
        print(f"hint: {error.details.get('hint') or EXPLANATIONS[Code(error.code)].remedy}", file=sys.stderr)
    return UNAVAILABLE if error.code in UNAVAILABLE_CODES else REFUSED


def warn(code: Code, message: str) -> None:
    """Print to stderr what the reader should know although the command succeeded."""
    print(f"warning: {code}: {message}", file=sys.stderr)


def run(app: typer.Typer) -> NoReturn:
    """Run the program and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # An id or a text that the terminal's encoding lacks must not turn an answer into a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    status: int | str | None = 0
    try:
        app()
    except SystemExit as end:
        status = end.code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = status or READER_LEFT
    # Threads of the SDK's core may outlive the interpreter and abort the process while it shuts down
    # (sdk-python issue 300), which would replace the exit status that scripts rely on.
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def _refuse(error: ThreadloomError, *, as_json: bool) -> int:
    status = complain(error)
    if as_json:
        print_json({"error": error.visible()})
    return status


def _problem(problem: Json) -> str:
    """A problem of a flow file (file, line, column), an input (path) or a message (at), on one line."""
    if "line" in problem:
        place = f"{problem['file']}:{problem['line']}:{problem['column']}"
    else:
        place = f"{problem.get('path') or problem.get('at', '')}:"
    warning = "warning" if problem.get("severity") == "warning" else ""
    hint = f"({problem['hint']})" if problem.get("hint") else ""
    return " ".join(filter(None, (place, warning, problem.get("code"), problem.get("message"), hint)))
