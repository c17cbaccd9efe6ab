"""`@inline`: functions that nodes call inside the workflow."""

from __future__ import annotations

import pytest

from domain.errors import Code
from domain.registry import Registry
from domain.thread import functions
from tests.builders import activity, flow_of, refusal
from threadloom import inline
from threadloom.testing import run_flow


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Registry[functions.Function]:
    """What a test registers is gone after it."""
    known: Registry[functions.Function] = Registry("an inline function")
    monkeypatch.setattr(functions, "_functions", known)
    return known


def test_a_function_is_called_by_its_name_and_version() -> None:
    @inline(version="1")
    def double(n: int) -> int:
        return 2 * n

    flow = flow_of({"n": activity("double@1", mode="inline", args=["{{ input }}"], save="v")})
    assert run_flow(flow, 21).variables == {"v": 42}
    assert double(4) == 8


def test_another_name_and_two_versions_side_by_side(registered: Registry[functions.Function]) -> None:
    @inline("score", version="1")
    def first() -> int:
        return 1

    @inline("score", version="2.0")
    def second() -> int:
        return 2

    assert list(registered.names()) == ["score@1", "score@2.0"]
    assert [functions.function_named(name).function for name in registered.names()] == [first, second]


def test_one_version_means_one_function() -> None:
    @inline("score", version="1")
    def first() -> int:
        return 1

    def second() -> int:
        return 2

    assert refusal(lambda: inline("score", version="1")(second)).code == Code.TASKS_UNLOADABLE
    assert inline("score", version="1")(first) is first


@pytest.mark.parametrize(("name", "version"), [("a b", "1"), ("a@b", "1"), ("a", ""), ("a", "1 2")])
def test_a_malformed_name_is_refused(name: str, version: str) -> None:
    assert refusal(lambda: inline(name, version=version)(len)).code == Code.TASKS_UNLOADABLE


def test_a_coroutine_function_is_refused() -> None:
    async def later() -> None: ...

    assert refusal(lambda: inline(version="1")(later)).code == Code.TASKS_UNLOADABLE


def test_a_node_fails_with_what_the_function_raises() -> None:
    @inline(version="1")
    def fragile() -> None:
        raise LookupError("nothing there")

    run = run_flow(flow_of({"n": activity("fragile@1", mode="inline")}))
    assert run.error is not None
    assert (run.error.code, run.error.message) == ("LookupError", "nothing there")
