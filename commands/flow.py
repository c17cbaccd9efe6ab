"""`flow`: check, register and look at flows. None of it needs a Temporal server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands import flow_run
from commands.calls import Answer, Call, command
from commands.flow_files import checked
from commands.outcome import json_text
from commands.showing import flows as showing

app = typer.Typer(name="flow", help="Flows: check, try, register, look at.", no_args_is_help=True)

FLOW = Annotated[str, typer.Argument(metavar="NAME[@V]", show_default=False)]
FLOW_OR_FILE = Annotated[str, typer.Argument(metavar="NAME[@V]", help="Registered, or a file.", show_default=False)]
VERSION = Annotated[str, typer.Argument(metavar="NAME@V", show_default=False)]


@command(app, "validate")
async def validate(
    call: Call, files: Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]
) -> Answer:
    """Check flow files: every problem of each, with line, column and code."""
    return checked(files)


flow_run.mount(app)


@command(app, "register", changes=True)
async def register(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    *,
    draft: Annotated[bool, typer.Option("--draft", help="It does not run yet, and may be registered anew.")] = False,
) -> Answer:
    """Register a version of a flow and make it active; it never changes then."""
    async with call.flows() as flows:
        view = await flows.register(file, draft=draft)
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
    """Print a flow as a Mermaid flowchart. A file needs no database, whatever flows it names."""
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
    """Let new threads use a version; a draft does not change any more."""
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
    from threadloom.flows import document_of_file, is_file

    if is_file(ref):
        return document_of_file(Path(ref))
    async with call.flows() as flows:
        return (await flows.find(ref)).document
