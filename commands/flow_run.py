"""`flow run`: a flow in this process, on virtual time, with mocks for the world outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.arguments import JSON_HELP, json_value
from commands.calls import Answer, Call, command
from commands.flow_files import checked
from commands.showing import runs as showing
from commands.showing.style import console
from domain.errors import Code, ThreadloomError
from domain.values import Json

if TYPE_CHECKING:
    from threadloom.testing import FlowRun

_WORD = re.compile(r"[A-Za-z][\w.-]*")
"""What may stand for a text without its quotes: a choice, a name."""

_JSON_WORDS = ("true", "false", "null")


def mount(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "run")(run)


def run(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    *,
    input: Annotated[Any, typer.Option(parser=json_value, metavar="JSON", help=JSON_HELP)] = None,
    mock: Annotated[
        list[str],
        typer.Option(
            metavar="NODE=JSON",
            help="The node's result; repeatable, one for each visit. An approval's is the choice, a receive's the"
            " message's body. NODE may be a path (outer/inner) or activity:NAME. A single word needs no quotes.",
        ),
    ] = [],  # noqa: B006  Typer's way to declare a list; nothing changes it
    fail: Annotated[
        list[str], typer.Option(metavar="NODE=CODE", help="The node fails for good with this code; repeatable.")
    ] = [],  # noqa: B006
    tasks: Annotated[
        list[str], typer.Option(metavar="MODULE", help="A module with the real functions; repeatable.")
    ] = [],  # noqa: B006
    flow: Annotated[
        list[Path], typer.Option(metavar="FILE", help="The file of a flow that this one names; repeatable.")
    ] = [],  # noqa: B006
) -> Answer:
    """Run a flow here: no server, no database, and time that does not have to pass."""
    files = checked([file, *flow])
    if files.complaint is not None:
        return files
    from threadloom.tasks import load_tasks
    from threadloom.testing import run_flow

    printer = None if call.json else console()
    try:
        found = run_flow(
            file,
            input,
            mocks=_mocks(mock, fail),
            flows=flow,
            activities=load_tasks(tasks),
            observer=None if printer is None else lambda each: printer.print(showing.step(each), soft_wrap=True),
        )
    except ThreadloomError as error:
        raise _hinted(error) from error
    return Answer(found.document(), lambda: showing.outcome(found), _complaint(found))


def _mocks(mocks: Sequence[str], failures: Sequence[str]) -> dict[str, Any]:
    from threadloom.testing import Fail, in_turn

    answers: dict[str, list[Any]] = {}
    for pair in mocks:
        node, text = _split(pair, "NODE=JSON")
        answers.setdefault(node, []).append(_value(text))
    for pair in failures:
        node, code = _split(pair, "NODE=CODE")
        if node in answers:
            raise typer.BadParameter(f"{node} has a --mock or another --fail already")
        answers[node] = [Fail(code, retryable=False)]
    return {node: each[0] if len(each) == 1 else in_turn(*each) for node, each in answers.items()}


def _split(pair: str, form: str) -> tuple[str, str]:
    node, separator, text = pair.partition("=")
    if not separator or not node or not text:
        raise typer.BadParameter(f"{pair!r} is not {form}")
    return node, text


def _value(text: str) -> Json:
    return text if _WORD.fullmatch(text) and text not in _JSON_WORDS else json_value(text)


def _hinted(error: ThreadloomError) -> ThreadloomError:
    """A flow that another one names is looked for among the files that were given, and nowhere else."""
    if error.code != Code.FLOW_NOT_FOUND or "needed_by" not in error.details:
        return error
    hint = f"`--flow FILE` gives the file of {error.details['flow']}; no registered flow is looked at."
    return ThreadloomError(error.code, error.message, {**error.details, "hint": hint})


def _complaint(run: FlowRun) -> ThreadloomError | None:
    if run.status == "waiting":
        return ThreadloomError(Code.STILL_WAITING, f"the flow waits for {run.waiting_for}", {"waiting": run.waiting})
    if run.error is not None:
        place = f" (at {run.error.node})" if run.error.node else ""
        return ThreadloomError(run.error.code, run.error.message + place, run.error.details)
    return None
