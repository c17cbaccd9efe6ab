"""What workflows run answers the same every time: they have no sandbox that would watch it (docs/adr/0020)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.pages import ROOT

CLOCKS = {"now", "utcnow", "today", "fromtimestamp", "time", "monotonic", "perf_counter", "time_ns"}
"""Functions of `datetime`, `date` and `time` that ask the machine, not the workflow."""

OUTSIDE = {"breakpoint", "compile", "eval", "exec", "hash", "id", "open", "print"}
"""Builtins that reach outside, or whose answer is another one in the next process."""

ALLOWED = {
    ("domain/flow/schema.py", "hash"): "of a cache's key; decides nothing",
    ("workflows/thread/activities.py", "time.perf_counter"): "only warns whoever wrote a function that takes too long",
}


def test_nothing_that_workflows_run_asks_the_machine() -> None:
    found = {
        (file.relative_to(ROOT).as_posix(), asked)
        for package in ("domain", "workflows")
        for file in (ROOT / package).rglob("*.py")
        for asked in asked_of_the_machine(file.read_text(encoding="utf-8"))
    }
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("datetime.now(UTC)", "datetime.now"),
        ("datetime.datetime.utcnow()", "datetime.utcnow"),
        ("date.today()", "date.today"),
        ("time.time()", "time.time"),
        ("open('file')", "open"),
        ("sorted(things, key=id)", "id"),
        ("for each in {1, 2}: pass", "order of a set"),
        ("[each for each in set(things)]", "order of a set"),
        ("list(frozenset(things))", "order of a set"),
        ("', '.join({name for name in names})", "order of a set"),
    ],
)
def test_what_asks_the_machine_is_seen(source: str, asked: str) -> None:
    assert list(asked_of_the_machine(source)) == [asked]


@pytest.mark.parametrize(
    "source", ["workflow.now()", "sorted({1, 2})", "each.id", "hash_of(x)", "len(set(things))", "1 in {1, 2}"]
)
def test_what_does_not_is_left_alone(source: str) -> None:
    assert list(asked_of_the_machine(source)) == []


def asked_of_the_machine(source: str) -> Iterator[str]:
    """What the program asks that another run, or a replay, may be told otherwise."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (
                owner in ("datetime", "date", "time") and name in CLOCKS
            ):
                yield f"{owner}.{name}"
            case ast.Name(id=name, ctx=ast.Load()) if name in OUTSIDE:
                yield name
            case ast.For(iter=of) | ast.comprehension(iter=of) if _is_set(of):
                yield "order of a set"
            case ast.Call(func=ast.Name(id="list" | "tuple") | ast.Attribute(attr="join"), args=[of]) if _is_set(of):
                yield "order of a set"


def _is_set(node: ast.expr) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_set(left) or _is_set(right)
    return False
