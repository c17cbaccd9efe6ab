"""`flow graph`: a file is drawn by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.flow import app

FLOW = """\
flow: outer
version: "1"
start: part
nodes:
  part: {kind: subflow, flow: registered-nowhere, next: done}
  done: {kind: end}
"""


def test_a_file_needs_neither_a_database_nor_the_flows_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADLOOM_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/at/all.db")
    file = tmp_path / "outer.yaml"
    file.write_text(FLOW)
    ended = CliRunner().invoke(app, ["graph", str(file), "--json"])
    assert ended.exit_code == 0
    drawn = json.loads(ended.stdout)
    assert (drawn["flow"], drawn["version"]) == ("outer", "1")
    assert drawn["mermaid"].startswith("flowchart TD\n")
    registered = CliRunner().invoke(app, ["graph", "outer"])
    assert registered.exit_code == 3
    assert registered.stderr.startswith("error: DATABASE_UNREACHABLE: ")
