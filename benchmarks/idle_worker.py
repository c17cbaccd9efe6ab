"""A worker whose memory is measured: `python -m benchmarks.idle_worker SIDE ADDRESS DATABASE_URL`.

Prints its resident bytes whenever a line comes in, and ends with its input.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks import hand
from benchmarks.stage import HAND_QUEUE
from threadloom.composition import connect, make_backend, make_worker
from threadloom.embedded import NAMESPACE
from threadloom.settings import Settings

_CACHED = 10_000
"""More than ever wait: what left the cache would cost nothing."""


async def main(side: str, address: str, database_url: str) -> None:
    """Run the worker of one side."""
    backend = make_backend(database_url)
    try:
        if side == "threadloom":
            settings = Settings(database_url=database_url, task_queue="threadloom")
            client = await connect(backend, settings, address=address, namespace=NAMESPACE)
            worker = make_worker(client, settings, max_cached_workflows=_CACHED)
        else:
            client = await Client.connect(address, namespace=NAMESPACE)
            worker = Worker(client, task_queue=HAND_QUEUE, workflows=list(hand.ALL), max_cached_workflows=_CACHED)
        async with worker:
            while await asyncio.to_thread(sys.stdin.readline):
                gc.collect()
                print(resident_bytes(), flush=True)
    finally:
        await backend.close()


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    kibibytes = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True).stdout
    return int(kibibytes) * 1024


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
