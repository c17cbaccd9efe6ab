"""`dev`: all that a session needs in one process, for one machine."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.arguments import SEVERAL_TASKS, TASKS, all_tasks
from commands.environment import read_settings
from commands.outcome import print_json, status_of

if TYPE_CHECKING:
    from threadloom.settings import Settings


def mount(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dev", context_settings=SEVERAL_TASKS)(dev)


def dev(
    context: typer.Context,
    *,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Of the server; 7233 or a free one.")] = None,
    ui_port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Of Temporal's web page.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where everything is kept; a folder of the user's by default.")
    ] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing when it ends.")] = False,
    tasks: TASKS = [],  # noqa: B006  Typer's way to declare a list; nothing changes it
    json: Annotated[bool, typer.Option("--json", help="Announce with one JSON document.")] = False,
) -> None:
    """Run a Temporal server and a worker until Ctrl-C.

    The database is THREADLOOM_DATABASE_URL, or else a SQLite file beside the server's data.
    """
    if ephemeral and data is not None:
        raise typer.BadParameter("--data and --ephemeral exclude each other")
    modules = all_tasks(tasks, context)

    def run() -> int:
        with data_folder(data, ephemeral=ephemeral) as folder:
            asyncio.run(_run(folder, port, ui_port, modules, ephemeral=ephemeral, as_json=json))
        return 0

    raise typer.Exit(status_of(run, as_json=json))


@contextmanager
def data_folder(wanted: Path | None, *, ephemeral: bool) -> Iterator[Path]:
    """The folder that keeps the server's data and the database; an ephemeral one is removed at the end."""
    if ephemeral:
        # Whoever still writes into the folder while it is removed must not change how the program ends.
        with tempfile.TemporaryDirectory(prefix="threadloom-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    # Late: pydantic's settings take a moment to import, which `--help` need not wait for.
    from threadloom.settings import default_data_folder

    folder = (wanted or default_data_folder()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


async def _run(
    folder: Path, port: int | None, ui_port: int | None, modules: list[str], *, ephemeral: bool, as_json: bool
) -> None:
    from threadloom.composition import connect, make_backend, make_worker
    from threadloom.embedded import NAMESPACE, USUAL_PORT, USUAL_UI_PORT, choose_port, embedded_server
    from threadloom.logs import configure_logs
    from threadloom.serving import serve, until_stopped
    from threadloom.settings import sqlite_url
    from threadloom.tasks import load_tasks

    settings = read_settings()
    configure_logs(settings.log_level, _log_format(settings), sys.stderr)
    activities = load_tasks(modules)
    # A program that is to stay is where the other commands look for it without being told.
    port = choose_port(port, usual=None if ephemeral else USUAL_PORT)
    ui_port = choose_port(ui_port, usual=None if ephemeral else USUAL_UI_PORT)
    database_url = settings.database_url or sqlite_url(folder)
    if ephemeral and settings.database_url:
        print("note: THREADLOOM_DATABASE_URL is set, so the records go there and stay there", file=sys.stderr)

    async def serving() -> None:
        backend = make_backend(database_url)
        try:
            async with embedded_server(
                port=port,
                ui_port=ui_port,
                log_file=folder / "temporal.log",
                database=None if ephemeral else folder / "temporal.db",
            ) as server:
                client = await connect(backend, settings, address=server.address, namespace=NAMESPACE, metrics=True)
                environment = {
                    "TEMPORAL_ADDRESS": server.address,
                    "THREADLOOM_DATABASE_URL": database_url,
                    "THREADLOOM_TASK_QUEUE": settings.task_queue,
                }
                worker = make_worker(client, settings, activities=activities)
                await serve(
                    worker, client, lambda: _announce(server.address, server.ui, backend.address, environment, as_json)
                )
        finally:
            await backend.close()

    await until_stopped(serving())


def _log_format(settings: Settings) -> str:
    """The log is read by the person who started this, unless the environment says otherwise."""
    return settings.log_format if "log_format" in settings.model_fields_set else "text"


def _announce(address: str, ui: str, database: str, environment: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "ready": True,
                "address": address,
                "ui": ui,
                "database": database,
                "pid": os.getpid(),
                "environment": dict(environment),
            }
        )
    else:
        print(f"ready: Temporal at {address}, its web page {ui}, database {database}")
        print("In a second shell:")
        for name, value in environment.items():
            print(f"  export {name}={shlex.quote(value)}")
    sys.stdout.flush()
