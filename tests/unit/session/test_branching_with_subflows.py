"""Forks and copies of threads whose flow executes other flows, and forks that go on at another node."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.session.operations.base import Branch
from domain.thread.program import Program
from domain.thread.snapshot import cut, parse_point, reaches
from tests.builders import ThreadDriver, activity, flow_of, refusal, set_

INNER = flow_of(
    {
        "work": activity(save="done", effect="external", next="more"),
        "more": activity("again", next="end"),
    },
    variables={"size": "{{ input }}"},
)
OUTER = flow_of(
    {
        "begin": set_("call", count=1),
        "call": {"kind": "subflow", "flow": "inner", "input": 7, "save": "got", "next": "last"},
        "last": activity("tidy", args=["{{ got }}"], next="end", on_error="side"),
        "side": set_("end", on_the_side=True),
    },
)
FLOWS = {"inner": INNER}


def inside() -> ThreadDriver:
    """Executed: begin, call/work; call/more is in flight."""
    return ThreadDriver.begin(OUTER, flows=FLOWS).complete("x")


def started(branch: Branch) -> ThreadDriver:
    return ThreadDriver.of_branch(branch).rest()


def codes(branch: Branch) -> list[str]:
    return [warning.code for warning in branch.warnings]


def test_a_fork_inside_a_subflow_goes_on_there_and_returns_to_the_outer_flow() -> None:
    branch = inside().fork("call/work", set={"size": 8})
    assert (branch.kept["fork_point"], branch.kept["next"]) == ("call/work#1", "call/work")
    assert codes(branch) == ["EFFECT_REPEATED"]
    thread = started(branch)
    assert thread.state.current.variables == {"size": 8}
    thread.complete("y").complete().complete()
    assert thread.status == "completed"
    assert thread.variables["count"] == 1


def test_a_fork_at_a_subflow_runs_all_of_it_again() -> None:
    branch = inside().complete().fork("call")
    assert codes(branch) == ["EFFECT_REPEATED"]
    assert branch.warnings[0].message.startswith("call/work ")
    assert started(branch).path == ["begin"]


def test_a_minimal_fork_inside_a_subflow_begins_with_that_flows_own_variables() -> None:
    thread = started(inside().fork("call/more", strategy="minimal"))
    assert thread.state.current.variables == {"size": 7}


def test_a_branch_has_the_flows_of_its_source_or_those_that_came_with_another() -> None:
    thread = inside().complete()
    assert thread.fork("call").flows == FLOWS
    other = {"inner": {**INNER, "version": "2"}}
    branch = thread.fork("call", flow={**OUTER, "version": "2"}, flows=other)
    assert (branch.flows, branch.definition.version) == (other, "2")


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        ("call/wrok", {}, Code.NODE_NOT_FOUND),
        ("begin/work", {}, Code.NODE_NOT_FOUND),
        ("call/work", {"flow": flow_of({"begin": set_(x=1)})}, Code.NODE_NOT_FOUND),
        ("call/work", {"flow": OUTER, "flows": {}}, Code.FLOW_NOT_FOUND),
        ("begin", {"enter": "nowhere"}, Code.NODE_NOT_FOUND),
    ],
)
def test_a_fork_whose_nodes_are_not_there_is_refused(at: str, fields: dict[str, Any], code: Code) -> None:
    assert refusal(lambda: inside().fork(at, **fields)).code == code


def test_a_branch_may_go_on_at_another_node_than_its_point() -> None:
    branch = ThreadDriver.begin(OUTER, flows=FLOWS).fork("call/work", enter="more")
    assert (branch.kept["next"], codes(branch)) == ("call/more", [])
    branch = inside().complete().fork("last", enter="side")
    assert branch.kept["fork_point"] == "last#1"
    assert codes(branch) == []
    thread = started(branch)
    assert (thread.status, thread.variables["on_the_side"]) == ("completed", True)
    assert "last" not in thread.path


def test_a_full_copy_stands_inside_the_subflow_as_its_source_does() -> None:
    branch = inside().copy()
    assert (branch.kept["next"], codes(branch)) == ("call/more", ["SOURCE_RUNNING"])
    assert started(branch).complete().complete().status == "completed"


@pytest.mark.parametrize("fields", [{"strategy": "partial"}, {"reset": True}])
def test_a_copy_that_starts_over_starts_in_the_thread_own_flow(fields: dict[str, Any]) -> None:
    branch = inside().copy(**fields)
    assert branch.kept["next"] == "begin"
    assert "EFFECT_REPEATED" in codes(branch)
    thread = started(branch)
    assert thread.complete("x").complete().complete().status == "completed"


def test_a_selective_copy_repeats_the_subflow_that_was_not_chosen() -> None:
    branch = inside().copy(strategy="selective", nodes=["begin"])
    assert branch.kept["next"] == "call"
    assert started(branch).variables == {"size": 7}


def test_parts_of_a_subflow_are_not_chosen_for_a_copy() -> None:
    error = refusal(lambda: inside().copy(strategy="selective", nodes=["call/work"]))
    assert (error.code, error.details["executed"]) == (Code.NODE_NOT_FOUND, ["begin"])


def test_the_program_of_a_branch_executes_what_the_source_would() -> None:
    branch = inside().fork("call/more")
    assert Program.of(branch.flow, branch.flows).named("inner").start == "work"


def test_a_fork_at_a_subflow_in_execution_begins_it_anew() -> None:
    source = inside()
    for at in ("call", "call#1"):
        branch = source.fork(at, set={"count": 5})
        assert (branch.kept["fork_point"], branch.kept["next"]) == ("call#1", "call")
        assert codes(branch) == ["FORK_POINT_PENDING", "EFFECT_REPEATED"]
        thread = started(branch)
        assert thread.call is not None
        assert (thread.call.node, thread.path) == ("call/work", ["begin"])
        thread.complete("y").complete().complete()
        assert (thread.status, thread.variables["count"]) == ("completed", 5)


def test_a_fork_at_a_subflow_in_execution_whose_beginning_left_memory_reads_the_archive() -> None:
    source = inside()
    whole = source.snapshot()
    short = source.archive(2).snapshot()
    point = parse_point("call")
    assert (reaches(whole, point), reaches(short, point)) == (True, False)
    restored = short.with_archive(whole.base, whole.journal)
    assert cut(restored, point) == cut(whole, point)


def test_a_thread_made_inside_a_subflow_cannot_be_forked_where_that_began() -> None:
    thread = started(inside().fork("call/work", include_history=False))
    assert refusal(lambda: thread.fork("call")).code == Code.FORK_POINT_NOT_EXECUTED
    thread.complete("y").complete()
    assert refusal(lambda: thread.fork("call")).code == Code.FORK_POINT_NOT_EXECUTED
    assert thread.fork("call/more").kept["next"] == "call/more"
