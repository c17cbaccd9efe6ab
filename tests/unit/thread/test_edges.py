"""Which way a thread takes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.thread.journal import ExecutionStatus, executions
from tests.builders import ThreadDriver, activity, flow_of, set_


def way(edges: Any, input: Any = None) -> str:
    """Where a decision with these edges leads."""
    return ThreadDriver.begin(flow_of({"choose": {"kind": "decision", "next": edges}}), input=input).path[-1]


@pytest.mark.parametrize(
    ("edges", "taken"),
    [
        ("a", "a"),
        ([{"when": "input > 1", "to": "a"}, "b"], "a"),
        ([{"when": "input > 9", "to": "a"}, "b"], "b"),
        (["b", {"when": "input > 1", "to": "a"}], "a"),
        ([{"when": "input > 1", "to": "a"}, {"when": "input > 0", "to": "b"}, "c"], "a"),
        ([{"when": "input > 1", "to": "a"}, {"when": "input > 0", "to": "b", "priority": 1}, "c"], "b"),
        ([{"when": "input > 1", "to": "a", "priority": -1}, "b"], "a"),
        ([{"when": "input > 1", "to": "a"}, {"to": "b", "priority": 5}], "a"),
    ],
)
def test_the_highest_edge_that_holds_wins_then_the_first_and_the_default_last(edges: Any, taken: str) -> None:
    assert way(edges, input=5) == taken


def test_without_an_edge_that_holds_the_node_fails() -> None:
    nodes = {"choose": {"kind": "decision", "next": [{"when": "input > 9", "to": "end"}], "on_error": "broken"}}
    thread = ThreadDriver.begin(flow_of(nodes), input=1)
    entry = executions(thread.state.journal)[0]
    assert entry.error is not None
    assert (entry.status, entry.error.code) == (ExecutionStatus.FAILED, Code.NO_EDGE)
    assert thread.error.code == "BROKEN"


def test_a_condition_that_gives_no_boolean_fails_the_node() -> None:
    nodes = {"choose": {"kind": "decision", "next": [{"when": "input", "to": "end"}, "end"]}}
    thread = ThreadDriver.begin(flow_of(nodes), input=1)
    assert (thread.status, thread.error.code, thread.error.node) == ("failed", Code.EXPRESSION_ERROR, "choose")


def test_conditions_see_what_the_node_itself_has_done() -> None:
    nodes = {
        "work": activity(save="n", next=[{"when": "n > 1 and nodes.work.status == 'completed'", "to": "a"}, "b"]),
    }
    assert ThreadDriver.begin(flow_of(nodes)).complete(2).path == ["work", "a"]


@pytest.mark.parametrize(
    ("on_error", "taken"),
    [
        ("a", "a"),
        ([{"codes": ["X", "Y"], "to": "a"}, {"to": "b"}], "a"),
        ([{"to": "b"}, {"codes": ["X"], "to": "a"}], "a"),
        ([{"codes": ["Z"], "to": "a"}, {"to": "b"}], "b"),
        ([{"codes": ["X"], "to": "a"}, {"when": "true", "to": "b"}], "a"),
        ([{"codes": ["X"], "when": "error.details == {}", "to": "a"}, "b"], "a"),
        ([{"when": "error.code == 'Z'", "to": "a"}, {"when": "error.node == 'work'", "to": "b"}], "b"),
    ],
)
def test_a_failure_takes_the_first_error_edge_that_fits(on_error: Any, taken: str) -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(on_error=on_error)})).fail("X")
    assert thread.status == "completed"
    assert thread.path == ["work", taken]


def test_a_failure_that_no_edge_catches_fails_the_thread_with_its_own_code() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(on_error=[{"codes": ["Z"], "to": "end"}])})).fail("X", "why")
    assert thread.status == "failed"
    assert thread.error.visible() == {"code": "X", "message": "why", "details": {}, "node": "work"}


def test_the_failure_of_an_error_edge_is_the_one_to_tell() -> None:
    nodes = {"work": activity(on_error=[{"when": "error.details.row > 1", "to": "end"}])}
    thread = ThreadDriver.begin(flow_of(nodes)).fail("X")
    assert (thread.status, thread.error.code) == ("failed", Code.EXPRESSION_ERROR)
    assert executions(thread.state.journal)[0].error == thread.error


def test_later_nodes_see_the_last_failure_that_was_caught() -> None:
    nodes = {
        "work": activity(on_error="note"),
        "note": set_(code="{{ error.code }}", next="other"),
        "other": activity(on_error="again"),
        "again": set_(second="{{ error.code }}"),
    }
    assert ThreadDriver.begin(flow_of(nodes)).fail("X").fail("Y").variables == {"code": "X", "second": "Y"}


def test_a_timeout_takes_its_own_edge_and_else_an_error_edge() -> None:
    wait = {"kind": "receive", "timeout": "10s", "next": "end"}
    on_timeout = flow_of({"get": {**wait, "on_timeout": "a", "on_error": "b"}})
    assert ThreadDriver.begin(on_timeout).after(10).path == ["get", "a"]
    on_error = flow_of({"get": {**wait, "on_error": [{"codes": ["NODE_TIMEOUT"], "to": "b"}]}})
    assert ThreadDriver.begin(on_error).after(10).path == ["get", "b"]
    neither = flow_of({"get": wait})
    assert ThreadDriver.begin(neither).after(10).error.code == Code.NODE_TIMEOUT


def test_a_timeout_that_no_timeout_edge_takes_is_an_error_like_any_other() -> None:
    get = {
        "kind": "receive",
        "timeout": "10s",
        "next": "end",
        "on_timeout": [{"when": "input", "to": "a"}],
        "on_error": "b",
    }
    document = flow_of({"get": get})
    assert ThreadDriver.begin(document, input=False).after(10).path == ["get", "b"]


def test_a_wait_shorter_than_its_timeout_is_no_timeout() -> None:
    nap = {"kind": "wait", "for": "5s", "timeout": "5s", "next": "end", "on_timeout": "broken"}
    assert ThreadDriver.begin(flow_of({"nap": nap})).after(5).status == "completed"
    short = {**nap, "timeout": "4s"}
    assert ThreadDriver.begin(flow_of({"nap": short})).after(4).error.code == "BROKEN"


def test_an_activity_whose_time_is_over_times_out_as_a_node() -> None:
    nodes = {"work": activity(timeout="1m", on_timeout="end", on_error="broken")}
    thread = ThreadDriver.begin(flow_of(nodes)).fail("NODE_TIMEOUT", timed_out=True)
    assert thread.status == "completed"
    one_attempt = ThreadDriver.begin(flow_of(nodes)).fail("NODE_TIMEOUT")
    assert one_attempt.error.code == "BROKEN"


def test_a_node_is_visited_as_often_as_it_may_and_no_more() -> None:
    nodes = {
        "count": {
            "kind": "set",
            "set": {"n": "{{ n + 1 }}"},
            "max_visits": 3,
            "next": [{"when": "n < 10", "to": "count"}, "end"],
        }
    }
    thread = ThreadDriver.begin(flow_of(nodes, variables={"n": 0}))
    assert (thread.status, thread.error.code, thread.variables["n"]) == ("failed", Code.MAX_VISITS, 3)
    assert [entry.visit for entry in executions(thread.state.journal)] == [1, 2, 3]


def test_a_reference_to_another_nodes_result_is_that_of_its_last_visit() -> None:
    nodes = {
        "work": activity(save="n", next=[{"when": "nodes.work.visits < 2", "to": "work"}, "look"]),
        "look": set_("over", was="{{ nodes.work.result }}"),
        "over": set_("see", n=0),
        "see": set_(still="{{ nodes.work.result }}"),
    }
    thread = ThreadDriver.begin(flow_of(nodes, variables={"n": 0})).complete(1).complete(2)
    assert thread.variables == {"n": 0, "was": 2, "still": 2}
