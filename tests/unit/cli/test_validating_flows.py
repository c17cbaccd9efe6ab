"""`flow validate`: every problem of every file, also of files that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.flow import app

VALID = """\
flow: fine
version: "1"
start: done
nodes:
  done: {kind: end}
"""


def make_missing(file: Path) -> None:
    assert not file.exists()


def make_latin(file: Path) -> None:
    file.write_bytes("flow: caf\u00e9".encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_missing, "there is no such file (look at the path)"),
        (make_latin, "the file is not UTF-8 text (save it as UTF-8)"),
        (Path.mkdir, "this is a folder, not a file (name the files in it)"),
    ],
)
def test_a_file_that_cannot_be_read_has_one_problem_and_hides_no_others(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    wrong, unreadable, fine = tmp_path / "wrong.yaml", tmp_path / "unreadable.yaml", tmp_path / "fine.yaml"
    wrong.write_text(VALID.replace("start: done", "start: nowhere"))
    make(unreadable)
    fine.write_text(VALID)
    files = [str(unreadable), str(wrong), str(fine)]
    ended = CliRunner().invoke(app, ["validate", *files])
    assert ended.exit_code == 1
    lines = ended.stdout.splitlines()
    assert lines[0] == f"{unreadable}:1:1 SYNTAX {message}"
    assert lines[1].startswith(f"{wrong}:3:8 ")
    assert lines[-1] == f"{fine}: no problems"
    errors = len(lines) - 1
    assert ended.stderr.splitlines()[0] == f"error: FLOW_INVALID: {errors} errors in {unreadable}, {wrong}"
    document = json.loads(CliRunner().invoke(app, ["validate", *files, "--json"]).stdout)
    assert document["valid"] is False
    assert len(document["problems"]) == len(lines) - 1


WARNED = """\
flow: warned
version: "1"
start: ask
nodes:
  ask: {kind: approval, prompt: "?", choices: [a], next: done}
  work: {kind: activity, activity: x, next: done}
  done: {kind: end}
"""


@pytest.mark.parametrize(
    ("text", "status", "summary"),
    [
        (VALID.replace("start: done", "start: nowhere"), 1, "1 error"),
        (WARNED, 1, "1 error, 2 warnings"),
        (WARNED.replace("next: done}\n  work", "timeout: 1h, next: done}\n  work"), 1, "1 error, 1 warning"),
        (WARNED.replace("start: ask", "start: work").replace("choices: [a], ", ""), 1, "2 errors, 2 warnings"),
        (WARNED.replace("x, next: done", "x, next: ask").replace("start: ask", "start: work"), 0, None),
    ],
)
def test_errors_and_warnings_are_counted_apart(text: str, status: int, summary: str | None, tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(text)
    ended = CliRunner().invoke(app, ["validate", str(file)])
    assert ended.exit_code == status
    told = ended.stderr.splitlines()[:1]
    assert told == ([] if summary is None else [f"error: FLOW_INVALID: {summary} in {file}"])
