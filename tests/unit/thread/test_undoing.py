"""Compensation, hooks and error policies: what happens around nodes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.thread.calls import ActivityCall
from domain.thread.state import HoldKind
from tests.builders import ThreadDriver, activity, flow_of, set_


def saga(last: Any = None, **rest: Any) -> ThreadDriver:
    def step(name: str, next: str) -> Any:
        undo = {"activity": f"undo_{name}", "args": ["{{ result }}", "{{ n }}"]}
        return activity(name, next=next, save=f"{name}_done", compensate=undo)

    nodes = {"pay": step("pay", "ship"), "ship": step("ship", "count"), "count": set_(n=2, next="last")}
    document = flow_of({**nodes, "last": last or {"kind": "fail", "code": "NO"}}, variables={"n": 1}, **rest)
    return ThreadDriver.begin(document).complete("paid").complete("shipped")


def called(thread: ThreadDriver) -> tuple[str, tuple[Any, ...]]:
    assert isinstance(thread.call, ActivityCall)
    return thread.call.activity, thread.call.args


def test_compensations_run_in_reverse_with_what_their_visits_saw() -> None:
    thread = saga()
    assert called(thread) == ("undo_ship", ("shipped", 1))
    assert thread.call is not None
    assert thread.call.key == "t/ship/1/compensation"
    assert thread.status == "running"
    thread.complete()
    assert called(thread) == ("undo_pay", ("paid", 1))
    thread.complete()
    assert (thread.status, thread.error.code) == ("failed", "NO")


def test_one_that_fails_does_not_stop_the_others_and_is_told() -> None:
    thread = saga().fail("STUCK")
    assert called(thread)[0] == "undo_pay"
    thread.complete()
    assert [(told["node"], told["error"]["code"]) for told in thread.state.not_undone] == [("ship", "STUCK")]


@pytest.mark.parametrize(
    ("last", "status", "undone"),
    [
        ({"kind": "end"}, "completed", False),
        ({"kind": "end", "compensate": True}, "completed", True),
        ({"kind": "fail", "code": "NO", "compensate": False}, "failed", False),
        (set_(x="{{ 1 / 0 }}"), "failed", True),
    ],
)
def test_what_is_undone_depends_on_how_the_thread_ends(last: Any, status: str, undone: bool) -> None:
    thread = saga(last)
    assert (thread.call is not None) == undone
    if undone:
        thread.complete().complete()
    assert thread.status == status


def test_cancelling_undoes_also_a_held_thread() -> None:
    thread = saga({"kind": "wait", "for": "1h", "next": "end"}).pause().cancel()
    assert called(thread)[0] == "undo_ship"
    thread.complete().complete()
    assert thread.status == "cancelled"


def test_a_pause_holds_between_two_compensations() -> None:
    thread = saga().pause()
    assert thread.status == "pausing"
    thread.complete()
    assert (thread.status, thread.call) == ("paused", None)
    assert called(thread.resume())[0] == "undo_pay"


def test_a_fork_undoes_only_what_it_did_itself() -> None:
    thread = saga({"kind": "wait", "for": "1h", "next": "broken"})
    fork = ThreadDriver.of_branch(thread.fork("last")).rest()
    assert fork.cancel().status == "cancelled"


def test_a_caught_failure_undoes_nothing() -> None:
    thread = saga({"kind": "set", "set": {"x": "{{ 1 / 0 }}"}, "next": "end", "on_error": "end"})
    assert (thread.status, thread.call) == ("completed", None)


HOOKED = {"work": activity("work", next="end", save="done")}


def hooked(**hooks: Any) -> ThreadDriver:
    return ThreadDriver.begin(flow_of(HOOKED, hooks=hooks, variables={"log": []}))


def call(name: str) -> Any:
    return {"call": {"activity": name, "args": ["{{ node.id }}", "{{ node.visit }}"]}}


def test_hooks_run_before_and_after_a_node() -> None:
    thread = hooked(before_node={**call("before"), "nodes": ["work"]}, after_node=call("after"))
    assert called(thread) == ("before", ("work", 1))
    assert called(thread.complete())[0] == "work"
    assert called(thread.complete("x")) == ("after", ("work", 1))
    thread.complete()
    assert (thread.status, thread.path) == ("completed", ["work", "end"])


def test_a_hook_that_sets_variables_is_in_the_journal() -> None:
    thread = hooked(before_node={"set": {"log": "{{ log + [node.id] }}"}}).complete()
    assert thread.variables["log"] == ["work", "end"]


def test_a_failing_hook_before_a_node_fails_it_and_others_do_not() -> None:
    thread = hooked(before_node={**call("before"), "nodes": ["work"]}).fail("NO")
    assert (thread.status, thread.error.code) == ("failed", Code.HOOK_FAILED)
    thread = hooked(after_node=call("after")).complete().fail("NO")
    assert thread.status == "completed"


def test_the_hook_of_an_error_runs_before_the_thread_ends() -> None:
    hook = {"call": {"activity": "tell", "args": ["{{ error.code }}"]}}
    thread = hooked(on_error=hook).fail("BOOM")
    assert called(thread) == ("tell", ("BOOM",))
    assert thread.status == "running"
    thread.complete()
    assert (thread.status, thread.error.code) == ("failed", "BOOM")


@pytest.mark.parametrize("other", [{}, {"on_error": {"set": {"log": "failed"}}}], ids=["alone", "beside on_error"])
def test_the_hook_after_a_node_is_for_those_that_did_not_fail(other: dict[str, Any]) -> None:
    thread = hooked(after_node=call("after"), **other).fail("BOOM")
    assert (thread.status, thread.call) == ("failed", None)


def test_a_held_thread_runs_no_hook() -> None:
    thread = hooked(after_node=call("after")).pause().complete()
    assert (thread.status, thread.call) == ("paused", None)
    assert called(thread.resume())[0] == "after"


def policy(action: Any) -> ThreadDriver:
    return ThreadDriver.begin(
        flow_of({**HOOKED, "end": {"kind": "end", "result": "{{ nodes.work }}"}}, error_policy=action)
    )


def test_the_policies() -> None:
    assert policy("stop").fail().status == "failed"
    went_on = policy("continue").fail()
    assert (went_on.status, went_on.result["status"]) == ("completed", "failed")
    skipped = policy("skip").fail()
    assert (skipped.status, skipped.result["status"]) == ("completed", "skipped")


def test_a_retried_node_is_visited_again_after_a_while_and_not_for_ever() -> None:
    thread = policy({"action": "retry", "maximum_attempts": 2, "interval": "10s"}).fail()
    assert (thread.status, thread.call) == ("running", None)
    thread.after(11)
    assert thread.call is not None
    assert thread.call.key == "t/work/2"
    assert thread.fail().status == "failed"
    again = policy({"action": "retry", "interval": "0s"}).fail().fail().complete("ok")
    assert again.status == "completed"


def test_a_session_pause_while_a_retry_is_due_holds_it() -> None:
    thread = policy({"action": "retry", "interval": "10s"}).fail().pause(kind=HoldKind.SESSION).after(60)
    assert thread.call is None
    assert thread.resume(HoldKind.SESSION).call is not None
