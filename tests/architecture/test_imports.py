"""Imports run one way, and the core stays pure."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.pages import ROOT

PACKAGES = ("activities", "commands", "domain", "storage", "threadloom", "workflows")

DOMAIN_LIBRARIES = {
    "pydantic": "validates flows and messages",
    "pydantic_core": "what pydantic raises and builds on",
    "jinja2": "parses and evaluates expressions",
    "jsonschema": "checks a thread's input against the schema that a flow declares",
    "jsonschema_specifications": "the meta-schemas, so that none is fetched",
    "referencing": "keeps a schema's references inside the file",
    "ruamel": "reads YAML with the line and column of every key",
}
"""What the core may use besides the standard library, and what for: pure libraries only."""

IMPURE = {
    "asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
"""Parts of the standard library that reach outside, or that differ from one run to the next."""

WATCH_IMPORTS = """
import importlib, pkgutil, sys, threading

seen = []

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set("wax+") & set(arguments[1])
    outside = event.split(".")[0] in ("socket", "subprocess", "sqlite3")
    changes = event in ("os.mkdir", "os.remove", "os.rename", "os.putenv", "os.unsetenv", "os.system", "os.fork")
    if writes or outside or changes:
        seen.append(event)

sys.addaudithook(watch)
import workflows
for module in pkgutil.walk_packages(workflows.__path__, "workflows."):
    importlib.import_module(module.name)
unwanted = {"sqlalchemy", "alembic", "storage", "threadloom"} & set(sys.modules)
print(seen, sorted(unwanted), threading.active_count())
"""
"""Imports every module of `workflows` in a fresh process and tells what that did."""


def test_the_contracts_hold() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_import_without_side_effects_and_without_sqlalchemy() -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] [] 1\n"


def test_the_domain_uses_pure_libraries_only() -> None:
    used = {name for name, _ in _imports("domain")}
    libraries = used - sys.stdlib_module_names - {"domain"}
    assert libraries == set(DOMAIN_LIBRARIES)
    assert used & IMPURE == set()


def test_nothing_imports_the_programs() -> None:
    found = [place for package in PACKAGES for name, place in _imports(package) if name in ("starter", "worker")]
    assert found == []


def _imports(package: str) -> Iterator[tuple[str, str]]:
    """Top-level module and `FILE:LINE` of each import in the package."""
    for file in sorted((ROOT / package).rglob("*.py")):
        place = file.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split(".")[0], f"{place}:{node.lineno}") for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0], f"{place}:{node.lineno}"


def test_every_package_tells_that_it_is_typed() -> None:
    assert all((ROOT / package / "py.typed").exists() for package in PACKAGES)
