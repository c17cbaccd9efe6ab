"""Where a worker finds the secrets that flows refer to."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadloom.secrets import EnvironmentSecrets


async def test_a_secret_is_a_variable_or_else_a_file(tmp_path: Path) -> None:
    for name, text in {"BOTH": "file", "LINES": "one\ntwo\n\n", "EXACT": " kept "}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    secrets = EnvironmentSecrets(tmp_path, {"THREADLOOM_SECRET_BOTH": "variable", "OTHER": "x"})
    assert [await secrets.get(name) for name in ("BOTH", "LINES", "EXACT", "OTHER")] == [
        "variable",
        "one\ntwo\n",
        " kept ",
        None,
    ]


async def test_a_secret_that_was_renewed_is_used_from_then_on(tmp_path: Path) -> None:
    secrets = EnvironmentSecrets(tmp_path, {})
    (tmp_path / "KEY").write_text("old\n", encoding="utf-8")
    assert await secrets.get("KEY") == "old"
    (tmp_path / "KEY").write_text("new\n", encoding="utf-8")
    assert await secrets.get("KEY") == "new"


async def test_a_name_reaches_no_file_outside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    assert await EnvironmentSecrets(tmp_path / "folder", {}).get("../outside") is None


async def test_what_cannot_be_read_is_no_secret_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "BYTES").write_bytes(b"\xff\xfe")
    secrets = EnvironmentSecrets(tmp_path, {})
    assert [await secrets.get("FOLDER"), await secrets.get("BYTES")] == [None, None]
    assert "secret FOLDER cannot be read: IsADirectoryError" in caplog.text
    assert "secret BYTES cannot be read: UnicodeDecodeError" in caplog.text


async def test_without_a_folder_there_are_variables_only() -> None:
    assert await EnvironmentSecrets(None, {}).get("KEY") is None
