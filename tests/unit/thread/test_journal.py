"""The journal: folding it gives the state, and nothing is stored twice."""

from __future__ import annotations

from typing import Any

from domain.thread.checkpoint import Checkpoint, add_usage, fold
from domain.thread.journal import ExecutionStatus, Failure, JournalEntry, Rebase
from tests.builders import NOW, later


def entry(seq: int, node: str, **fields: Any) -> JournalEntry:
    usual = {"kind": "activity", "visit": 1, "status": ExecutionStatus.COMPLETED, "next": "n"}
    return JournalEntry(seq=seq, node=node, started_at=NOW, ended_at=later(1), **{**usual, **fields})


def test_a_result_saved_whole_is_stored_once_and_read_from_both_places() -> None:
    rows = [1, 2]
    state = Checkpoint().apply(entry(1, "load", result=rows, saved_as="rows"))
    assert state.variables["rows"] is rows
    assert state.nodes["load"].result is None
    assert state.result("load") is rows


def test_a_node_keeps_its_result_when_the_variable_changes() -> None:
    state = fold(Checkpoint(), [entry(1, "load", result=1, saved_as="x"), entry(2, "other", changed={"x": 2})])
    assert (state.variables, state.result("load")) == ({"x": 2}, 1)


def test_a_node_keeps_its_result_when_a_fork_drops_or_sets_the_variable() -> None:
    loaded = Checkpoint().apply(entry(1, "load", result=1, saved_as="x"))
    for rebase in (
        Rebase(seq=2, at=NOW, next="n", drop_variables=("x",)),
        Rebase(seq=2, at=NOW, next="n", set={"x": 5}),
        Rebase(seq=2, at=NOW, next="n", set={"x": 5}, drop_variables=("x",)),
    ):
        assert loaded.apply(rebase).result("load") == 1


def test_applying_an_entry_leaves_the_state_before_it_alone() -> None:
    before = Checkpoint(variables={"x": 1})
    before.apply(entry(1, "load", changed={"x": 2}, usage={"model": "m", "tokens": 1}))
    assert before == Checkpoint(variables={"x": 1})


def test_only_a_caught_failure_is_remembered_as_the_last() -> None:
    caught = Failure(code="A", message="")
    state = Checkpoint().apply(entry(1, "a", status=ExecutionStatus.FAILED, error=caught))
    assert state.error == caught
    ended = state.apply(entry(2, "b", status=ExecutionStatus.FAILED, error=Failure(code="B", message=""), next=None))
    assert ended.error == caught
    assert state.apply(entry(2, "b")).error == caught


def test_a_fork_forgets_what_its_ancestor_used_and_if_asked_its_last_failure() -> None:
    used = Checkpoint(error=Failure(code="A", message=""), usage={"m": {"calls": 1, "tokens": 9, "cost": 1}})
    rebased = used.apply(Rebase(seq=1, at=NOW, next="n"))
    assert (rebased.usage, rebased.error) == ({}, used.error)
    assert used.apply(Rebase(seq=1, at=NOW, next="n", drop_error=True)).error is None


def test_a_fork_can_drop_what_is_not_there() -> None:
    state = Checkpoint().apply(Rebase(seq=1, at=NOW, next="n", drop_nodes=("a",), drop_variables=("x",)))
    assert state == Checkpoint(seq=1, next="n")


def test_usage_without_figures_counts_the_call() -> None:
    usage = add_usage(add_usage({}, {"model": None, "tokens": None}), {"model": "m", "cost": 2})
    assert usage == {"unknown": {"calls": 1, "tokens": 0, "cost": 0}, "m": {"calls": 1, "tokens": 0, "cost": 2}}


def test_a_node_that_was_not_executed_has_no_visits() -> None:
    assert Checkpoint().visits("a") == 0
