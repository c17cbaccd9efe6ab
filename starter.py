"""The command line: `python starter.py …`, installed as `threadloom …`."""

from __future__ import annotations

from typing import NoReturn

import typer

from commands import approvals, attention, demo, dev, doctor, flow, pool, session, thread
from commands.outcome import run

app = typer.Typer(
    help="Durable sessions of threads on Temporal.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for single in (demo, dev, doctor, attention):
    single.mount(app)
for group in (flow, session, thread, approvals, pool):
    app.add_typer(group.app)


def main() -> NoReturn:
    """Run the command and end the process with its exit status."""
    run(app)


if __name__ == "__main__":
    main()
