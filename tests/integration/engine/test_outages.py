"""What goes on while a worker is away, and what is lost: nothing. See also `test_database_away`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.engine.flows import call, end, flow
from tests.integration.stack import PATIENCE, Stack, eventually

ROOT = Path(__file__).parents[3]

WORKER_TASKS = '''
import os
import time
from pathlib import Path

from temporalio import activity


@activity.defn(name="noted")
def noted(key: str, folder: str, slow: bool) -> str:
    """Note each attempt in a file of its own, then work for as long as told."""
    with (Path(folder) / key.replace("/", "_")).open("a") as file:
        file.write(f"{os.getpid()}\\n")
    while slow and not (Path(folder) / "go").exists():
        time.sleep(0.02)
    return key
'''


def noting(folder: Path, turns: int) -> dict[str, Any]:
    """A loop whose third turn does not end before the test says so."""
    work = call(
        "noted",
        "{{ node.key }}",
        str(folder),
        "{{ n == 2 }}",
        next="count",
        start_to_close="5s",
        retry={"initial_interval": "100ms", "backoff_coefficient": 1},
    )
    return flow(
        "noting",
        {
            "work": work,
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
            "again": {"kind": "decision", "next": [{"when": f"n < {turns}", "to": "work"}, {"to": "done"}]},
            "done": end(n="{{ n }}"),
        },
        variables={"n": 0},
    )


def start_worker(stack: Stack, tasks: Path, address: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "TEMPORAL_ADDRESS": address,
        "THREADLOOM_TASK_QUEUE": stack.settings.task_queue,
        "THREADLOOM_DATABASE_URL": stack.settings.database_url,
    }
    return subprocess.Popen(
        [sys.executable, str(ROOT / "worker.py"), "--tasks", str(tasks)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def test_after_kill_9_of_the_worker_another_goes_on_and_nothing_completed_runs_again(
    stack: Stack, tmp_path: Path, temporal_server: Any
) -> None:
    tasks = tmp_path / "noting_tasks.py"
    tasks.write_text(WORKER_TASKS, encoding="utf-8")
    notes = tmp_path / "notes"
    notes.mkdir()
    first = start_worker(stack, tasks, temporal_server.address)
    second: subprocess.Popen[bytes] | None = None
    try:
        session = await stack.start_session()
        await session.create("t", noting(notes, 5))
        third = notes / "t_work_3"
        await eventually(lambda: asyncio.to_thread(third.exists), bool)
        os.kill(first.pid, signal.SIGKILL)
        await asyncio.to_thread(first.wait)
        second = start_worker(stack, tasks, temporal_server.address)
        (notes / "go").touch()
        result = await asyncio.wait_for(session.thread("t").result(), PATIENCE)
        assert result["result"] == {"n": 5}
        attempts = {note.name: len(note.read_text().split()) for note in notes.iterdir() if note.name != "go"}
        assert attempts.pop("t_work_3") == 2
        assert attempts == {"t_work_1": 1, "t_work_2": 1, "t_work_4": 1, "t_work_5": 1}
        executed = await eventually(
            lambda: stack.backend.records.history(session.session_id, type="node_executed"),
            lambda records: any(record.node == "done" for record in records),
        )
        assert len({(record.node, record.visit) for record in executed}) == len(executed)
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait()
