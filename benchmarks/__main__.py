"""`python -m benchmarks`: measure, and print what was found. Progress goes to standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from rich.console import Console

from benchmarks import local, loop, memory, parallel, peers, remote, session
from benchmarks.common import SMOKE, Outcome, Size, progress
from benchmarks.report import as_json, as_markdown, print_tables

BENCHMARKS: dict[str, Callable[[Size], Awaitable[Outcome]]] = {
    "remote": remote.measure,
    "local": local.measure,
    "peers": peers.measure,
    "parallel": parallel.measure,
    "loop": loop.measure,
    "memory": memory.measure,
    "session": session.measure,
}


async def measure(size: Size, names: Sequence[str]) -> dict[str, Outcome]:
    """Run benchmarks one after the other; without the peers' environment that one is left out."""
    outcomes = {}
    for name in names:
        if name == "peers" and not peers.installed():
            progress("peers: left out, because .venv-bench is missing; `make bench` makes it")
            continue
        progress(f"{name} …")
        outcomes[name] = await BENCHMARKS[name](size)
    return outcomes


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="What Threadloom costs; see docs/performance.md.")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    shape.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help="one benchmark; repeatable")
    parser.add_argument("--runs", type=int, metavar="N", help=f"measured runs of each (default {Size().runs})")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that the benchmarks run, no more")
    parser.add_argument("--unthrottled", action="store_true", help="a server that looks for tasks as often as it can")
    chosen = parser.parse_args()
    size = SMOKE if chosen.smoke else Size()
    if chosen.runs is not None:
        if chosen.runs < 1:
            parser.error("--runs must be at least 1")
        size = replace(size, runs=chosen.runs)
    size = replace(size, throttled=not chosen.unthrottled)
    outcomes = asyncio.run(measure(size, chosen.only or list(BENCHMARKS)))
    if chosen.json:
        print(json.dumps(as_json(size, outcomes), indent=2))
    elif chosen.markdown:
        print(as_markdown(outcomes))
    else:
        print_tables(size, outcomes, Console())


if __name__ == "__main__":
    main()
