"""The worker process: runs sessions and threads, and the activities of the given modules."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, NoReturn

import typer

from commands.arguments import SEVERAL_TASKS, TASKS, all_tasks
from commands.environment import read_settings
from commands.outcome import run, status_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings=SEVERAL_TASKS)
def work(
    context: typer.Context,
    tasks: TASKS = [],  # noqa: B006  Typer's way to declare a list; nothing changes it
    concurrency: Annotated[int, typer.Option(min=1, help="Activities at a time.")] = 100,
    metrics: Annotated[str | None, typer.Option(metavar="IP:PORT", help="Serve Prometheus metrics there.")] = None,
) -> None:
    """Run sessions, threads and activities until SIGINT or SIGTERM."""
    modules = all_tasks(tasks, context)

    def serve() -> int:
        asyncio.run(_work(modules, concurrency, metrics))
        return 0

    raise typer.Exit(status_of(serve))


async def _work(modules: list[str], concurrency: int, metrics: str | None) -> None:
    # Late: `--help` and a wrong option need none of it.
    from threadloom.composition import connect, make_backend, make_worker
    from threadloom.logs import configure_logs
    from threadloom.serving import serve, until_stopped
    from threadloom.tasks import load_tasks

    settings = read_settings()
    if metrics is not None:
        settings = settings.model_copy(update={"metrics_address": metrics})
    configure_logs(settings.log_level, settings.log_format, sys.stderr)
    activities = load_tasks(modules)

    async def serving() -> None:
        backend = make_backend(settings.database())
        try:
            client = await connect(backend, settings, metrics=True)
            worker = make_worker(client, settings, activities=activities, concurrency=concurrency)
            address = client.service_client.config.target_host
            await serve(
                worker,
                client,
                lambda: print(
                    f"ready: task queue {settings.task_queue} at {address}, namespace {client.namespace},"
                    f" database {backend.address}, activities {len(activities)}",
                    flush=True,
                ),
            )
        finally:
            await backend.close()

    await until_stopped(serving())


def main() -> NoReturn:
    """Run the worker and end the process with its exit status."""
    run(app)


if __name__ == "__main__":
    main()
