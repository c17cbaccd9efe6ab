"""`dev` and `worker.py` as processes: how they begin, what they hold, and how they end."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.integration.cli.conftest import (
    TASKS,
    CommandLine,
    Dev,
    Program,
    clean_environment,
    eventually,
    free_port,
)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dev_arguments(port: int, *more: str) -> list[str]:
    return ["starter.py", "dev", "--port", str(port), "--ephemeral", *more]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_dev_ends_with_all_that_it_started(number: int, tmp_path: Path) -> None:
    port = free_port()
    program = Program(dev_arguments(port), clean_environment() | {"TMPDIR": str(tmp_path)}, tmp_path / "log")
    (ready,) = [line for line in program.announced() if line.startswith("ready")]
    assert f"127.0.0.1:{port}" in ready
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()]
    assert program.end(number) == 0
    assert not listens(port)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child outlives a killed parent")
def test_the_server_does_not_outlive_a_killed_dev(tmp_path: Path) -> None:
    port = free_port()
    env = clean_environment() | {"TMPDIR": str(tmp_path)}  # a killed program leaves its folder behind
    program = Program(dev_arguments(port, "--json"), env, tmp_path / "log")
    program.announced("}")
    announced = json.loads("".join(program.lines))
    assert announced["address"] == announced["environment"]["TEMPORAL_ADDRESS"] == f"127.0.0.1:{port}"
    assert program.end(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: listens(port), lambda up: not up)


def test_a_port_in_use_is_told(dev: Dev, cli: CommandLine) -> None:
    port = dev.exports["TEMPORAL_ADDRESS"].rpartition(":")[2]
    ended = cli("dev", "--ephemeral", "--port", port)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"error: PORT_IN_USE: port {port} is in use")


def test_what_dev_keeps_is_there_the_next_time(tmp_path: Path) -> None:
    arguments = ["starter.py", "dev", "--port", str(free_port()), "--data", str(tmp_path / "data")]
    for attempt in range(2):
        program = Program(arguments, clean_environment(), tmp_path / "log")
        lines = program.announced("export THREADLOOM_TASK_QUEUE")
        exports = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        kept = CommandLine({**clean_environment(), **exports})
        try:
            if attempt == 0:
                kept.json("session", "start", "kept")
            assert kept.json("session", "show", "kept")["status"] == "active"
        finally:
            program.end()


def test_a_killed_worker_is_replaced_and_nothing_runs_twice(dev: Dev, cli: CommandLine, tmp_path: Path) -> None:
    """On a task queue of its own, so that only the workers of this test can take the thread."""
    (tmp_path / "my_tasks.py").write_text(
        TASKS.replace("    return f", f"    open({str(tmp_path / 'greeted')!r}, 'a').write(name)\n    return f")
    )
    gate = tmp_path / "gate"
    metrics = free_port()
    env = {**cli.env, "THREADLOOM_TASK_QUEUE": "replaced"}
    arguments = ["worker.py", "--tasks", str(tmp_path / "my_tasks.py"), "--metrics", f"127.0.0.1:{metrics}"]
    own = CommandLine(env)

    first = Program(arguments, env, tmp_path / "first.log")
    try:
        first.announced()
        with urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as answer:
            assert b"temporal_" in answer.read()
        own.json("session", "start", "replaced")
        own.json("thread", "start", "replaced", dev.folder / "visit.yaml", "--id", "one", "--input",
                 json.dumps({"name": "Ada", "gate": str(gate)}))  # fmt: skip
        eventually(lambda: own.json("thread", "show", "replaced", "one")["current_node"], lambda node: node == "gate")
    finally:
        first.end(signal.SIGKILL)

    second = Program(arguments, env, tmp_path / "second.log")
    try:
        second.announced()
        gate.touch()
        # The attempt that died with its worker is missed only after its time-out, so the thread is forked
        # there. The server still waits for the dead worker for a while: the same command is sent again.
        fork = ("thread", "fork", "replaced", "one", "--at", "gate", "--id", "two", "--command-id", "fork-1", "--json")
        forked = eventually(lambda: own(*fork), lambda ended: ended.status == 0)
        assert forked.json["fork_point"] == "gate#1"
        eventually(
            lambda: own("thread", "decide", "replaced", "two", "ask", "yes-please").status, lambda code: code == 0
        )
        assert own.json("thread", "result", "replaced", "two", "--wait")["result"]["greeting"] == "hello Ada"
        assert (tmp_path / "greeted").read_text() == "Ada"
        assert second.end(signal.SIGTERM) == 0
        for line in (tmp_path / "second.log").read_text().splitlines():
            assert {"time", "level", "logger", "message"} <= set(json.loads(line))
    finally:
        if second.process.poll() is None:
            second.end()


@pytest.mark.parametrize(
    ("text", "said"),
    [("import no_such_library\n", ":1: ModuleNotFoundError"), ("x = 1\n", "no function marked")],
    ids=["broken", "empty"],
)
def test_a_module_that_cannot_be_loaded_ends_the_worker(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "my_tasks.py"
    file.write_text(text)
    program = Program(["worker.py", "--tasks", str(file)], clean_environment(), tmp_path / "log")
    assert program.wait() == 1
    log = (tmp_path / "log").read_text()
    assert log.startswith("error: TASKS_UNLOADABLE: ")
    assert said in log.splitlines()[0]


def test_a_worker_without_a_server_says_so(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    env = clean_environment() | {
        "TEMPORAL_ADDRESS": address,
        "THREADLOOM_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "THREADLOOM_LOG_LEVEL": "error",
    }
    program = Program(["worker.py"], env, tmp_path / "log")
    assert program.wait() == 3
    assert (tmp_path / "log").read_text().startswith("error: SERVER_UNREACHABLE: ")
    assert address in (tmp_path / "log").read_text()
