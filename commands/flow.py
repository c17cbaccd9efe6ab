"""`flow`: check, register and look at flows. None of it needs a Temporal server."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.calls import Answer, Call, command
from commands.outcome import json_text
from commands.showing import flows as showing
from domain.errors import Code, ThreadloomError

if TYPE_CHECKING:
    from domain.flow.diagnostics import Diagnostic

app = typer.Typer(name="flow", help="Flows: check, register, look at.", no_args_is_help=True)

FLOW = Annotated[str, typer.Argument(metavar="NAME[@V]", show_default=False)]
FLOW_OR_FILE = Annotated[str, typer.Argument(metavar="NAME[@V]", help="Registered, or a file.", show_default=False)]
VERSION = Annotated[str, typer.Argument(metavar="NAME@V", show_default=False)]


@command(app, "validate")
async def validate(
    call: Call, files: Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]
) -> Answer:
    """Check flow files: every problem of each, with line, column and code."""
    problems = [problem for file in files for problem in _problems_of(file)]
    errors = [problem for problem in problems if problem.severity == "error"]
    complaint = None
    if errors:
        noun = "problem" if len(errors) == 1 else "problems"
        wrong = dict.fromkeys(problem.file for problem in errors)
        complaint = ThreadloomError(Code.FLOW_INVALID, f"{len(errors)} {noun} in {', '.join(wrong)}")
    document = {"valid": not errors, "problems": [asdict(problem) for problem in problems]}
    return Answer(document, lambda: showing.problems(problems, [str(file) for file in files]), complaint)


@command(app, "register", changes=True)
async def register(call: Call, file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]) -> Answer:
    """Register a version of a flow and make it active; a version never changes."""
    async with call.flows() as flows:
        view = await flows.register(file)
    return Answer(view, lambda: showing.flow(view))


@command(app, "list")
async def list_(call: Call) -> Answer:
    """List the registered flows, all versions."""
    async with call.flows() as flows:
        views = await flows.list()
    return Answer({"flows": [view.model_dump(mode="json") for view in views]}, lambda: showing.flows(views))


@command(app, "show")
async def show(call: Call, ref: FLOW) -> Answer:
    """Show a registered flow and its nodes."""
    async with call.flows() as flows:
        stored = await flows.find(ref)
    return Answer(stored, lambda: showing.document(stored))


@command(app, "graph")
async def graph(call: Call, ref: FLOW_OR_FILE) -> Answer:
    """Print a flow as a Mermaid flowchart."""
    from domain.flow.graph import mermaid
    from domain.flow.parse import parse_flow

    flow = parse_flow(await _document(call, ref))
    text = mermaid(flow)
    return Answer({"flow": flow.flow, "version": flow.version, "mermaid": text}, lambda: text.rstrip("\n"))


@command(app, "schema")
async def schema(call: Call) -> Answer:
    """Print the JSON Schema of flow files, for editors."""
    from domain.flow.schema import flow_schema

    document = flow_schema()
    return Answer(document, lambda: json_text(document))


@command(app, "activate", changes=True)
async def activate(call: Call, ref: VERSION) -> Answer:
    """Let new threads use a version."""
    return await _set_status(call, ref, "active")


@command(app, "deactivate", changes=True)
async def deactivate(call: Call, ref: VERSION) -> Answer:
    """Let no new thread use a version; those that use it go on."""
    return await _set_status(call, ref, "inactive")


@command(app, "archive", changes=True)
async def archive(call: Call, ref: VERSION) -> Answer:
    """Take a version out of use for good."""
    return await _set_status(call, ref, "archived")


async def _set_status(call: Call, ref: str, status: str) -> Answer:
    async with call.flows() as flows:
        view = await flows.set_status(ref, status)
    return Answer(view, lambda: showing.flow(view))


async def _document(call: Call, ref: str) -> dict[str, Any]:
    from threadloom.flows import is_file

    async with call.flows() as flows:
        return (await flows.resolve(ref)).document if is_file(ref) else (await flows.find(ref)).document


def _problems_of(file: Path) -> list[Diagnostic]:
    """A file that cannot be read has that one problem, and does not keep the others from being checked."""
    from domain.flow.diagnostics import Diagnostic, DiagnosticCode
    from domain.flow.loader import load_flow

    try:
        return load_flow(file.read_text(encoding="utf-8"), str(file)).problems
    except FileNotFoundError:
        why = "there is no such file"
    except IsADirectoryError:
        why = "this is a folder, not a file"
    except UnicodeDecodeError:
        why = "the file is not UTF-8 text"
    except OSError as error:
        why = f"the file cannot be read: {error.strerror}"
    return [Diagnostic(str(file), 1, 1, DiagnosticCode.SYNTAX, "error", why)]
