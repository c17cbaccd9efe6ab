"""`demo`: the tour, with everything it needs in one process."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import typer

from commands.outcome import status_of
from commands.showing.style import console

EXAMPLE = Path(__file__).parents[1] / "examples" / "licence_audit"


def mount(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo() -> None:
    """The tour: a session audits the packages of this environment, pauses, forks, copies, compares and ends."""

    def run() -> int:
        # Whoever still writes into the folder while it is removed must not change how the tour ends.
        with tempfile.TemporaryDirectory(prefix="threadloom-demo-", ignore_cleanup_errors=True) as folder:
            asyncio.run(_run(Path(folder)))
        return 0

    raise typer.Exit(status_of(run))


async def _run(folder: Path) -> None:
    # Late: what `--help` need not wait for.
    from commands.tour import Tour
    from threadloom.client import Threadloom
    from threadloom.composition import connect, make_backend, make_worker
    from threadloom.embedded import NAMESPACE, choose_port, embedded_server
    from threadloom.logs import configure_logs
    from threadloom.settings import Settings, sqlite_url
    from threadloom.tasks import load_tasks

    # The tour is about the product, not about what the environment happens to point at.
    settings = Settings(task_queue="threadloom-demo", database_url=sqlite_url(folder), log_level="error")
    with (folder / "worker.log").open("w") as log:
        configure_logs(settings.log_level, "text", log)
        backend = make_backend(settings.database_url)
        try:
            server = embedded_server(
                port=choose_port(None), ui_port=choose_port(None), log_file=folder / "temporal.log"
            )
            async with server as running:
                client = await connect(backend, settings, address=running.address, namespace=NAMESPACE)
                activities = load_tasks([str(EXAMPLE / "tasks.py")])
                async with make_worker(client, settings, activities=activities):
                    loom = Threadloom(client, backend, settings, "you")
                    await Tour(loom, console(), EXAMPLE / "flow.yaml", folder, running.ui).run()
        finally:
            await backend.close()
