"""What the command line says to mistakes, and when what it needs is missing."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import (
    PATIENCE,
    CommandLine,
    Dev,
    Program,
    clean_environment,
    eventually,
    free_port,
)

TWELVE_MISTAKES = """\
flow: mistaken
version: 1
variables: {input: 1}
start: load
surplus: true
nodes:
  load: {kind: activity, args: [], effect: none, next: nowhere}
  9lives: {kind: set, set: {x: 1}, next: load}
  odd: {kind: odd, next: load}
  wait: {kind: wait, for: soon, next: load}
  choose: {kind: decision, next: [{when: "1 +", to: load}, {to: load}]}
  double: {kind: activity, activity: x, effect: none, next: [{to: load}, {to: load}]}
  ask: {kind: approval, prompt: "?", timeout: 1d, next: load}
  often: {kind: wait, for: 1s, max_visits: many, next: load}
"""


@pytest.fixture(scope="module")
def session(cli: CommandLine) -> str:
    cli.json("session", "start", "mistakes")
    return "mistakes"


def test_unknown_names_have_their_codes(cli: CommandLine, dev: Dev, session: str) -> None:
    started = cli.json("thread", "start", session, dev.folder / "visit.yaml", "--id", "one", "--hold", "--input",
                       '{"name": "Ada", "gate": "/"}')  # fmt: skip
    assert started["thread_id"] == "one"
    for code, *arguments in (
        ("SESSION_NOT_FOUND", "session", "show", "nobody"),
        ("THREAD_NOT_FOUND", "thread", "show", session, "nobody"),
        ("FLOW_NOT_FOUND", "thread", "start", session, "no-such-flow"),
        ("FLOW_NOT_FOUND", "thread", "start", session, "./no-such-file.yaml"),
        ("NODE_NOT_FOUND", "thread", "fork", session, "one", "--at", "nowhere"),
        ("FORK_POINT_NOT_EXECUTED", "thread", "fork", session, "one", "--at", "done"),
        ("FORK_POINT_MISSING", "thread", "fork", session, "one"),
        ("COPY_WITHOUT_NODES", "thread", "copy", session, "one", "--strategy", "selective"),
        ("NOT_WAITING", "thread", "decide", session, "one", "ask", "yes-please"),
        ("THREAD_EXISTS", "thread", "start", session, str(dev.folder / "visit.yaml"), "--id", "one", "--input",
         '{"name": "Ada", "gate": "/"}'),
        ("INVALID_ID", "session", "start", "no/slash"),
    ):  # fmt: skip
        ended = cli(*arguments, "--json")
        assert (ended.status, ended.json["error"]["code"]) == (1, code), ended
        assert ended.err.startswith(f"error: {code}: "), ended


def test_an_input_that_does_not_fit_names_each_place(cli: CommandLine, dev: Dev, session: str) -> None:
    ended = cli("thread", "start", session, dev.folder / "visit.yaml", "--input", '{"name": 1}')
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("error: INPUT_INVALID: ")
    assert "$.name" in ended.err
    assert "'gate' is a required property" in ended.err


def test_every_mistake_of_a_flow_has_its_line(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mistaken.yaml"
    file.write_text(TWELVE_MISTAKES)
    document = cli("flow", "validate", file, "--json")
    assert document.status == 1
    assert document.json["valid"] is False
    assert all(
        set(problem) == {"file", "line", "column", "code", "severity", "message", "hint"}
        for problem in document.json["problems"]
    )
    errors = [problem for problem in document.json["problems"] if problem["severity"] == "error"]
    assert len(errors) == 12, errors
    ended = cli("flow", "validate", file)
    assert ended.status == 1
    lines = ended.out.splitlines()
    assert len(lines) == len(document.json["problems"])
    assert all(line.startswith(f"{file}:") for line in lines)
    assert ended.err.startswith("error: FLOW_INVALID: 12 errors")


def test_a_flow_without_mistakes_is_valid(cli: CommandLine, dev: Dev) -> None:
    ended = cli("flow", "validate", dev.folder / "visit.yaml", "--json")
    assert (ended.status, ended.json["valid"], ended.err) == (0, True, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("session", "show"),
        ("session", "show", "a", "--bogus"),
        ("session", "explode", "a"),
        ("session", "pause", "a", "--for", "soon"),
        ("session", "pause", "a", "--mode", "interrupt"),
        ("thread", "start", "a", "b", "--input", "plain text"),
        ("thread", "fork", "a", "b", "--at", "c", "--set", "x=plain"),
        ("thread", "fork", "a", "b", "--strategy", "odd"),
        ("thread", "copy", "a", "b", "--node", "c"),
        ("thread", "copy", "a", "b", "--strategy", "partial", "--node", "c"),
        ("dev", "surplus"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    ended = CommandLine(clean_environment())(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Usage: starter.py" in ended.err


class TestWithoutWhatItNeeds:
    def test_no_server(self, tmp_path: Path) -> None:
        address = f"127.0.0.1:{free_port()}"
        ended = unreachable(tmp_path, address)("session", "show", "tour", "--json")
        assert (ended.status, ended.json["error"]["code"]) == (3, "SERVER_UNREACHABLE")
        assert address in ended.err.splitlines()[0]
        assert "starter.py dev" in ended.err

    def test_a_server_that_never_answers(self, tmp_path: Path) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            begun = time.monotonic()
            ended = unreachable(tmp_path, address)("session", "list")
            assert time.monotonic() - begun < 10
        assert ended.status == 3
        assert ended.err.startswith("error: SERVER_UNREACHABLE: ")
        assert address in ended.err

    def test_ctrl_c(self, tmp_path: Path) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            silent.settimeout(PATIENCE)
            env = unreachable(tmp_path, f"127.0.0.1:{silent.getsockname()[1]}").env
            program = Program(["starter.py", "session", "list"], env, tmp_path / "log")
            connection, _ = silent.accept()  # from here on it waits for an answer
            with connection:
                assert program.end(signal.SIGINT) == 130

    def test_no_database(self, cli: CommandLine) -> None:
        url = f"postgresql://somebody:secret@127.0.0.1:{free_port()}/nothing"
        ended = cli("flow", "list", "--json", env={"THREADLOOM_DATABASE_URL": url})
        assert (ended.status, ended.json["error"]["code"]) == (3, "DATABASE_UNREACHABLE")
        assert "secret" not in ended.out + ended.err

    def test_no_worker(self, cli: CommandLine) -> None:
        alone = CommandLine({**cli.env, "THREADLOOM_TASK_QUEUE": "nobody-polls-this"})
        started = alone("session", "start", "unattended", "--json")
        assert (started.status, started.json["status"]) == (0, "inactive")
        assert started.err.startswith("warning: NO_WORKER: ")
        paused = alone("session", "pause", "unattended", "--json")
        assert (paused.status, paused.json["status"]) == (0, "requested")
        assert paused.err.startswith("warning: NO_WORKER: ")
        refused = alone("thread", "destroy", "unattended", "one", "--yes", "--json")
        assert (refused.status, refused.json["error"]["code"]) == (3, "NO_WORKER")
        looked = alone("doctor", "--json")
        assert looked.status == 3
        assert looked.json["healthy"] is False
        assert [check["code"] for check in looked.json["checks"] if not check["ok"]] == ["NO_WORKER"]

    def test_all_is_well(self, cli: CommandLine) -> None:
        looked = cli("doctor", "--json")
        assert (looked.status, looked.json["healthy"]) == (0, True)
        assert {check["name"] for check in looked.json["checks"]} == {
            "server", "namespace", "search attributes", "task queue threadloom", "database", "payload store",
        }  # fmt: skip
        assert {check["remedy"] for check in looked.json["checks"]} == {None}

    def test_without_search_attributes_all_works_and_the_command_that_adds_them_is_told(self, cli: CommandLine) -> None:
        def temporal(*arguments: str) -> int:
            program = Path(sys.executable).parent / "temporal"
            done = subprocess.run([program, *arguments], env=bare.env, capture_output=True, check=False)
            return done.returncode

        bare = CommandLine({**cli.env, "TEMPORAL_NAMESPACE": "bare"})
        assert temporal("operator", "namespace", "create", "bare") == 0

        def attributes() -> dict[str, Any]:
            checks = {check["name"]: check for check in bare("doctor", "--json").json["checks"]}
            found: dict[str, Any] = checks.get("search attributes", {})
            return found

        told = eventually(attributes, bool)
        assert told["ok"]
        assert "missing: ThreadloomSession, ThreadloomStatus, ThreadloomFlow, ThreadloomHeld" in told["found"]
        command = told["remedy"].partition("temporal ")[2].split()
        eventually(lambda: temporal(*command), lambda status: status == 0)
        eventually(attributes, lambda check: check["found"] == "all registered")

    def test_a_wrong_variable_is_named(self, cli: CommandLine) -> None:
        ended = cli("flow", "list", env={"THREADLOOM_PAYLOAD_THRESHOLD": "much"})
        assert ended.status == 1
        assert ended.err.startswith("error: INVALID_ARGUMENT: ")
        assert "payload_threshold" in ended.err


def unreachable(folder: Path, address: str) -> CommandLine:
    return CommandLine(
        {
            **clean_environment(),
            "TEMPORAL_ADDRESS": address,
            "THREADLOOM_DATABASE_URL": f"sqlite:///{folder}/threadloom.db",
        }
    )
