"""Nodes with several things under way: maps, spawned threads, joins, forks."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.thread.inputs import Advance
from domain.thread.journal import executions
from domain.thread.state import wake_at
from tests.builders import ThreadDriver, flow_of, later

CHILD = flow_of({"end": {"kind": "end"}})


def mapping(**fields: Any) -> Any:
    node = {"kind": "map", "over": "{{ input.list }}", "activity": "work", "args": ["{{ item }}", "{{ index }}"]}
    return flow_of({"each": {**node, "effect": "none", "save": "results", "next": "end", **fields}})


def over(count: int, **fields: Any) -> ThreadDriver:
    return ThreadDriver.begin(mapping(**fields), input={"list": [f"i{n}" for n in range(count)]})


def test_a_map_keeps_its_bound_and_gives_the_results_in_order() -> None:
    thread = over(5, concurrency=2)
    assert [call.args for call in thread.items.values()] == [("i0", 0), ("i1", 1)]
    assert thread.items[1].key == "t/each/1/1"
    thread.complete_item(1, "one")
    assert sorted(thread.items) == [0, 2]
    for place in (2, 0, 3, 4):
        thread.complete_item(place, f"r{place}")
    assert thread.status == "completed"
    assert thread.variables == {"results": ["r0", "one", "r2", "r3", "r4"]}


def test_a_map_over_nothing_is_done() -> None:
    assert over(0).variables == {"results": []}


def test_the_first_failed_item_fails_the_map_when_the_others_in_flight_have_ended() -> None:
    thread = over(4, concurrency=2).fail_item(1, "BAD")
    assert (thread.status, sorted(thread.items)) == ("running", [0])
    thread.complete_item(0)
    assert (thread.status, thread.error.code, thread.error.details["item"]) == ("failed", "BAD", 1)


def test_a_map_that_collects_tells_of_each_item() -> None:
    thread = over(2, on_item_error="collect").fail_item(0).complete_item(1, "fine")
    assert [entry["status"] for entry in thread.variables["results"]] == ["failed", "completed"]
    assert thread.variables["results"][0]["error"]["code"] == "BOOM"


def test_a_map_that_collects_tells_of_items_that_cannot_even_begin() -> None:
    document = mapping(on_item_error="collect", args=["{{ item + 1 }}"], concurrency=1)
    thread = ThreadDriver.begin(document, input={"list": ["a", 1, "b"]}).complete_item(1, 2)
    assert [entry["status"] for entry in thread.variables["results"]] == ["failed", "completed", "failed"]
    assert thread.variables["results"][2]["error"]["code"] == Code.EXPRESSION_ERROR
    all_of_them = ThreadDriver.begin(document, input={"list": ["a", "b"]})
    assert [entry["status"] for entry in all_of_them.variables["results"]] == ["failed", "failed"]


@pytest.mark.parametrize("policy", ["fail", "collect"])
def test_a_map_whose_items_run_out_of_its_time_goes_the_way_of_time_outs(policy: str) -> None:
    thread = over(2, on_item_error=policy, timeout="10s", on_timeout="broken").after(10)
    thread.fail_item(0, timed_out=True).fail_item(1, timed_out=True)
    failure = executions(thread.state.journal)[0].error
    assert failure is not None
    assert (thread.path, failure.code) == (["each", "broken"], Code.NODE_TIMEOUT)


def test_a_map_that_ends_just_in_time_has_its_result() -> None:
    thread = over(2, timeout="10s", on_timeout="broken").after(10).complete_item(0, "a").complete_item(1, "b")
    assert (thread.status, thread.variables["results"]) == ("completed", ["a", "b"])


def test_a_map_begins_no_items_once_its_thread_has_lasted_too_long() -> None:
    document = {**mapping(concurrency=1), "limits": {"max_duration": "1m", "on_limit": "pause"}}
    thread = ThreadDriver.begin(document, input={"list": [1, 2]}).after(60).complete_item(0)
    assert (thread.status, thread.items) == ("paused", {})
    assert sorted(thread.resume().items) == [1]


def test_a_pause_lets_a_maps_items_end_and_begins_no_others() -> None:
    thread = over(3, concurrency=1).pause()
    assert thread.status == "pausing"
    thread.complete_item(0)
    assert (thread.status, thread.items) == ("paused", {})
    thread.resume()
    assert sorted(thread.items) == [1]


def test_a_map_begins_nothing_more_while_the_next_run_is_due_and_goes_on_in_it() -> None:
    thread = ThreadDriver(mapping(concurrency=1), input={"list": [1, 2]})
    thread.rest()
    del thread.items[0]
    from domain.thread.inputs import ActivityCompleted

    thread.take(ActivityCompleted(now=thread.now, key="t/each/1", result="a", item=0))
    assert thread.take(Advance(now=thread.now, draining=True)) == []
    assert not thread.state.in_flight
    thread.rest().complete_item(1, "b")
    assert thread.variables["results"] == ["a", "b"]


def test_cancelling_a_map_waits_for_its_items() -> None:
    thread = over(2).cancel()
    assert thread.status == "running"
    thread.fail_item(0, "CANCELLED", cancelled=True).fail_item(1, "CANCELLED", cancelled=True)
    assert thread.status == "cancelled"


def spawning(**fields: Any) -> ThreadDriver:
    node = {"kind": "spawn", "flow": "child", "each": "{{ input }}", "input": {"x": "{{ item }}"}, "save": "ids"}
    join = {"kind": "join", "of": "start", "save": "told", "next": "end", "timeout": "1h", "on_timeout": "late"}
    document = flow_of({"start": {**node, "next": "wait"}, "wait": {**join, **fields}})
    return ThreadDriver.begin(document, flows={"child": CHILD}, input=["a", "b", "c"])


IDS = ("t.start.1.0", "t.start.1.1", "t.start.1.2")


def joining(**fields: Any) -> ThreadDriver:
    return spawning(**fields).told(*((name, None) for name in IDS))


def test_a_spawn_asks_the_session_and_its_result_are_the_ids() -> None:
    thread = spawning()
    request = thread.asked[-1]
    assert (request.kind, request.key) == ("spawn", "t/start/1")
    assert [command["input"] for command in request.commands] == [{"x": "a"}, {"x": "b"}, {"x": "c"}]
    assert {command["command_id"] for command in request.commands} == {f"t/start/1/{place}" for place in range(3)}
    thread.told(*((name, None) for name in IDS))
    assert thread.variables["ids"] == list(IDS)
    assert (thread.asked[-1].kind, thread.asked[-1].threads) == ("join", IDS)


def test_a_spawn_that_the_session_does_not_answer_in_time_times_out() -> None:
    child = {"kind": "spawn", "flow": "child", "timeout": "1m", "on_timeout": "broken", "next": "end"}
    thread = ThreadDriver.begin(flow_of({"start": child}), flows={"child": CHILD}).after(59)
    assert (thread.status, wake_at(thread.state)) == ("running", later(60))
    assert thread.after(1).path == ["start", "broken"]


def test_a_refused_spawn_fails_the_node_with_the_refusals_code() -> None:
    thread = spawning().told(
        (IDS[0], None), (IDS[1], {"code": "THREAD_LIMIT_REACHED", "message": "full"}), (IDS[2], None)
    )
    assert thread.status == "failed"
    assert thread.error.code == Code.THREAD_LIMIT_REACHED
    assert thread.error.details["started"] == [IDS[0], IDS[2]]


@pytest.mark.parametrize(("need", "enough"), [("any", 1), ("majority", 2), (2, 2), ("all", 3), (9, 3)])
def test_a_join_waits_for_as_many_as_it_needs(need: Any, enough: int) -> None:
    thread = joining(need=need)
    for name in IDS[:enough]:
        assert thread.call is None
        thread.told(**{name: "completed"})
    assert thread.call is not None
    assert thread.call.args[0]["thread_ids"] == list(IDS[:enough])
    outcomes = [{"thread_id": name, "status": "completed"} for name in IDS[:enough]]
    thread.complete(outcomes)
    assert (thread.status, thread.variables["told"]) == ("completed", outcomes)


def test_a_join_fails_when_too_few_can_still_complete() -> None:
    thread = joining(need="majority").told(**{IDS[0]: "failed"})
    assert thread.status == "running"
    thread.told(**{IDS[1]: "missing"})
    assert (thread.status, thread.error.code) == ("failed", Code.JOIN_FAILED)


def test_a_join_that_collects_counts_failures_too() -> None:
    thread = joining(on_failed="collect").told(**dict.fromkeys(IDS, "failed"))
    assert thread.call is not None


def test_the_rest_is_cancelled_when_the_join_says_so() -> None:
    thread = joining(need="any", rest="cancel").told(**{IDS[1]: "completed"}).complete([])
    assert (thread.asked[-1].kind, thread.asked[-1].threads) == ("cancel", (IDS[0], IDS[2]))
    late = joining(rest="cancel").after(3601)
    assert (late.status, late.path[-1]) == ("completed", "late")
    assert (late.asked[-1].kind, late.asked[-1].threads) == ("cancel", IDS)


def test_a_join_says_whom_it_waits_for() -> None:
    from domain.thread.waiting import waiting, waiting_for

    thread = joining().told(**{IDS[0]: "completed"})
    told = waiting(thread.state)
    assert told is not None
    assert (told["kind"], told["threads"]) == ("join", list(IDS[1:]))
    assert IDS[1] in (waiting_for(thread.state) or "")


def test_after_the_session_was_lost_it_is_asked_again() -> None:
    from domain.thread.state import HoldKind

    thread = spawning()
    thread.pause(kind=HoldKind.LOST_SESSION).resume(HoldKind.LOST_SESSION)
    assert [request.kind for request in thread.asked] == ["spawn", "spawn"]


def test_a_fork_node_asks_for_branches_of_this_thread() -> None:
    document = flow_of(
        {
            "split": {
                "kind": "fork",
                "enter": "branch",
                "each": [1, 2],
                "set": {"n": "{{ item }}"},
                "save": "ids",
                "next": "end",
            },
            "branch": {"kind": "end", "result": "{{ n }}"},
        },
        variables={"n": 0},
    )
    thread = ThreadDriver.begin(document)
    request = thread.asked[-1]
    assert request.kind == "fork"
    assert [(one["source"], one["at"], one["enter"], one["set"]) for one in request.commands] == [
        ("t", "split#1", "branch", {"n": 1}),
        ("t", "split#1", "branch", {"n": 2}),
    ]
    names = [one["thread_id"] for one in request.commands]
    assert thread.told(*((name, None) for name in names)).variables["ids"] == names
