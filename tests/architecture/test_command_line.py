"""`docs/cli.md` and the program agree, and so does every command that a page has people type."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from typer.exceptions import TyperException

from tests.architecture.pages import CommandLine, command_lines, read
from tests.architecture.programs import CHANGING, Command, commands, options, worker_command

PAGE = read("docs/cli.md")
LINES = command_lines()

_TABLE = re.compile(r"^\| command \| what it does \|\n\|---\|---\|\n((?:\|.*\n)+)", re.MULTILINE)
_ROW = re.compile(r"^\| `([^`]+)` \|(.*)$", re.MULTILINE)


def documented() -> Mapping[str, str]:
    """Each documented command, as one types it, and its row."""
    rows: dict[str, str] = {}
    for usage, rest in _ROW.findall("".join(_TABLE.findall(PAGE))):
        name = " ".join(word for word in usage.split()[:2] if re.fullmatch(r"[a-z][a-z-]*(?:\.py)?", word))
        assert name not in rows, f"{name} is documented twice"
        rows[name] = f"{usage} | {rest}"
    return rows


def declared() -> Mapping[str, Command]:
    """Each command, that of `worker.py` among them."""
    return {**commands(), "worker.py": worker_command()}


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    assert sorted(documented()) == sorted(declared())


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_option_is_documented_and_every_documented_one_exists(name: str) -> None:
    written = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", documented()[name]))
    assert written == options(declared()[name])


@pytest.mark.parametrize("name", sorted(declared()))
def test_the_arguments_are_documented_in_their_order(name: str) -> None:
    written = documented()[name].removeprefix(name).partition("--")[0].partition(" | ")[0].split()
    arguments = [parameter for parameter in declared()[name].params if parameter.param_type_name == "argument"]
    assert written == [parameter.metavar for parameter in arguments]


def test_options_that_many_commands_share_are_explained_once() -> None:
    introduction = PAGE.partition("\n## ")[0]
    assert {option for option in CHANGING | {"--json"} if f"`{option}" not in introduction} == set()


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.place} {' '.join(line.arguments[:2])}")
def test_a_command_on_a_page_is_one_that_the_program_takes(line: CommandLine) -> None:
    if line.program == "make":
        targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
        named = {word for word in line.arguments if "=" not in word and not word.startswith("-")}
        assert named
        assert named <= set(targets)
        return
    arguments = list(line.arguments)
    command = worker_command()
    if line.program == "starter.py":
        name = " ".join(arguments[:2]) if " ".join(arguments[:2]) in commands() else arguments[0]
        assert name in commands(), line.arguments
        command, arguments = commands()[name], arguments[len(name.split()) :]
    try:
        command.make_context(line.program, arguments)
    except TyperException as error:
        pytest.fail(f"{' '.join(line.arguments)}: {error}")


def test_the_pages_have_commands_of_every_program() -> None:
    assert {line.program for line in LINES} == {"starter.py", "worker.py", "make"}
