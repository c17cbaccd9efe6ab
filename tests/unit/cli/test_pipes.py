"""What a command does when the reader of its answer leaves before the end, as `head` does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys
import typer
from rich.text import Text
from commands.calls import Answer, command
from commands.outcome import run
from domain.errors import ThreadloomError

text = "x" * int(sys.argv.pop())

async def answer(call):
    return Answer({"text": text}, lambda: Text(text))

async def refuse(call):
    raise ThreadloomError("REFUSED", "no", {"text": text})

app = typer.Typer()
command(app, "answer")(answer)
command(app, "refuse")(refuse)
run(app)
"""

SHORT = "10"
LONG = "1000000"
"""Characters: more than any buffer holds, so that the break shows while printing and not only at the end."""


def without_reader(*arguments: str) -> tuple[int, str]:
    """The exit status and stderr of the program whose stdout nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        os.close(writer)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("length", [SHORT, LONG])
@pytest.mark.parametrize("options", [["--json"], []], ids=["for programs", "for people"])
def test_an_answer_that_nobody_reads_ends_quietly_as_by_sigpipe(options: list[str], length: str) -> None:
    assert without_reader("answer", *options, length) == (141, "")


@pytest.mark.parametrize("length", [SHORT, LONG])
def test_a_refusal_that_nobody_reads_is_still_told_on_stderr(length: str) -> None:
    assert without_reader("refuse", "--json", length) == (1, "error: REFUSED: no\n")
