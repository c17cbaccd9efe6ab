from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from domain.flow.model import ActivityNode, MapNode
from domain.flow.parse import digest_of, parse_flow, runnable_flow


def document(**changes: Any) -> dict[str, Any]:
    nodes = {
        "a": {"kind": "activity", "activity": "read", "next": "b"},
        "b": {"kind": "activity", "activity": "write", "effect": "external", "retry": {}, "next": "end"},
        "end": {"kind": "end"},
    }
    return {"flow": "f", "version": "1", "start": "a", "nodes": nodes, **changes}


def problems_of(value: Any) -> list[dict[str, Any]]:
    with pytest.raises(ThreadloomError) as caught:
        parse_flow(value)
    assert caught.value.code == Code.FLOW_INVALID
    problems: list[dict[str, Any]] = caught.value.details["problems"]
    return problems


def activity(flow: Any, node_id: str) -> ActivityNode:
    node = flow.nodes[node_id]
    assert isinstance(node, ActivityNode)
    return node


def test_activities_take_the_defaults_where_they_say_nothing_themselves() -> None:
    defaults = {"task_queue": "q", "start_to_close": "30s", "effect": "none", "retry": {"maximum_attempts": 3}}
    flow = parse_flow(document(defaults={"activity": defaults}))
    first, second = activity(flow, "a"), activity(flow, "b")
    assert (first.task_queue, second.task_queue) == ("q", "q")
    assert first.start_to_close == timedelta(seconds=30)
    assert (first.declared_effect, second.declared_effect) == ("none", "external")
    assert (first.retry.maximum_attempts, second.retry.maximum_attempts) == (3, 0)


def test_maps_take_the_defaults_of_activities() -> None:
    mapped = {"kind": "map", "over": [1], "activity": "read", "concurrency": 2, "next": "end"}
    defaults = {"task_queue": "q", "retry": {"maximum_attempts": 3}, "effect": "none"}
    flow = parse_flow(document(nodes={"a": mapped, "end": {"kind": "end"}}, defaults={"activity": defaults}))
    node = flow.nodes["a"]
    assert isinstance(node, MapNode)
    assert (node.task_queue, node.retry.maximum_attempts, node.effect) == ("q", 3, "none")


def test_defaults_that_mean_nothing_where_a_node_runs_are_for_the_others() -> None:
    nodes = {
        "a": {"kind": "activity", "activity": "read", "mode": "local", "next": "b"},
        "b": {"kind": "activity", "activity": "read@1", "mode": "inline", "next": "c"},
        "c": {"kind": "activity", "activity": "read", "next": "end"},
        "end": {"kind": "end"},
    }
    defaults = {
        "task_queue": "q",
        "heartbeat": "1s",
        "retry": {"maximum_attempts": 3},
        "effect": "none",
        "priority": "high",
        "start_to_close": "2s",
        "timeout": "3s",
    }
    flow = parse_flow(document(nodes=nodes, defaults={"activity": defaults}))
    local, inline, remote = (activity(flow, node_id) for node_id in "abc")
    assert [node.priority for node in (local, inline, remote)] == [None, None, "high"]
    assert [node.timeout for node in (local, inline, remote)] == [timedelta(seconds=3), None, timedelta(seconds=3)]
    assert local.start_to_close == remote.start_to_close == timedelta(seconds=2)
    assert [node.task_queue for node in (local, inline, remote)] == [None, None, "q"]
    assert [node.heartbeat for node in (local, inline, remote)] == [None, None, timedelta(seconds=1)]
    assert [node.retry.maximum_attempts for node in (local, inline, remote)] == [3, 0, 3]


def test_a_mode_by_default_is_a_mode() -> None:
    nodes = {"a": {"kind": "activity", "activity": "x", "task_queue": "q", "next": "end"}, "end": {"kind": "end"}}
    (problem,) = problems_of(document(nodes=nodes, defaults={"activity": {"mode": "local", "effect": "none"}}))
    assert (problem["path"], problem["code"]) == ("$.nodes.a.task_queue", "MODE_CONFLICT")
    (problem,) = problems_of(document(nodes=nodes, defaults={"activity": {"effect": "external", "mode": "local"}}))[:1]
    assert problem["code"] == "MODE_CONFLICT"


def test_without_defaults_an_activity_has_the_models() -> None:
    first = activity(parse_flow(document()), "a")
    assert first.start_to_close == timedelta(minutes=10)
    assert first.task_queue is None
    assert first.declared_effect == "external"


def test_empty_defaults_change_nothing() -> None:
    assert activity(parse_flow(document(defaults={"activity": {"start_to_close": None}})), "a").start_to_close


def test_problems_have_json_paths() -> None:
    nodes = {"a": {"kind": "decision", "next": [{"to": "b", "when": "x >"}, {"to": "end"}]}, "end": {"kind": "end"}}
    first, second = problems_of(document(nodes=nodes))
    assert (first["path"], first["code"]) == ("$.nodes.a.next[0].to", "UNKNOWN_NODE")
    assert (second["path"], second["code"], second["severity"]) == (
        "$.nodes.a.next[0].when",
        "BAD_EXPRESSION",
        "error",
    )


