"""A worker killed in the middle of a thread: another one goes on, to the same end."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Program, clean_environment
from tests.integration.engine.flows import call, end, flow
from tests.integration.hostile.odd import ended
from tests.integration.stack import Stack, eventually
from tests.servers import TemporalServer

ROUNDS, LOCALS, CHECKPOINT = 6, 10, 4

TASKS = """\
import time

from temporalio import activity

from domain.thread.functions import register


@activity.defn
def note(path: str, key: str) -> str:
    with open(path, "a") as file:
        file.write(key + "\\n")
    time.sleep(0.02)  # so that a test can kill the worker in here
    return key


def twice(number: int) -> int:
    return number * 2


register("killed.twice@1", twice)
"""


def mixed(path: Path) -> dict[str, Any]:
    """In each round one remote node, a row of local ones and an inline one."""
    names = [f"near{number}" for number in range(LOCALS)]
    short = {"start_to_close": "2s", "args": [str(path), "{{ node.key }}"]}
    return flow(
        "mixed",
        {
            "far": call("note", next="near0", save="far", **short),
            **{
                name: call("note", mode="local", next=following, save="near", **short)
                for name, following in zip(names, [*names[1:], "within"], strict=True)
            },
            "within": call("killed.twice@1", "{{ n }}", mode="inline", next="count", save="doubled"),
            "count": {
                "kind": "set",
                "set": {"n": "{{ n + 1 }}"},
                "append": {"log": [["{{ far }}", "{{ near }}", "{{ doubled }}"]]},
                "next": "again",
            },
            "again": {"kind": "decision", "next": [{"when": f"n < {ROUNDS}", "to": "far"}, {"to": "done"}]},
            "done": end(log="{{ log }}"),
        },
        variables={"n": 0, "log": []},
        checkpoint={"nodes": CHECKPOINT},
    )


@pytest.mark.parametrize(
    ("after", "given"), [(1, False), (9, False), (23, False), (34, False), (50, False), (9, True), (34, True)]
)
async def test_a_killed_worker_changes_no_result(
    stack: Stack, temporal_server: TemporalServer, tmp_path: Path, after: int, given: bool
) -> None:
    """Killed when so many activities have begun, which is anywhere in a remote or a local one.

    The flow is the thread's own, or given to a thread that has none.
    """
    tasks, journal = tmp_path / "killed_tasks.py", tmp_path / "journal"
    tasks.write_text(TASKS)
    journal.touch()
    env = clean_environment() | {
        "TEMPORAL_ADDRESS": temporal_server.address,
        "THREADLOOM_TASK_QUEUE": stack.settings.task_queue,
        "THREADLOOM_DATABASE_URL": stack.settings.database_url,
    }
    arguments = ["worker.py", "--tasks", str(tasks)]

    async def begun() -> list[str]:
        return journal.read_text().split()

    first = Program(arguments, env, tmp_path / "first.log")
    try:
        first.announced()
        session = await stack.start_session()
        if given:
            await session.update("create_thread", thread_id="t")
            await session.update("execute_thread", thread_id="t", flow=mixed(journal))
            await session.update("manage_thread", thread_id="t", action="close")
        else:
            await session.create("t", mixed(journal))
        await eventually(begun, lambda seen: len(seen) >= after)
    finally:
        first.end(signal.SIGKILL)
    before = await begun()
    second = Program(arguments, env, tmp_path / "second.log")
    try:
        second.announced()
        told = await ended(session.thread("t"))
        if given:
            assert told["status"] == "completed"
            told = await session.thread("t").query("execution", 1)
    finally:
        second.end()
    last, thread = f"near{LOCALS - 1}", "t/1" if given else "t"
    assert told["result"] == {
        "log": [[f"{thread}/far/{n + 1}", f"{thread}/{last}/{n + 1}", n * 2] for n in range(ROUNDS)],
    }
    counted = Counter(await begun())
    names = ["far", *(f"near{number}" for number in range(LOCALS))]
    expected = [f"{thread}/{name}/{n}" for n in range(1, ROUNDS + 1) for name in names]
    assert list(counted) == expected
    repeated = [key for key, times in counted.items() if times > 1]
    assert max(counted.values()) <= 2
    # What was repeated is the end of what the first worker had begun: one remote node, or what no checkpoint holds.
    assert repeated == before[len(before) - len(repeated) :]
    assert len([key for key in repeated if "/far/" in key]) <= 1
    assert len(repeated) <= CHECKPOINT
