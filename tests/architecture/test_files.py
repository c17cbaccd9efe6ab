"""Files are small, and nothing in them belongs to one machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture.pages import ROOT

LONGEST = 350
"""Lines. A file asks to be split at about 300; beyond this it must say why it was not."""

LONGER = {
    "threadloom/session.py": "a user's session is one object: a method per command, most lines its documentation",
}
"""Files beyond it, and why each is one file."""

TOP = (
    ".ci", "Makefile", "activities", "benchmarks", "commands", "docs", "domain", "examples", "pyproject.toml",
    "requirements.lock", "starter.py", "storage", "tests", "threadloom", "worker.py", "workflows",
)  # fmt: skip
"""What belongs to the project, besides the pages beside these."""

_OF_A_MACHINE = re.compile(r"""(?<![\w.}/@])(/(?:home|Users|root|work|mnt|srv|private)/\w|[A-Z]:\\\w)""")
_INDEX = re.compile(r"--(?:extra-)?index-url|--find-links|https?://")


def test_no_file_is_too_long() -> None:
    lengths = {
        name: len(text.splitlines())
        for name, text in _texts()
        if name.endswith(".py") and not name.startswith(("tests/", "examples/"))
    }
    assert {name for name, length in lengths.items() if length > LONGEST} == set(LONGER)


def test_no_file_holds_a_path_of_one_machine() -> None:
    found = [f"{name}: {match[0]}" for name, text in _texts() for match in _OF_A_MACHINE.finditer(text)]
    assert found == []


def test_the_lock_has_hashes_and_no_address_of_an_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert _INDEX.findall(text) == []
    pinned = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(pinned) > 50
    assert [entry.splitlines()[0] for entry in pinned if "==" not in entry or "--hash=sha256:" not in entry] == []


def _texts() -> Iterator[tuple[str, str]]:
    """Name and text of every text file of the project."""
    tops = [ROOT / name for name in TOP if (ROOT / name).exists()] + sorted(ROOT.glob("*.md"))
    for top in tops:
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and "__pycache__" not in file.parts:
                try:
                    yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue  # not text
