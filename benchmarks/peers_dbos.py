"""A job in DBOS: `python -m benchmarks.peers_dbos DATABASE_URL STEPS`, in the peers' own environment."""

from __future__ import annotations

import json
import sys
import time

from dbos import DBOS

from benchmarks.peers_step import add_one

QUEUE_POLL_SECONDS = 0.1
RESULT_POLL_SECONDS = 0.01
"""By default both are a second, and a job that takes a fifth of one would be measured as that."""


def main(database_url: str, steps: int) -> None:
    """Run the job twice, and print the figures of the second as JSON."""
    step = DBOS.step()(add_one)

    def run(count: int) -> tuple[int, float]:
        started, number = time.perf_counter(), 0
        for _ in range(count):
            number = step(number)
        return number, time.perf_counter() - started

    job = DBOS.workflow()(run)
    DBOS(config={"name": "benchmark", "system_database_url": database_url, "log_level": "ERROR"})
    DBOS.launch()
    try:
        queue = DBOS.register_queue("jobs", polling_interval_sec=QUEUE_POLL_SECONDS)
        for _ in range(2):
            started = time.perf_counter()
            number, seconds = queue.enqueue(job, steps).get_result(polling_interval_sec=RESULT_POLL_SECONDS)
            wall = time.perf_counter() - started
            assert number == steps
    finally:
        DBOS.destroy()
    print(json.dumps({"seconds": seconds, "wall_seconds": wall}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
