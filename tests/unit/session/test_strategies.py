"""Which waiting threads a strategy starts next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code
from domain.registry import NotRegisteredError, Registry
from domain.session import strategies
from domain.session.config import make_config
from domain.session.strategies import BUILT_IN, Contender, Strategy, hybrid, parallel, sequential, strategy_named
from tests.builders import NOW, refusal


def contender(thread_id: str, flow: str = "f", priority: str = "normal") -> Contender:
    return Contender(thread_id=thread_id, flow=flow, version="1", priority=priority, since=NOW)


WAITING = [contender("u", "b", "urgent"), contender("a1", "a"), contender("a2", "a"), contender("b1", "b")]


def test_sequential_starts_one_when_nothing_runs() -> None:
    assert sequential(WAITING, [], None) == ["u"]
    assert sequential(WAITING, [contender("r")], None) == []
    assert sequential(WAITING, [], 0) == []


def test_parallel_fills_the_places_in_line() -> None:
    assert parallel(WAITING, [contender("r")], 2) == ["u", "a1"]
    assert parallel(WAITING, [], None) == ["u", "a1", "a2", "b1"]


def test_hybrid_gives_each_flow_its_share_within_a_priority() -> None:
    assert hybrid(WAITING, [], 3) == ["u", "a1", "a2"], "after the urgent one of b, a has none running and b one"
    assert hybrid(WAITING, [contender("r", "a"), contender("s", "a")], 2) == ["u", "b1"]
    assert hybrid(WAITING, [], 4) == ["u", "a1", "a2", "b1"]


LINES = st.lists(st.builds(contender, st.uuids().map(str), st.sampled_from("abc"), st.sampled_from(["low", "normal"])))


@given(
    strategy=st.sampled_from(list(BUILT_IN.values())),
    waiting=LINES,
    running=LINES,
    free=st.none() | st.integers(0, 5),
)
def test_every_strategy_starts_waiting_threads_only_and_no_more_than_fit(
    strategy: Strategy, waiting: list[Contender], running: list[Contender], free: int | None
) -> None:
    line = sorted(waiting, key=lambda one: -strategies.PRIORITIES[one.priority])
    chosen = list(strategy(line, running, free))
    assert set(chosen) <= {one.thread_id for one in waiting}
    assert len(chosen) == len(set(chosen))
    assert free is None or len(chosen) <= free
    if waiting and free != 0 and not running:
        assert chosen, "nothing waits for ever"
        assert chosen[0] == line[0].thread_id


def test_a_team_registers_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "REGISTERED", Registry[Strategy]("a strategy"))
    strategies.REGISTERED.register("mine@1", parallel)
    assert strategy_named("mine@1") is parallel
    with pytest.raises(NotRegisteredError, match="mine@2"):
        strategy_named("mine@2")
    assert make_config({"parallel_strategy": "mine@2"}).parallel_strategy == "mine@2", "another worker may have it"
    assert refusal(lambda: make_config({"parallel_strategy": "mine"})).code == Code.INVALID_ARGUMENT
