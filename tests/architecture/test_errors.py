"""Every failure code is explained, on the page as in the program."""

from __future__ import annotations

import re

import pytest

from domain.errors import Code
from domain.explanations import EXPLANATIONS
from tests.architecture.error_page import PAGE, render
from tests.architecture.programs import commands, options


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run python -m tests.architecture.error_page"


def test_every_code_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Code)
    assert [code for code, told in EXPLANATIONS.items() if not (told.meaning.strip() and told.remedy.strip())] == []


def test_every_code_is_on_the_page_once() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [code.value for code in Code]


def test_a_code_is_its_own_name() -> None:
    assert [code.name for code in Code if code.name != code.value] == []


@pytest.mark.parametrize("code", Code)
def test_a_remedy_names_commands_and_options_that_exist(code: Code) -> None:
    known = commands()
    groups = {name.split()[0] for name in known}
    for quoted in re.findall(r"`([^`]+)`", EXPLANATIONS[code].remedy):
        words = quoted.removeprefix("starter.py ").split()
        if words[0] in groups:
            name = " ".join(words[:2]) if words[0] not in known else words[0]
            assert name in known, quoted
            assert {word for word in words if word.startswith("--")} <= options(known[name]), quoted
        elif words[0].startswith("--"):
            assert any(words[0] in options(command) for command in known.values()), quoted
