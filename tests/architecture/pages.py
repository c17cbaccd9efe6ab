"""The project's pages: their snippets, links and commands, as tests look at them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
SHELL = ("", "sh", "console")
"""Languages of blocks whose lines people type; what is printed stands in `text` blocks."""

_FENCE = re.compile(r"^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE_ARGUMENT = re.compile(r"@[\w./-]+\.json\b")
_PROGRAMS = ("starter.py", "worker.py", "threadloom", "make")


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page.

    Attributes:
        place: `FILE:LINE` of its first line.
    """

    place: str
    language: str
    text: str


@dataclass(frozen=True)
class CommandLine:
    """A command as a page has people type it.

    Attributes:
        program: `starter.py`, `worker.py` or `make`.
    """

    place: str
    program: str
    arguments: tuple[str, ...]


def read(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    """The page's path within the project."""
    return page.relative_to(ROOT).as_posix()


def snippets(*languages: str) -> list[Snippet]:
    """All fenced blocks in one of the languages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match["language"] in languages:
                line = text.count("\n", 0, match.start("text")) + 1
                found.append(Snippet(f"{name_of(page)}:{line}", match["language"], match["text"]))
    return found


def command_lines() -> list[CommandLine]:
    """All commands of this project that the pages have people type."""
    return [command for snippet in snippets(*SHELL) for command in _commands(snippet)]


def links(page: Path) -> Iterator[tuple[str, str]]:
    """File and anchor of each link of the page into the project; an empty file is the page itself."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in _LINK.findall(text):
        file, _, anchor = target.partition("#")
        yield file, anchor


def anchors(page: Path) -> set[str]:
    """What links to the page may name after `#`: its headings, as GitHub makes anchors of them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(snippet: Snippet) -> Iterator[CommandLine]:
    for line in snippet.text.replace("\\\n", " ").splitlines():
        # The files that arguments name are the reader's own: any object stands for their content.
        words = shlex.split(_FILE_ARGUMENT.sub("{}", line), comments=True)
        while words and (words[0] in ("$", "python", ".venv/bin/python") or re.match(r"[A-Z_]+=", words[0])):
            del words[0]
        if words and words[0] in _PROGRAMS:
            program = "starter.py" if words[0] == "threadloom" else words[0]
            ends = words.index(">") if ">" in words else len(words)
            yield CommandLine(snippet.place, program, tuple(words[1:ends]))
