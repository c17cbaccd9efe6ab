"""What a thread answers when it is asked about itself, and what it leaves in the history."""

from __future__ import annotations

import json

from domain.records import RecordType
from domain.thread.evolve import evolve
from domain.thread.history import fact
from domain.thread.state import HoldKind
from domain.thread.views import describe, list_executions, node_execution, progress, thread_row
from domain.thread.waiting import waiting, waiting_for
from tests.builders import NOW, ThreadDriver, activity, flow_of, later, set_

FLOW = flow_of(
    {
        "load": activity("read", task_queue="q", save="rows", retry={"maximum_attempts": 4}, next="ask"),
        "ask": {
            "kind": "approval",
            "prompt": "Publish?",
            "choices": ["yes", "no"],
            "assignees": ["bob", "eve"],
            "timeout": "1h",
            "next": "get",
            "on_timeout": "broken",
        },
        "get": {"kind": "receive", "name": "go", "timeout": "1h", "next": "nap"},
        "nap": {"kind": "wait", "for": "5s", "timeout": "3s", "next": "end"},
    }
)


def test_a_description_is_json_and_tells_what_is_in_flight() -> None:
    thread = ThreadDriver.begin(FLOW, metadata={"a": 1})
    told = json.loads(json.dumps(describe(thread.flow, thread.state)))
    assert (told["status"], told["current_node"], told["waiting"], told["waiting_for"]) == (
        "running",
        "load",
        None,
        None,
    )
    assert told["in_flight"] == [
        {
            "id": "load#1",
            "node": "load",
            "visit": 1,
            "role": "node",
            "activity": "read",
            "task_queue": "q",
            "state": "scheduled",
            "attempt": 1,
            "maximum_attempts": 4,
            "since": NOW.isoformat(),
            "next_attempt_at": None,
            "last_failure": None,
            "worker": None,
        }
    ]
    assert told["progress"] == 0
    assert told["completed_at"] is None


def test_what_a_thread_waits_for_changes_as_it_goes_on() -> None:
    thread = ThreadDriver.begin(FLOW).complete([1])
    hour = later(3600).isoformat()
    assert waiting_for(thread.state) == "an approval by bob, eve at ask (yes, no), until 2026-01-01 13:00:00 UTC"
    assert waiting(thread.state) == {
        "kind": "approval",
        "node": "ask",
        "since": NOW.isoformat(),
        "until": hour,
        "choices": ["yes", "no"],
        "assignees": ["bob", "eve"],
    }
    thread.answer("ask", "yes")
    assert waiting_for(thread.state) == "a message named go at get, until 2026-01-01 13:00:00 UTC"
    assert waiting(thread.state) == {"kind": "message", "node": "get", "since": NOW.isoformat(), "until": hour}
    thread.send(1, name="go")
    assert waiting_for(thread.state) == "the time 2026-01-01 12:00:05 UTC at nap"
    assert waiting(thread.state) == {
        "kind": "timer",
        "node": "nap",
        "since": NOW.isoformat(),
        "until": later(3).isoformat(),
    }
    thread.after(3)
    assert (waiting(thread.state), waiting_for(thread.state)) == (None, None)
    assert describe(thread.flow, thread.state)["current_node"] is None


def test_a_thread_between_two_nodes_waits_for_nothing() -> None:
    assert (waiting(ThreadDriver(FLOW).state), waiting_for(ThreadDriver(FLOW).state)) == (None, None)


def test_a_message_of_any_name_and_an_approval_by_anyone_are_said_so() -> None:
    get = ThreadDriver.begin(flow_of({"get": {"kind": "receive", "next": "end"}}, limits={"max_duration": "1d"}))
    assert waiting_for(get.state) == "a message at get"
    ask = {"kind": "approval", "prompt": "?", "choices": ["a"], "next": "end"}
    assert waiting_for(ThreadDriver.begin(flow_of({"ask": ask}, limits={"max_duration": "1d"})).state) == (
        "an approval at ask (a)"
    )


def test_large_values_are_left_out_of_descriptions_and_executions() -> None:
    large = ["x" * 100] * 200
    thread = ThreadDriver.begin(FLOW).complete(large)
    elided = {"elided": True, "bytes": 20_601}
    assert describe(thread.flow, thread.state)["variables"] == {"rows": elided}
    assert list_executions(thread.state)[0]["result"] == elided


