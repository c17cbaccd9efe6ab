"""Threads without a flow of their own: they idle, and execute flows one after the other in one context."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.thread.ahead import lean, next_local
from domain.thread.calls import ActivityCall
from domain.thread.events import FlowBegan, FlowDropped
from domain.thread.history import fact
from domain.thread.inputs import LocalCompleted, LocalResult
from domain.thread.state import LINE_LIMIT, HoldKind, wake_at
from domain.thread.views import describe, execution_outcome, list_executions
from domain.thread.waiting import waiting, waiting_for
from domain.values import JsonObject
from tests.builders import ThreadDriver, activity, carried, flow_of, refusal, set_

ADD = flow_of(
    {"add": set_("done", total="{{ total + input.n }}"), "done": {"kind": "end", "result": "{{ total }}"}},
    variables={"total": 0},
    inputs={"type": "object", "required": ["n"]},
)
WORK = flow_of({"work": activity(next="done"), "done": {"kind": "end", "result": "{{ nodes.work.result }}"}})
FAIL = flow_of({"no": {"kind": "fail", "code": "NO", "message": "not today"}})
HEAR = flow_of({"hear": {"kind": "receive", "save": "heard", "next": "end"}})
PAID = flow_of(
    {"pay": activity("pay", next="more", compensate={"activity": "refund"}), "more": activity("more", next="end")}
)


def idle() -> ThreadDriver:
    return ThreadDriver.begin(None)


def last(thread: ThreadDriver) -> Any:
    ended = thread.state.current.last
    assert ended is not None
    return ended


def seen(thread: ThreadDriver) -> JsonObject:
    return describe(thread.program.main, thread.state)


def called(thread: ThreadDriver) -> str:
    assert isinstance(thread.call, ActivityCall)
    return thread.call.activity


def test_a_thread_that_has_nothing_to_execute_runs_and_waits_for_a_flow() -> None:
    thread = idle()
    assert thread.status == "running"
    assert waiting_for(thread.state) == "a flow to execute"
    assert waiting(thread.state) == {"kind": "flow", "node": None, "since": "2026-01-01T12:00:00+00:00"}
    assert wake_at(thread.state) is None
    told = seen(thread)
    assert (told["flow"], told["current_node"], told["execution"], told["last_execution"]) == (None, None, None, None)


def test_flows_are_executed_one_after_the_other_in_the_same_context() -> None:
    thread = ThreadDriver.begin(None, context=["hello"]).execute(ADD, {"n": 2}).after(5).execute(ADD, {"n": 3})
    assert (thread.variables, thread.state.context, thread.status) == ({"total": 5}, ["hello"], "running")
    assert (last(thread).execution.number, last(thread).status, last(thread).result) == (2, "completed", 5)
    assert thread.path == ["1/add", "1/done", "1", "2/add", "2/done", "2"]
    told = seen(thread)["last_execution"]
    assert (told["number"], told["id"], told["flow"], told["version"]) == (2, "e2", "f", "1")
    assert (told["status"], told["result"], told["error"]) == ("completed", 5, None)
    assert waiting(thread.state) == {"kind": "flow", "node": None, "since": "2026-01-01T12:00:05+00:00"}


def test_a_flow_sees_its_own_nodes_and_input_only() -> None:
    look = flow_of({"look": set_(seen="{{ nodes }}", given="{{ input }}")})
    thread = idle().execute(ADD, {"n": 1}).execute(look, "mine")
    assert (thread.variables["seen"], thread.variables["given"]) == ({}, "mine")


def test_keys_are_unique_over_the_threads_life() -> None:
    thread = idle()
    keys = []
    for _ in range(2):
        thread.execute(WORK)
        assert thread.call is not None
        keys.append(thread.call.key)
        thread.complete()
    assert keys == ["t/1/work/1", "t/2/work/1"]


def test_what_comes_while_a_flow_is_executed_waits_in_line() -> None:
    thread = idle().execute(WORK).execute(ADD, {"n": 1}).execute(ADD, {"n": 2})
    assert (seen(thread)["in_line"], seen(thread)["execution"]["number"]) == (2, 1)
    assert seen(thread)["current_node"] == "1/work"
    assert [execution_outcome(thread.state, each) for each in (1, "e3")] == [
        {"number": 1, "id": "e1", "flow": "f", "version": "1", "status": "running", "result": None, "error": None},
        {"number": 3, "id": "e3", "flow": "f", "version": "1", "status": "pending", "result": None, "error": None},
    ]
    thread.complete("done")
    assert (last(thread).execution.number, thread.variables) == (3, {"total": 3})
    outcomes = [execution_outcome(thread.state, each) for each in (1, 2, "e3", "4")]
    assert [each and each["result"] for each in outcomes] == ["done", 1, 3, None]


def test_beyond_the_end_of_the_line_flows_are_refused() -> None:
    thread = idle().execute(WORK)
    for _ in range(LINE_LIMIT):
        thread.execute(WORK)
    assert refusal(lambda: thread.execute(WORK)).code == Code.LINE_FULL


@pytest.mark.parametrize(
    ("document", "fields", "code"),
    [
        ({"flow": "broken"}, {}, Code.FLOW_INVALID),
        (ADD, {"input": {}}, Code.INPUT_INVALID),
        (flow_of({"sub": {"kind": "subflow", "flow": "other", "next": "end"}}), {}, Code.FLOW_NOT_FOUND),
        (
            flow_of({"end": {"kind": "end"}}, variables={"x": "{{ input.absent }}"}),
            {"input": {}},
            Code.EXPRESSION_ERROR,
        ),
    ],
)
def test_a_flow_that_cannot_begin_does_not_get_in_line(document: JsonObject, fields: Any, code: Code) -> None:
    thread = idle()
    assert refusal(lambda: thread.execute(document, **fields)).code == code
    assert thread.state.line == ()


def test_a_thread_with_a_flow_of_its_own_takes_no_other() -> None:
    thread = ThreadDriver.begin(WORK)
    assert refusal(lambda: thread.execute(ADD, {"n": 1})).code == Code.ILLEGAL_TRANSITION
    assert refusal(thread.close).code == Code.ILLEGAL_TRANSITION


def test_a_flow_that_fails_leaves_the_thread_as_it_was_before_or_made_it() -> None:
    thread = idle().execute(ADD, {"n": 1}).execute(FAIL)
    assert (thread.status, thread.variables) == ("running", {"total": 1})
    assert (last(thread).status, last(thread).error.code) == ("failed", "NO")
    assert last(thread).error.node == "2/no"
    thread.execute(ADD, {"n": 1})
    assert (last(thread).status, thread.variables) == ("completed", {"total": 2})


def test_a_failed_flow_is_undone_and_no_other() -> None:
    thread = idle().execute(PAID).complete().complete().execute(PAID).complete().fail()
    assert called(thread) == "refund"
    assert thread.call is not None
    assert thread.call.key == "t/2/pay/1/compensation"
    thread.complete()
    assert (thread.call, thread.status, last(thread).status) == (None, "running", "failed")
    assert thread.state.compensations == ()


def test_cancelling_ends_the_thread_and_undoes_the_flow_under_way() -> None:
    thread = idle().execute(PAID).complete().complete().execute(PAID).complete().execute(WORK).cancel()
    thread.fail("CANCELLED", cancelled=True)
    assert called(thread) == "refund"
    thread.complete()
    assert (thread.status, thread.path[-2:], last(thread).status) == ("cancelled", ["2/more", "2"], "cancelled")
    dropped = next(event for event in thread.events if isinstance(event, FlowDropped))
    assert dropped.requested.execution.number == 3
    told = fact(thread.state, dropped)
    assert told is not None
    assert (told.type, told.details["execution"], told.details["status"]) == ("flow_failed", 3, "cancelled")


def test_cancelling_while_a_failed_flow_is_undone_lets_that_end() -> None:
    thread = idle().execute(PAID).complete().fail()
    effects = len(thread.effects)
    thread.cancel()
    assert len(thread.effects) == effects, "the refund goes on"
    thread.complete()
    assert (thread.status, last(thread).status) == ("cancelled", "failed")


def test_an_idle_thread_is_cancelled_at_once() -> None:
    thread = idle().execute(ADD, {"n": 1}).cancel()
    assert (thread.status, thread.error.code, last(thread).status) == ("cancelled", Code.CANCELLED, "completed")


def test_mail_that_came_while_the_thread_idled_is_there_for_the_next_flow() -> None:
    thread = idle().send("early", id="m1")
    assert len(thread.state.mailbox) == 1
    thread.execute(HEAR)
    assert (thread.variables["heard"]["body"], thread.state.mailbox) == ("early", ())


def test_a_held_thread_begins_no_flow_and_goes_on_when_it_is_resumed() -> None:
    thread = idle().pause()
    assert (thread.status, waiting(thread.state)) == (
        "paused",
        {"kind": "hold", "node": None, "since": "2026-01-01T12:00:00+00:00"},
    )
    thread.execute(ADD, {"n": 1})
    assert (thread.status, len(thread.state.line), thread.variables) == ("paused", 1, {})
    thread.resume()
    assert (thread.status, thread.variables) == ("running", {"total": 1})


def test_a_flow_under_way_is_paused_like_any_other() -> None:
    thread = idle().execute(WORK).pause()
    assert thread.status == "pausing"
    thread.complete("x")
    assert (thread.status, seen(thread)["current_node"]) == ("paused", "1/done")
    thread.resume()
    assert (last(thread).result, waiting_for(thread.state)) == ("x", "a flow to execute")


def test_a_closed_thread_completes_when_the_line_is_empty() -> None:
    thread = idle().execute(WORK).execute(ADD, {"n": 1}).close()
    assert thread.status == "running"
    assert refusal(lambda: thread.execute(WORK)).code == Code.ILLEGAL_TRANSITION
    thread.close().complete()
    assert (thread.status, thread.result, last(thread).execution.number) == ("completed", None, 2)


def test_an_idle_thread_that_is_closed_completes_at_once() -> None:
    assert idle().close().status == "completed"


def test_limits_count_anew_for_each_flow() -> None:
    steps = flow_of({"a": set_("b", x=1), "b": set_(x=2)}, limits={"max_steps": 3, "on_limit": "fail"})
    thread = idle().execute(steps).execute(steps)
    assert last(thread).status == "completed"
    short = flow_of(
        {"w": {"kind": "wait", "for": "1h", "next": "end"}}, limits={"max_duration": "1m", "on_limit": "fail"}
    )
    thread.after(600).execute(short)
    assert thread.state.current.execution is not None
    thread.after(61)
    assert (last(thread).status, last(thread).error.code, thread.status) == ("failed", Code.LIMIT_REACHED, "running")


def test_a_waived_limit_holds_the_next_flow_again() -> None:
    steps = flow_of({"a": set_("b", x=1), "b": set_(x=2)}, limits={"max_steps": 1, "on_limit": "pause"})
    thread = idle().execute(steps).execute(steps)
    assert HoldKind.LIMIT in thread.state.holds
    thread.resume()
    assert (HoldKind.LIMIT in thread.state.holds, last(thread).execution.number) == (True, 1)


def test_an_endless_loop_ends_its_flow_only() -> None:
    loop = flow_of({"a": {**set_("a", x=1), "max_visits": 3}, "end": {"kind": "end"}}, start="a")
    loop["nodes"]["a"]["next"] = [{"when": "false", "to": "end"}, {"to": "a"}]
    thread = idle().execute(loop).execute(loop)
    assert [each["visit"] for each in list_executions(thread.state) if each["node"] == "2/a"] == [1, 2, 3]
    assert (last(thread).error.code, thread.status) == (Code.MAX_VISITS, "running")


def test_each_flow_has_its_own_version_of_the_flows_that_it_names() -> None:
    outer = flow_of({"sub": {"kind": "subflow", "flow": "inner", "save": "got", "next": "end"}})
    one, two = (flow_of({"end": {"kind": "end", "result": number}}) for number in (1, 2))
    thread = idle().execute(outer, flows={"inner": one})
    assert thread.variables == {"got": 1}
    thread.execute(outer, flows={"inner": two})
    assert thread.variables == {"got": 2}
    assert thread.path[-4:] == ["2/sub/end", "2/sub", "2/end", "2"]


def test_a_flow_that_ends_inside_a_subflow_leaves_nothing_of_it() -> None:
    inner = flow_of({"work": activity()})
    outer = flow_of({"sub": {"kind": "subflow", "flow": "inner", "next": "end"}}, limits={"max_duration": "1m"})
    thread = idle().execute({**outer, "limits": {"max_duration": "1m", "on_limit": "fail"}}, flows={"inner": inner})
    thread.now = thread.now.replace(hour=13)
    thread.fail("BOOM", timed_out=True)
    assert (last(thread).error.code, thread.state.current.callers, thread.state.current.path) == (
        Code.LIMIT_REACHED,
        (),
        "",
    )


def test_documents_are_kept_once_and_only_as_long_as_something_in_memory_needs_them() -> None:
    thread = idle()
    for number in range(20):
        thread.execute(ADD, {"n": number})
    thread.execute(WORK).complete()
    assert len(thread.state.library) == 2
    thread.archive(thread.state.current.seq - 1)
    assert len(thread.state.library) == 1
    thread.archive(thread.state.current.seq)
    assert (thread.state.library, thread.state.current.past_visits, thread.state.current.nodes) == ({}, {}, {})


def test_records_hold_a_document_again_only_when_memory_has_let_go_of_it() -> None:
    thread = idle().execute(ADD, {"n": 1}).execute(ADD, {"n": 1})
    thread.archive(thread.state.current.seq)
    thread.execute(ADD, {"n": 1})
    began = [event for event in thread.events if isinstance(event, FlowBegan)]
    assert [len(event.documents) for event in began] == [1, 0, 1]


@pytest.mark.parametrize("rest", [True, False])
def test_another_run_goes_on_where_the_last_one_was(rest: bool) -> None:
    thread = idle().execute(ADD, {"n": 1}).execute(WORK).execute(ADD, {"n": 1})
    if rest:
        thread.complete("x")
    thread.state = carried(thread.state, None)
    if not rest:
        thread.complete("x")
    thread.execute(ADD, {"n": 1})
    assert (thread.variables, last(thread).execution.number) == ({"total": 3}, 4)


def test_the_history_tells_of_each_flow() -> None:
    thread = idle().execute(ADD, {"n": 1}, actor="bob", reason="why not").execute(FAIL)
    told = [each for event in thread.events if (each := fact(thread.state, event)) is not None]
    flows = [each for each in told if each.type.value.startswith("flow_")]
    assert [each.type.value for each in flows] == ["flow_started", "flow_executed", "flow_started", "flow_failed"]
    assert (flows[0].actor, flows[0].reason) == ("bob", "why not")
    assert {name: flows[1].details[name] for name in ("flow", "version", "execution", "id", "result", "seconds")} == {
        "flow": "f",
        "version": "1",
        "execution": 1,
        "id": "e1",
        "result": 1,
        "seconds": 0.0,
    }
    assert flows[3].details["error"]["code"] == "NO"


def test_a_row_of_local_nodes_ends_with_its_flow() -> None:
    """The next flow in line is another program than the one that the row was begun with."""
    near = flow_of({"a": activity("a", mode="local", next="b"), "b": activity("b", mode="local")})
    thread = idle().execute(near).execute(near)
    row = thread.program
    first = LocalResult(key="t/1/a/1", at=thread.now, result="x")
    state, call = next_local(row, lean(thread.state), first)
    assert call is not None
    second = LocalResult(key=call.key, at=thread.now, result="y")
    state, call = next_local(row, state, second)
    assert (call, state.idle, len(state.line)) == (None, True, 1)
    thread.call = None
    thread.give(LocalCompleted(now=thread.now, results=(first, second)))
    assert (thread.path, called(thread)) == (["1/a", "1/b", "1/end", "1"], "a")
