"""Snapshots: a thread cut at any point of its past, and restored from there."""

from __future__ import annotations

from typing import Any

import pytest

from domain.codec import dump, load
from domain.errors import Code
from domain.thread.checkpoint import Checkpoint, fold
from domain.thread.journal import executions
from domain.thread.snapshot import Point, Seed, cut, first_seed, parse_point, reaches, restore
from domain.thread.state import ThreadStatus
from tests.builders import NOW, ThreadDriver, activity, flow_of, identity_of, later, refusal, set_

LOOP = flow_of(
    {
        "count": {**set_(n="{{ n + 1 }}"), "next": "work"},
        "work": activity(save="got", next=[{"when": "n < 3", "to": "count"}, "end"]),
    },
    variables={"n": 0},
)


def looped() -> ThreadDriver:
    """Executed: count#1 @1, work#1 @2, count#2 @3, work#2 @4, count#3 @5; work#3 is in flight."""
    return ThreadDriver.begin(LOOP).after(1).complete("a").after(1).complete("b")


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("work", Point(node="work")),
        ("work#2", Point(node="work", visit=2)),
        ("@12", Point(seq=12)),
        ("a", Point(node="a")),
    ],
)
def test_points_are_written_as_they_are_read(text: str, point: Point) -> None:
    assert parse_point(text) == point
    assert str(point) == text


@pytest.mark.parametrize("text", ["@", "@x", "#1", "work#", "work#x", "1work", "wo rk", "work\n", "@-1", "@1234567890"])
def test_what_is_no_point_is_refused(text: str) -> None:
    assert refusal(lambda: parse_point(text)).code == Code.INVALID_ARGUMENT


def test_a_fork_without_a_point_is_refused() -> None:
    assert refusal(lambda: parse_point("")).code == Code.FORK_POINT_MISSING


@pytest.mark.parametrize(
    ("at", "name", "n", "got", "next_node"),
    [
        ("count#1", "count#1", 0, None, "count"),
        ("work#1", "work#1", 1, None, "work"),
        ("work#2", "work#2", 2, "a", "work"),
        ("work", "work#2", 2, "a", "work"),
        ("count", "count#3", 2, "b", "count"),
        ("@3", "count#2", 1, "a", "count"),
        ("@5", "count#3", 2, "b", "count"),
        ("work#3", "work#3", 3, "b", "work"),
        ("@6", "work#3", 3, "b", "work"),
    ],
)
def test_a_cut_is_the_moment_before_that_visit(at: str, name: str, n: int, got: Any, next_node: str) -> None:
    found = cut(looped().snapshot(), parse_point(at))
    assert found.point == name
    assert (found.checkpoint.variables["n"], found.checkpoint.variables.get("got")) == (n, got)
    assert found.checkpoint.next == next_node
    assert found.pending == (name == "work#3")


@pytest.mark.parametrize(
    ("at", "n", "got", "next_node"),
    [("work#1", 1, "a", "count"), ("count#3", 3, "b", "work"), ("@2", 1, "a", "count"), ("work", 2, "b", "count")],
)
def test_a_cut_behind_a_visit_keeps_its_result(at: str, n: int, got: str, next_node: str) -> None:
    found = cut(looped().snapshot(), parse_point(at), after=True)
    assert (found.checkpoint.variables["n"], found.checkpoint.variables["got"]) == (n, got)
    assert found.checkpoint.next == next_node


def test_the_moment_of_a_cut_is_that_of_the_execution() -> None:
    snapshot = looped().snapshot()
    assert cut(snapshot, parse_point("work#2")).at == later(1)
    assert cut(snapshot, parse_point("work#2"), after=True).at == later(2)
    assert cut(snapshot, parse_point("work#3")).at is None