def test_warnings_do_not_make_a_flow_invalid_and_come_with_the_errors() -> None:
    assert parse_flow(document()).label == "f@1"
    codes = [(problem["code"], problem["severity"]) for problem in problems_of(document(start="c"))]
    assert codes == [("UNKNOWN_NODE", "error"), ("EFFECT_UNDECLARED", "warning")]


@pytest.mark.parametrize("value", [None, [], "flow", 5, {}, {"nodes": None}, {"nodes": {"a": None}}, {"nodes": {}}])
def test_whatever_is_no_flow_is_invalid(value: Any) -> None:
    assert problems_of(value)


def test_documents_too_deep_for_the_stack_are_invalid() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for field, code in (("variables", "BAD_EXPRESSION"), ("varables", "BAD_VALUE"), ("inputs", "BAD_SCHEMA")):
        problems = problems_of(document(**{field: {"x": deep, "allOf": deep}}))
        assert code in [problem["code"] for problem in problems]


def test_the_details_stay_small() -> None:
    with pytest.raises(ThreadloomError) as caught:
        parse_flow(document(**{f"field{n}": 1 for n in range(500)}))
    assert len(caught.value.details["problems"]) == 50
    assert caught.value.details["total"] >= 500


def chain(count: int, **fields: Any) -> dict[str, Any]:
    steps = {f"a{n}": {"kind": "set", "next": f"a{n + 1}", **fields} for n in range(count)}
    return {**document(nodes={**steps, f"a{count}": {"kind": "end"}}), "start": "a0"}


def test_flows_that_a_workflow_could_not_check_in_time_are_invalid() -> None:
    (problem,) = problems_of(chain(2_000, set={"x": 1}))
    assert problem["message"] == "a flow has at most 2,000 nodes"
    many = chain(100, set={f"x{n}": "{{ input }}" for n in range(31)})
    (problem,) = problems_of(many)
    assert "more than 3,000 expressions" in problem["message"]
    (problem,) = problems_of(chain(30, set={"x": f"{{{{ '{'x' * 9_000}' }}}}"}))
    assert "200,000 characters" in problem["message"]
    schema: dict[str, Any] = {"properties": {f"p{n}": {} for n in range(1_500)}}
    (problem,) = problems_of(document(inputs=schema, outputs=schema))[:1]
    assert "more than 2,000 objects" in problem["message"]


def test_what_is_wrong_beside_fields_that_do_not_go_together_is_found_too() -> None:
    nodes = {
        "a": {"kind": "join", "of": "a", "threads": [], "timeout": "1h", "save": {"x": "{{ nope }}"}, "next": "b"},
        "b": {"kind": "send", "name": "{{ neither }}", "next": "c"},
        "c": {"kind": "set", "next": "d"},
        "d": {"kind": "http", "url": "{{ nor }}", "json": 1, "body": 1, "next": "end"},
        "end": {"kind": "end"},
        "lost": {"kind": "end"},
    }
    codes = [(problem["path"], problem["code"]) for problem in problems_of(document(nodes=nodes))]
    assert codes == [
        ("$.nodes.a", "BAD_VALUE"),
        ("$.nodes.b", "MISSING_FIELD"),
        ("$.nodes.c", "MISSING_FIELD"),
        ("$.nodes.d", "BAD_VALUE"),
        ("$.nodes.a.save.x", "UNKNOWN_VARIABLE"),
        ("$.nodes.b.name", "UNKNOWN_VARIABLE"),
        ("$.nodes.d.url", "UNKNOWN_VARIABLE"),
        ("$.nodes.lost", "UNREACHABLE_NODE"),
    ]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    one = document()
    assert digest_of(one) == digest_of(dict(reversed(one.items())))
    assert digest_of(one) != digest_of(document(version="2"))


@pytest.mark.parametrize("node", [{"kind": "set", "next": "a"}, {"kind": "map", "next": "a"}, {"kind": "wait"}])
def test_a_node_of_a_bad_id_may_be_wrong_in_itself_too(node: dict[str, Any]) -> None:
    codes = {
        problem["code"] for problem in problems_of({"flow": "f", "version": "1", "start": "a", "nodes": {"a-b": node}})
    }
    assert "BAD_ID" in codes
    assert len(codes) > 1


def test_a_thread_keeps_a_flow_of_which_a_later_version_knows_better() -> None:
    """Its flow was valid when it was created; a new rule about meaning must not stop it months later."""
    nodes = document()["nodes"]
    asks_more = {**nodes, "a": {**nodes["a"], "args": ["{{ nobody_sets_this }}"]}}
    old = document(nodes=asks_more)
    errors = [problem["code"] for problem in problems_of(old) if problem["severity"] == "error"]
    assert errors == ["UNKNOWN_VARIABLE"]
    assert activity(runnable_flow(old), "a").args == ["{{ nobody_sets_this }}"]


@pytest.mark.parametrize(
    "broken",
    [
        {"start": "nosuch"},
        {"nodes": {"a": {"kind": "end", "next": "nosuch"}}},
        {"nodes": {"a": {"kind": "set", "next": "nosuch"}, "b": {"kind": "end"}}},
        {"nodes": {"a": {"kind": "nosuch"}}},
        {"nodes": []},
    ],
)
def test_a_thread_needs_a_flow_that_can_be_executed(broken: dict[str, Any]) -> None:
    with pytest.raises(ThreadloomError, match="FLOW_INVALID"):
        runnable_flow(document(**broken))
