"""One Ctrl-C ends `flow run`, whatever the flow is doing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Program, clean_environment

TASKS = '''\
"""Activities that tell that they have begun, and do not end by themselves."""

import asyncio
import time

from temporalio import activity


def begun() -> None:
    print("ready", flush=True)


@activity.defn
def plain() -> None:
    begun()
    while True:
        time.sleep(1)


@activity.defn
async def waiting() -> None:
    begun()
    while True:
        await asyncio.sleep(1)


@activity.defn
async def blocking() -> None:
    begun()
    while True:
        time.sleep(1)


@activity.defn
def passing() -> None:
    begun()
'''

CALLS = """\
flow: calls
version: "1"
start: work
nodes:
  work: {kind: activity, activity: %s, effect: none, next: done}
  done: {kind: end}
"""

TURNS = """\
flow: turns
version: "1"
variables: {n: 0}
start: work
nodes:
  work: {kind: activity, activity: passing, effect: none, next: turn}
  turn:
    kind: set
    max_visits: 1000000
    set: {n: "{{ n + (range(10000) | sum) }}"}
    next: [{when: "n < 0", to: done}, turn]
  done: {kind: end}
"""


@pytest.mark.parametrize(
    "flow",
    [CALLS % "plain", CALLS % "waiting", CALLS % "blocking", TURNS],
    ids=["in an activity", "in an async one", "in one that blocks its loop", "in a loop of sets"],
)
def test_one_ctrl_c_ends_it(flow: str, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "flow.yaml").write_text(flow)
    arguments = ["starter.py", "flow", "run", str(tmp_path / "flow.yaml"), "--tasks", str(tmp_path / "tasks.py")]
    program = Program([*arguments, "--json"], clean_environment(), tmp_path / "log")
    program.announced()
    assert program.end(signal.SIGINT) == 130
    assert (tmp_path / "log").read_text() == ""
