"""What the pages say can be followed: snippets compile and type-check, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.pages import PAGES, ROOT, Snippet, anchors, links, name_of, read, snippets
from threadloom import Settings

PYTHON = snippets("python")
FIRST_SCREEN = 40
"""Lines that a reader sees without scrolling."""


@pytest.mark.parametrize("snippet", PYTHON, ids=lambda snippet: snippet.place)
def test_a_python_snippet_compiles(snippet: Snippet) -> None:
    compile(snippet.text, snippet.place, "exec")


def test_the_python_snippets_type_check(tmp_path: Path) -> None:
    files = []
    for number, snippet in enumerate(PYTHON):
        file = tmp_path / f"snippet_{number}.py"
        file.write_text(f"# {snippet.place}\n{snippet.text}", encoding="utf-8")
        files.append(file)
    # Silent: an error elsewhere is not the page's, and `make types` tells of it.
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    done = subprocess.run([*mypy, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", ["examples/first_flow/flow.yaml", "examples/first_flow/my_tasks.py"])
def test_the_first_flow_stands_in_the_readme_as_it_is(file: str) -> None:
    assert read(file) in [snippet.text for snippet in snippets("yaml", "python") if "README.md:" in snippet.place]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_into_the_project_lead_somewhere(page: Path) -> None:
    for file, anchor in links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


def test_the_two_commands_of_a_newcomer_stand_on_the_first_screen() -> None:
    screen = "\n".join(read("README.md").splitlines()[:FIRST_SCREEN])
    assert "\nmake demo" in screen
    assert "\nmake test" in screen


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    written = set(re.findall(r"^\| `(THREADLOOM_[A-Z_]+)` \|", read("docs/operations.md"), re.MULTILINE))
    assert written == {f"THREADLOOM_{name.upper()}" for name in Settings.model_fields}


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    listed = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    wanted = {match[0] for entry in listed if (match := re.match(r"[\w.-]+", entry))}
    assert set(re.findall(r"^\| `([\w.-]+)` \|", read("docs/dependencies.md"), re.MULTILINE)) == wanted


def test_decisions_are_numbered_without_gaps_and_have_the_same_parts() -> None:
    records = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        headings = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], record.name


def test_every_decision_is_listed_on_the_architecture_page() -> None:
    linked = {file.removeprefix("adr/") for file, _ in links(ROOT / "docs/architecture.md") if file.startswith("adr/")}
    assert linked == {record.name for record in (ROOT / "docs/adr").glob("*.md")}