@pytest.mark.parametrize("at", ["work#4", "end", "@7", "@0", "nowhere"])
def test_a_point_that_was_not_passed_is_refused_with_those_that_were(at: str) -> None:
    error = refusal(lambda: cut(looped().snapshot(), parse_point(at)))
    assert (error.code, error.details) == (Code.FORK_POINT_NOT_EXECUTED, {"executed": ["count", "work"]})


def test_nothing_is_behind_a_node_that_is_still_in_flight() -> None:
    error = refusal(lambda: cut(looped().snapshot(), parse_point("work#3"), after=True))
    assert error.code == Code.FORK_POINT_NOT_EXECUTED


def test_nothing_is_behind_the_last_node_and_nothing_is_pending_at_the_end() -> None:
    ended = looped().complete("c").snapshot()
    assert refusal(lambda: cut(ended, parse_point("end"), after=True)).code == Code.INVALID_ARGUMENT
    assert refusal(lambda: cut(ended, parse_point("@8"))).code == Code.FORK_POINT_NOT_EXECUTED
    assert cut(ended, parse_point("end")).checkpoint.variables["got"] == "c"


def test_a_thread_between_two_nodes_stands_at_the_next() -> None:
    held = ThreadDriver.begin(LOOP).pause().complete("a")
    found = cut(held.snapshot(), parse_point("count#2"))
    assert (found.point, found.pending, found.checkpoint.next) == ("count#2", True, "count")


def test_what_has_left_memory_is_read_from_the_archive() -> None:
    thread = looped()
    whole = thread.snapshot()
    thread.archive(3)
    short = thread.snapshot()
    assert [entry.seq for entry in executions(short.journal)] == [4, 5]
    assert short.current() == whole.current()
    for at, in_memory in [
        ("work", True),
        ("work#1", False),
        ("@3", False),
        ("@4", True),
        ("count#9", True),
        ("x", True),
    ]:
        assert reaches(short, parse_point(at)) is in_memory, at
    assert reaches(short, parse_point("work#3"))
    assert short.with_archive(whole.base, whole.journal) == whole
    assert short.with_archive(whole.base, whole.journal[:3]) == whole


@pytest.mark.parametrize("held_back", [slice(0, 2), slice(1, 3), slice(0, 0)])
def test_an_archive_with_a_gap_is_refused(held_back: slice) -> None:
    thread = looped()
    whole = thread.snapshot()
    short = thread.archive(3).snapshot()
    error = refusal(lambda: short.with_archive(whole.base, whole.journal[held_back]))
    assert error.code == Code.JOURNAL_INCOMPLETE


def test_archiving_again_or_less_changes_nothing() -> None:
    thread = looped().archive(3)
    before = thread.state
    assert thread.archive(3).archive(1).state == before


def test_a_restored_thread_is_what_the_seed_says_and_about_to_start() -> None:
    seed = looped().fork("work#2").seed
    state = restore(load(Seed, dump(seed)), NOW)
    assert (state.status, state.started_at) == (ThreadStatus.PENDING, None)
    assert (state.base, state.journal) == (seed.base, seed.journal)
    assert state.current == fold(seed.base, seed.journal)
    assert (state.current.variables, state.current.next) == ({"n": 2, "got": "a"}, "work")


def test_initial_variables_may_use_the_input() -> None:
    document = flow_of({"end": {"kind": "end"}}, variables={"limit": "{{ input.limit * 2 }}", "plain": [1]})
    thread = ThreadDriver(document, input={"limit": 4})
    assert thread.state.base == Checkpoint(variables={"limit": 8, "plain": [1]}, next="end")
    error = refusal(lambda: first_seed(thread.flow, identity_of(), input={}))
    assert error.code == Code.EXPRESSION_ERROR


def test_a_snapshot_crosses_the_wire_unchanged() -> None:
    thread = looped().pause().send({"x": 1})
    snapshot = thread.snapshot()
    assert snapshot.status is ThreadStatus.PAUSING
    assert snapshot.active == thread.state.active
    assert snapshot.current() == thread.state.current
