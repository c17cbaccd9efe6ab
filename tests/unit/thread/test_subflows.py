"""Subflows: variables of their own, mapped in and out, nested, bounded, and open to fork and snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.thread.snapshot import cut, parse_point
from tests.builders import ThreadDriver, activity, flow_of, set_

DOUBLE = {
    "flow": "double",
    "version": "1",
    "variables": {"factor": 2},
    "start": "work",
    "nodes": {
        "work": activity("multiply", args=["{{ input.n }}", "{{ factor }}"], save="product", next="done"),
        "done": {"kind": "end", "result": {"product": "{{ product }}"}},
    },
}
OUTER = flow_of(
    {
        "twice": {
            "kind": "subflow",
            "flow": "double",
            "input": {"n": "{{ n }}"},
            "save": {"n": "{{ result.product }}"},
            "next": [{"when": "n < 10", "to": "twice"}, {"to": "end"}],
        },
        "end": {"kind": "end", "result": "{{ n }}"},
    },
    variables={"n": 3},
)


def begin(document: Any = OUTER, **flows: Any) -> ThreadDriver:
    return ThreadDriver.begin(document, flows=flows or {"double": DOUBLE})


def test_a_subflow_sees_its_input_and_its_own_variables_and_gives_its_result() -> None:
    thread = begin()
    assert thread.call is not None
    assert (thread.call.args, thread.call.key) == ((3, 2), "t/twice/work/1")
    thread.complete(6)
    assert thread.call is not None
    assert (thread.call.args, thread.call.key) == ((6, 2), "t/twice/work/2")
    thread.complete(12)
    assert (thread.status, thread.result) == ("completed", 12)
    assert thread.path == ["twice/work", "twice/done", "twice", "twice/work", "twice/done", "twice", "end"]
    assert thread.variables == {"n": 12}


def test_a_node_of_a_subflow_has_its_visits_bounded_by_each_execution_of_the_subflow() -> None:
    inner = {**DOUBLE, "nodes": {**DOUBLE["nodes"], "work": {**DOUBLE["nodes"]["work"], "max_visits": 1}}}
    thread = begin(double=inner).complete(6).complete(12)
    assert thread.status == "completed"


def test_a_failure_in_a_subflow_is_its_nodes_failure_and_can_be_caught_outside() -> None:
    caught = flow_of(
        {
            "sub": {
                "kind": "subflow",
                "flow": "double",
                "input": {"n": 1},
                "next": "end",
                "on_error": {"to": "rescue", "codes": ["BOOM"]},
            },
            "rescue": {"kind": "end", "result": "{{ error.node }}"},
        }
    )
    thread = begin(caught).fail("BOOM")
    assert (thread.status, thread.result) == ("completed", "sub/work")
    thread = begin(caught).fail("OTHER")
    assert (thread.status, thread.error.code) == ("failed", "OTHER")


def test_recursion_is_bounded() -> None:
    endless = flow_of({"again": {"kind": "subflow", "flow": "f", "input": {}, "next": "end"}})
    thread = begin(endless, f=endless)
    assert (thread.status, thread.error.code) == ("failed", Code.SUBFLOW_TOO_DEEP)


def test_a_subflow_whose_input_does_not_fit_is_not_entered() -> None:
    strict = {**DOUBLE, "inputs": {"type": "object", "required": ["m"]}}
    thread = begin(double=strict)
    assert (thread.status, thread.error.code, thread.path) == ("failed", Code.INPUT_INVALID, ["twice"])


def test_a_result_that_does_not_fit_the_outputs_fails_the_flow() -> None:
    strict = {**DOUBLE, "outputs": {"type": "object", "properties": {"product": {"type": "string"}}}}
    thread = begin(double=strict).complete(6)
    assert (thread.status, thread.error.code) == ("failed", Code.OUTPUT_INVALID)


def test_a_subflow_that_takes_too_long_ends_by_its_nodes_timeout() -> None:
    slow = {
        "flow": "slow",
        "version": "1",
        "start": "wait",
        "nodes": {"wait": {"kind": "wait", "for": "1h", "next": "end"}, "end": {"kind": "end"}},
    }
    outer = flow_of({"sub": {"kind": "subflow", "flow": "slow", "timeout": "1m", "next": "end", "on_timeout": "late"}})
    thread = begin(outer, slow=slow).after(61)
    assert (thread.status, thread.path) == ("completed", ["sub/wait", "sub", "late"])


def test_a_thread_can_be_cut_inside_a_subflow_and_before_it() -> None:
    thread = begin().complete(6)
    snapshot = thread.snapshot()
    inside = cut(snapshot, parse_point("twice/work#1"))
    assert (inside.checkpoint.path, inside.checkpoint.next, inside.checkpoint.variables) == (
        "twice",
        "work",
        {"factor": 2},
    )
    before = cut(snapshot, parse_point("twice#1"))
    assert (before.checkpoint.path, before.checkpoint.next, before.checkpoint.variables) == ("", "twice", {"n": 3})
    pending = cut(snapshot, parse_point("twice/work"))
    assert pending.point == "twice/work#1"


def test_a_pause_holds_inside_a_subflow() -> None:
    thread = begin().pause()
    assert thread.status == "pausing"
    thread.complete(6)
    assert (thread.status, thread.state.current.path) == ("paused", "twice")
    assert thread.resume().complete(12).status == "completed"


@pytest.mark.parametrize("kind", ["set", "append"])
def test_sets_and_appends_stay_in_their_flow(kind: str) -> None:
    inner = {
        "flow": "double",
        "version": "1",
        "variables": {"n": [1]},
        "start": "change",
        "nodes": {
            "change": set_(n=[1, 2], next="done")
            if kind == "set"
            else {"kind": "set", "append": {"n": [2]}, "next": "done"},
            "done": {"kind": "end", "result": "{{ n }}"},
        },
    }
    outer = flow_of({"sub": {"kind": "subflow", "flow": "double", "save": "r", "next": "end"}}, variables={"n": 0})
    thread = begin(outer, double=inner)
    assert thread.variables == {"n": 0, "r": [1, 2]}
