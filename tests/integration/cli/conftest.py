"""The command line as its users have it: real processes, beside a `dev` that serves them all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
"""Seconds after which something that did not come about fails a test. No test is about speed."""

T = TypeVar("T")

TASKS = '''\
"""Activities of the tests: one waits until its file is there, so that a test decides when it ends."""

import time
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError


@activity.defn
def greet(name: str) -> str:
    return f"hello {name}"


@activity.defn
def await_file(path: str) -> str:
    while not Path(path).exists():
        time.sleep(0.02)
    return Path(path).name


@activity.defn
def refuse(name: str) -> str:
    raise ApplicationError(f"not {name}", type="NOT_HIM", non_retryable=True)
'''

FLOW = """\
flow: visit
version: "1"
inputs:
  type: object
  required: [name, gate]
  properties: {name: {type: string}, gate: {type: string}}
variables: {tone: plain}
start: greet
nodes:
  greet: {kind: activity, activity: greet, args: ["{{ input.name }}"], effect: none, save: greeting, next: gate}
  gate: {kind: activity, activity: await_file, args: ["{{ input.gate }}"], effect: none, save: key, next: ask}
  ask:
    kind: approval
    prompt: "Let {{ input.name }} in?"
    choices: [yes-please, no-thanks]
    timeout: 7d
    save: {verdict: "{{ result.choice }}"}
    next: done
    on_timeout: done
  done:
    kind: end
    result: {greeting: "{{ greeting }}", tone: "{{ tone }}", verdict: "{{ verdict | default('none') }}"}
"""

REFUSED = """\
flow: refused
version: "1"
start: refuse
nodes:
  refuse: {kind: activity, activity: refuse, args: ["{{ input }}"], effect: none, next: done}
  done: {kind: end}
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON document: anything else on stdout fails the test."""
        return json.loads(self.out)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T], holds: Callable[[T], bool], patience: float = PATIENCE) -> T:
    """Look until it holds; fails with what was seen last."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about within {patience:.0f} s; last seen: {seen!r:.2000}")
        time.sleep(0.1)


@pytest.fixture(scope="session", autouse=True)
def heeds_ctrl_c() -> None:
    """Programs started here take Ctrl-C as they do at a terminal.

    Whoever is started in the background by a shell ignores SIGINT, and so do its children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """A long-running program that announces itself with a line beginning with "ready"."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=dict(env),
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            self.lines.extend(iter(out.readline, ""))

    def announced(self, last: str = "ready") -> list[str]:
        """Its lines, once there is one that begins with this."""
        eventually(
            lambda: list(self.lines),
            lambda lines: any(line.strip().startswith(last) for line in lines) or self.process.poll() is not None,
        )
        assert self.process.poll() is None, self.log.read_text()
        return list(self.lines)

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """Its exit status after the signal."""
        self.process.send_signal(with_signal)
        return self.wait()

    def wait(self) -> int:
        """Its exit status when it ends by itself."""
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()


class CommandLine:
    """Runs `starter.py` in a process of its own, as a shell does."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)

    def __call__(self, *arguments: str | Path, input: str = "", env: Mapping[str, str] | None = None) -> Ended:
        ended = subprocess.run(
            [sys.executable, "starter.py", *map(str, arguments)],
            cwd=ROOT,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            input=input,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def json(self, *arguments: str | Path) -> Any:
        """The document of a command that must succeed."""
        ended = self(*arguments, "--json")
        assert ended.status == 0, ended
        return ended.json


def clean_environment() -> dict[str, str]:
    """The environment without what would point at somebody's own server or database."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "THREADLOOM_"))}


@dataclass(frozen=True)
class Dev:
    """A running `dev`."""

    program: Program
    exports: dict[str, str]
    folder: Path


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """`starter.py dev`, with the tests' activities, for all tests."""
    folder = tmp_path_factory.mktemp("dev")
    (folder / "my_tasks.py").write_text(TASKS)
    (folder / "visit.yaml").write_text(FLOW)
    (folder / "refused.yaml").write_text(REFUSED)
    arguments = ["starter.py", "dev", "--ephemeral", "--port", str(free_port()), "--tasks", str(folder / "my_tasks.py")]
    program = Program(arguments, clean_environment(), folder / "dev.log")
    try:
        lines = program.announced("export THREADLOOM_TASK_QUEUE")
        exports = (line.strip().removeprefix("export ").partition("=") for line in lines if "export " in line)
        yield Dev(program, {name: value for name, _, value in exports}, folder)
    finally:
        program.end()


@pytest.fixture(scope="session")
def cli(dev: Dev) -> CommandLine:
    """The command line in a second shell, into which the variables that `dev` printed were pasted."""
    return CommandLine({**clean_environment(), **dev.exports})
