"""A session of a thousand threads, driven from a shell from its start to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.integration.cli.conftest import CommandLine, Dev, eventually

THREADS = 1_000

FLOW = """\
flow: thousand
version: "1"
start: double
nodes:
  double: {kind: set, set: {doubled: "{{ input * 2 }}"}, next: more}
  more: {kind: set, set: {value: "{{ doubled + 1 }}"}, next: rest}
  rest: {kind: wait, for: 1s, next: done}
  done: {kind: end, result: "{{ value }}"}
"""

LONGEST_RUN = 6_000
"""Events of a run's history. The next one is due at 2,000; what is under way then, and signals of a pause, are more."""


def resident(pid: int) -> int:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


@pytest.mark.timeout(900)
async def test_a_thousand_threads_to_the_end(cli: CommandLine, dev: Dev, tmp_path: Path) -> None:
    (tmp_path / "thousand.yaml").write_text(FLOW)
    wishes = [
        {"id": f"t{number}", "flow": str(tmp_path / "thousand.yaml"), "input": number} for number in range(THREADS)
    ]
    (tmp_path / "threads.json").write_text(json.dumps(wishes))
    cli.json("session", "start", "big")
    created = cli.json("session", "create-threads", "big", f"@{tmp_path / 'threads.json'}")["threads"]
    assert [entry["thread_id"] for entry in created] == [wish["id"] for wish in wishes]
    assert {entry.get("status") for entry in created} == {"pending"}

    def shown() -> Any:
        return cli.json("session", "show", "big")

    eventually(shown, lambda view: view["threads"]["completed"] >= THREADS // 10, 300)
    assert cli.json("session", "pause", "big", "--reason", "half-time", "--wait", "--timeout", "50s") == {
        "session_id": "big",
        "status": "paused",
    }
    held = shown()["threads"]
    assert (held["running"], held["total"]) == (0, THREADS)
    assert 0 < held["completed"] < THREADS
    assert shown()["threads"] == held, "nothing goes on while it is paused"
    before = resident(dev.program.process.pid)
    cli.json("session", "resume", "big", "--wait")
    eventually(shown, lambda view: view["threads"]["completed"] == THREADS, 600)
    assert resident(dev.program.process.pid) < before + 400, "what has ended leaves memory"

    stats = cli.json("session", "stats", "big")
    assert stats["operations"]["other"] == {"create": THREADS, "pause": 1, "resume": 1}
    performance = stats["performance"]
    assert (performance["count"], performance["completed"], performance["success_rate"]) == (THREADS, THREADS, 1)
    assert THREADS // 2 < stats["resources"]["threads"]["peak"] <= THREADS
    assert cli.json("thread", "result", "big", "t999")["result"] == 999 * 2 + 1
    assert cli.json("session", "close", "big", "--wait", "--timeout", "50s")["status"] == "closed"
    assert max(await runs(cli.env["TEMPORAL_ADDRESS"], "session/big")) < LONGEST_RUN


async def runs(address: str, workflow_id: str) -> list[int]:
    """How many events each run of the workflow has."""
    client = await Client.connect(address)
    query = f"WorkflowId = '{workflow_id}'"
    found = [run async for run in client.list_workflows(query)]
    assert len(found) > 1, "it continued as new"
    return [run.history_length for run in found]
