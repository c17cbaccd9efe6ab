"""What each kind of node does, as a thread shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from domain.thread.journal import ExecutionStatus, executions
from domain.thread.state import wake_at
from tests.builders import NOW, ThreadDriver, activity, flow_of, later, set_


def test_set_nodes_see_the_values_before_them() -> None:
    thread = ThreadDriver.begin(
        flow_of({"swap": set_(a="{{ b }}", b="{{ a }}", text="{{ a }} and {{ b }}")}, variables={"a": 1, "b": 2})
    )
    assert thread.status == "completed"
    assert thread.variables == {"a": 2, "b": 1, "text": "1 and 2"}


def test_an_activity_is_called_with_rendered_arguments_and_its_key() -> None:
    nodes = {
        "load": activity(
            "{{ input.tool }}",
            allowed=["read", "parse"],
            args=["{{ input.path }}", {"limit": "{{ limit }}"}],
            task_queue="analytics",
            timeout="1h",
            start_to_close="30s",
            schedule_to_start="1m",
            heartbeat="5s",
            retry={"maximum_attempts": 3, "non_retryable": ["BadInput"], "maximum_interval": "10s"},
            title="Load it",
        )
    }
    thread = ThreadDriver.begin(flow_of(nodes, variables={"limit": 15}), input={"tool": "read", "path": "/x"})
    call = thread.call
    assert call is not None
    assert (call.key, call.activity, call.args) == ("t/load/1", "read", ("/x", {"limit": 15}))
    assert (call.task_queue, call.summary) == ("analytics", "Load it")
    assert call.start_to_close == timedelta(seconds=30)
    assert call.schedule_to_close == timedelta(hours=1)
    assert call.schedule_to_start == timedelta(minutes=1)
    assert call.heartbeat == timedelta(seconds=5)
    assert (call.retry.maximum_attempts, call.retry.non_retryable) == (3, ("BadInput",))
    assert call.retry.maximum_interval == timedelta(seconds=10)
    assert wake_at(thread.state) is None, "only the activity's end wakes the thread"


def test_an_activity_that_is_not_in_the_list_is_not_called() -> None:
    nodes = {"load": activity("{{ input }}", allowed=["read"], args=[])}
    thread = ThreadDriver.begin(flow_of(nodes), input="format_disk")
    assert thread.call is None
    assert thread.status == "failed"
    assert thread.error.code == Code.ACTIVITY_NOT_ALLOWED


@pytest.mark.parametrize(
    ("save", "variables"),
    [
        ("rows", {"rows": {"count": 2}}),
        ({"n": "{{ result.count }}", "double": "{{ result.count * 2 }}"}, {"n": 2, "double": 4}),
        (None, {}),
    ],
)
def test_a_result_is_saved_whole_in_parts_or_not_at_all(save: Any, variables: dict[str, Any]) -> None:
    node = activity(save=save) if save else activity()
    thread = ThreadDriver.begin(flow_of({"work": node})).complete({"count": 2})
    assert thread.status == "completed"
    assert thread.variables == variables
    assert thread.state.current.result("work") == {"count": 2}


def test_a_save_that_cannot_be_evaluated_fails_the_node_and_keeps_its_result() -> None:
    nodes = {"work": activity(save={"n": "{{ result.missing }}"}, on_error="broken")}
    thread = ThreadDriver.begin(flow_of(nodes)).complete({"count": 2})
    entry = executions(thread.state.journal)[0]
    assert (entry.status, entry.result, entry.next) == (ExecutionStatus.FAILED, {"count": 2}, "broken")
    assert entry.error is not None
    assert entry.error.code == Code.EXPRESSION_ERROR
    assert thread.variables == {}


def test_usage_adds_up_by_model() -> None:
    usage = {"model": "{{ result.m }}", "tokens": "{{ result.t }}", "cost": 0.5}
    nodes = {
        "one": activity(usage=usage, next="two"),
        "two": activity(usage=usage, next="quiet"),
        "quiet": activity(usage="{{ result }}", next="seen"),
        "seen": set_(tokens="{{ thread.usage.big.tokens }}"),
    }
    thread = ThreadDriver.begin(flow_of(nodes))
    thread.complete({"m": "big", "t": 10}).complete({"m": "big", "t": 5}).complete(None)
    assert thread.state.current.usage == {"big": {"calls": 2, "tokens": 15, "cost": 1.0}}
    assert thread.variables["tokens"] == 15


@pytest.mark.parametrize("usage", ["words", [1], {"tokens": "many"}, {"cost": True}])
def test_usage_of_another_shape_fails_the_node(usage: Any) -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(usage="{{ result }}")})).complete(usage)
    assert thread.status == "failed"
    assert thread.error.code == Code.EXPRESSION_ERROR


def test_usage_without_a_model_counts_as_unknown() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(usage={"tokens": 3})})).complete()
    assert thread.state.current.usage == {"unknown": {"calls": 1, "tokens": 3, "cost": 0}}


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ({"for": "10s"}, 10),
        ({"for": "{{ 5 + 5 }}"}, 10),
        ({"for": "{{ '10s' }}"}, 10),
        ({"until": "2026-01-01T12:00:10Z"}, 10),
        ({"until": "2026-01-01T14:00:10+02:00"}, 10),
    ],
)
def test_a_wait_lasts_as_long_as_it_says(wait: dict[str, Any], seconds: float) -> None:
    thread = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", **wait, "next": "end"}}))
    assert wake_at(thread.state) == later(seconds)
    assert thread.after(seconds - 0.001).status == "running"
    assert thread.after(0.001).status == "completed"


@pytest.mark.parametrize("wait", [{"for": "0s"}, {"for": "{{ -5 }}"}, {"until": "2020-01-01T00:00:00Z"}])
def test_a_wait_that_is_over_already_does_not_wait(wait: dict[str, Any]) -> None:
    assert ThreadDriver.begin(flow_of({"nap": {"kind": "wait", **wait, "next": "end"}})).status == "completed"


def test_a_wait_is_never_longer_than_a_hundred_years() -> None:
    thread = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", "for": "{{ 10 ** 10 }}", "next": "end"}}))
    assert wake_at(thread.state) == NOW + timedelta(days=36_500)


@pytest.mark.parametrize(
    "wait",
    [
        {"for": "{{ true }}"},
        {"for": "{{ 'soon' }}"},
        {"for": "{{ [1] }}"},
        {"for": "{{ 10 ** 300 }}"},
        {"until": "{{ 'soon' }}"},
        {"until": "{{ none }}"},
        {"until": "{{ '9999-12-31T23:59:59-10:00' }}"},
        {"until": "{{ '0001-01-01T00:00:00+10:00' }}"},
    ],
)
def test_a_wait_for_no_time_at_all_fails_or_is_over_but_never_breaks(wait: dict[str, Any]) -> None:
    thread = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", **wait, "next": "end", "on_error": "broken"}}))
    entry = executions(thread.state.journal)[0] if thread.state.journal else None
    assert entry is None or entry.error is None or entry.error.code == Code.EXPRESSION_ERROR


def test_a_receive_takes_the_oldest_message_that_fits() -> None:
    receive = {"kind": "receive", "name": "order", "where": "message.body.n > 1", "save": "got", "next": "end"}
    thread = ThreadDriver.begin(flow_of({"get": receive}, limits={"max_duration": "9d"}))
    thread.send({"n": 9}, id="other", name="invoice").send({"n": 1}, id="small", name="order")
    assert thread.status == "running"
    thread.send({"n": 2}, id="fits", name="order", sender="shop", type="event")
    assert [message.id for message in thread.state.mailbox] == ["other", "small"]
    assert thread.status == "completed"
    assert thread.variables["got"] == {
        "id": "fits",
        "name": "order",
        "type": "event",
        "body": {"n": 2},
        "sender": "shop",
        "at": NOW.isoformat(),
    }


def test_a_message_that_cannot_be_judged_fails_the_receive_and_is_gone() -> None:
    receive = {"kind": "receive", "where": "message.body.n > 1", "next": "end", "on_error": "get"}
    thread = ThreadDriver.begin(flow_of({"get": receive})).send("no n", id="bad").send({"n": 2}, id="good")
    assert (thread.status, thread.path) == ("completed", ["get", "get", "end"])
    failure = executions(thread.state.journal)[0].error
    assert failure is not None
    assert (failure.code, failure.details["message"]["body"]) == (Code.EXPRESSION_ERROR, "no n")


def test_mail_that_came_before_is_received_at_once_and_only_once() -> None:
    receive = {"kind": "receive", "save": {"n": "{{ message.body }}"}, "timeout": "1h"}
    nodes = {"work": activity(next="one"), "one": {**receive, "next": "two"}, "two": {**receive, "next": "end"}}
    thread = ThreadDriver.begin(flow_of(nodes)).send(1, id="same").send(2, id="same").send(3, id="third")
    thread.complete()
    assert thread.status == "completed"
    assert thread.variables["n"] == 2, "two messages may have one id, and neither is lost"
    assert [message.body for message in thread.state.mailbox] == [3]


def test_a_message_that_breaks_the_condition_fails_the_node() -> None:
    receive = {"kind": "receive", "where": "message.body.n > 1", "timeout": "1h", "next": "end", "on_error": "broken"}
    thread = ThreadDriver.begin(flow_of({"get": receive})).send("text")
    assert thread.error.code == "BROKEN"
    assert executions(thread.state.journal)[0].error is not None


def test_an_approval_shows_what_it_asks_and_ends_with_the_answer() -> None:
    approval = {
        "kind": "approval",
        "prompt": "Publish {{ n }} rows?",
        "choices": ["yes", "no"],
        "assignees": ["bob"],
        "context": {"n": "{{ n }}"},
        "save": {"verdict": "{{ result.choice }}", "by": "{{ result.actor }}"},
        "timeout": "1h",
        "next": "end",
    }
    thread = ThreadDriver.begin(flow_of({"ask": approval}, variables={"n": 3}))
    active = thread.state.active
    assert active is not None
    assert active.waiting.expects == {
        "prompt": "Publish 3 rows?",
        "choices": ["yes", "no"],
        "assignees": ["bob"],
        "context": {"n": 3},
    }
    thread.answer("ask", "yes", data={"note": 1}, reason="fine")
    assert thread.status == "completed"
    assert thread.variables == {"n": 3, "verdict": "yes", "by": "bob"}
    assert thread.state.current.result("ask") == {
        "choice": "yes",
        "actor": "bob",
        "reason": "fine",
        "data": {"note": 1},
        "at": NOW.isoformat(),
    }


def test_a_prompt_that_is_one_value_is_shown_as_json() -> None:
    approval = {"kind": "approval", "prompt": "{{ rows }}", "choices": ["ok"], "timeout": "1h", "next": "end"}
    thread = ThreadDriver.begin(flow_of({"ask": approval}, variables={"rows": [{"a": None}, True]}))
    assert thread.state.active is not None
    assert thread.state.active.waiting.expects["prompt"] == '[{"a":null},true]'


def test_an_end_gives_the_result() -> None:
    thread = ThreadDriver.begin(flow_of({"end": {"kind": "end", "result": {"sum": "{{ input + 1 }}"}}}), input=2)
    assert (thread.status, thread.result) == ("completed", {"sum": 3})


def test_an_end_whose_result_is_wrong_fails_the_thread() -> None:
    thread = ThreadDriver.begin(flow_of({"end": {"kind": "end", "result": "{{ input.x }}"}}), input={})
    assert (thread.status, thread.error.code) == ("failed", Code.EXPRESSION_ERROR)


@pytest.mark.parametrize(
    ("fields", "message", "details"),
    [
        ({"message": "no {{ input }}", "details": {"n": "{{ input }}"}}, "no 7", {"n": 7}),
        ({"title": "Out of rows", "details": "{{ [input] }}"}, "Out of rows", {"details": [7]}),
        ({}, "the flow failed at stop", {}),
    ],
)
def test_a_fail_node_fails_the_thread_with_its_code(fields: Any, message: str, details: Any) -> None:
    thread = ThreadDriver.begin(flow_of({"stop": {"kind": "fail", "code": "NO_ROWS", **fields}}), input=7)
    assert thread.status == "failed"
    assert thread.error.visible() == {"code": "NO_ROWS", "message": message, "details": details, "node": "stop"}


def test_expressions_see_the_thread_its_session_and_its_past() -> None:
    see = set_(
        me="{{ thread.id ~ '/' ~ thread.root_id ~ '/' ~ thread.origin }}",
        parent="{{ thread.parent_id }}",
        here="{{ node.key }}",
        visits="{{ nodes.first.visits }}",
        status="{{ nodes.first.status }}",
        shared="{{ session.shared.colour ~ session.id }}",
        clock="{{ now }}",
        known="{{ error }}",
    )
    nodes = {"first": set_("see", x=1), "see": see}
    thread = ThreadDriver.begin(flow_of(nodes), shared={"colour": "red"})
    assert thread.variables == {
        "x": 1,
        "me": "t/t/created",
        "parent": None,
        "here": "t/see/1",
        "visits": 1,
        "status": "completed",
        "shared": "reds",
        "clock": NOW.isoformat(),
        "known": None,
    }


def test_the_end_of_an_activity_that_is_not_in_flight_changes_nothing() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity(next="again"), "again": activity()}))
    first = thread.call
    thread.complete(1)
    before = thread.state
    thread.call, second = first, thread.call
    thread.complete(2)
    assert thread.state == before
    thread.call = second
    assert thread.complete().status == "completed"


def test_a_variable_that_is_not_there_yet_is_told_with_the_one_that_may_be_meant() -> None:
    nodes = {"note": {**set_(n="{{ row }}"), "next": "work"}, "work": activity(save="row")}
    thread = ThreadDriver.begin(flow_of(nodes, variables={"rows": []}))
    assert thread.error.code == Code.EXPRESSION_ERROR
    assert "'rows'" in thread.error.message