def test_executions_are_listed_with_the_one_under_way_last() -> None:
    thread = ThreadDriver.begin(FLOW).after(2).complete([1])
    first, second = list_executions(thread.state)
    assert (first["seq"], first["id"], first["status"], first["attempts"]) == (1, "t/load/1", "completed", None)
    assert (first["duration_seconds"], first["changed"], first["next"]) == (2.0, ["rows"], "ask")
    assert (second["seq"], second["node"], second["status"], second["ended_at"]) == (2, "ask", "running", None)
    thread.after(3600)
    failed = list_executions(thread.state)[1]
    assert (failed["status"], failed["attempts"], failed["error"]["code"]) == ("failed", 1, "NODE_TIMEOUT")
    assert [told["seq"] for told in list_executions(thread.state)] == [1, 2, 3]


def test_one_nodes_execution_can_be_read() -> None:
    thread = ThreadDriver.begin(FLOW)
    assert node_execution(thread.state, "load") is None
    thread.complete([1])
    found = node_execution(thread.state, "load")
    assert found is not None
    assert (found.status.value, found.visits, found.result_in) == ("completed", 1, "rows")


def test_only_a_completed_thread_has_a_hundred_per_cent() -> None:
    flow = flow_of({"one": set_("two", x=1), "two": activity(on_error="stop"), "stop": {"kind": "fail", "code": "X"}})
    thread = ThreadDriver.begin(flow)
    assert progress(thread.flow, thread.state) == 25
    assert progress(thread.flow, ThreadDriver.begin(flow).fail().state) == 75
    assert progress(thread.flow, thread.complete().state) == 100


def test_the_row_of_a_thread_tells_how_it_ended() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity()})).after(5).fail("BOOM", "x" * 10)
    row = thread_row(thread.flow, "digest", thread.state)
    assert (row.status, row.flow, row.version, row.current_node) == ("failed", "f", "1", None)
    assert row.error == {"code": "BOOM", "message": "x" * 10, "details": {}, "node": "work"}
    assert (row.started_at, row.completed_at) == (NOW, later(5))


def told(thread: ThreadDriver) -> list[tuple[str, str | None]]:
    facts = [fact(thread.state, event) for event in thread.events]
    return [(known.type.value, known.node) for known in facts if known is not None]


def test_a_threads_life_is_in_its_history() -> None:
    thread = ThreadDriver.begin(FLOW).complete([1]).answer("ask", "yes").send(1, name="go").cancel()
    assert told(thread) == [
        ("thread_started", None),
        ("node_executed", "load"),
        ("approval_requested", "ask"),
        ("approval_decided", "ask"),
        ("node_executed", "ask"),
        ("message_sent", None),
        ("node_executed", "get"),
        ("thread_cancel_requested", None),
        ("node_failed", "nap"),
        ("thread_cancelled", None),
    ]


def test_pausing_and_resuming_leave_records_with_who_and_why() -> None:
    thread = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", "for": "9s", "next": "end"}}))
    state, begun = thread.state, len(thread.events)
    thread.pause(reason="lunch").pause(HoldKind.SESSION).resume().resume(HoldKind.SESSION)
    records = []
    for event in thread.events[begun:]:
        state = evolve(state, event)
        records.append(fact(state, event))
    told = [known for known in records if known is not None]
    paused, resumed = RecordType.THREAD_PAUSED, RecordType.THREAD_RESUMED
    assert [known.type for known in told] == [paused, paused, resumed, resumed]
    assert (told[0].actor, told[0].reason, told[0].details) == ("ann", "lunch", {"holds": ["thread"]})
    assert told[1].details["hold"] == "session"
    assert told[2].details == {"hold": "thread", "still_held_by": ["session"]}


def test_a_thread_that_is_only_pausing_is_not_recorded_as_paused() -> None:
    thread = ThreadDriver.begin(FLOW).pause()
    assert ("thread_paused", None) not in told(thread)
    assert ("thread_paused", None) in told(thread.complete())


def test_a_failed_thread_is_recorded_with_its_error() -> None:
    thread = ThreadDriver.begin(flow_of({"work": activity()})).fail("BOOM")
    last = [known for event in thread.events if (known := fact(thread.state, event))][-1]
    assert last.type is RecordType.THREAD_FAILED
    assert last.details["error"]["code"] == "BOOM"
    assert last.urgent


def test_the_code_of_a_failure_of_our_own_can_be_read_by_expressions() -> None:
    flow = flow_of(
        {
            "ask": {
                "kind": "approval",
                "prompt": "?",
                "choices": ["yes"],
                "timeout": "1s",
                "next": "end",
                "on_timeout": "late",
            },
            "late": {"kind": "end", "result": "{{ error.code }}"},
            "end": {"kind": "end"},
        }
    )
    thread = ThreadDriver.begin(flow).after(5)
    assert thread.state.outcome is not None
    assert thread.state.outcome.result == "NODE_TIMEOUT"
