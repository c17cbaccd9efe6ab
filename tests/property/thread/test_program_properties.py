"""What holds for flows of all kinds, with subflows, maps, hooks, compensations and policies.

The driver checks after each step that the status is the one that the state amounts to, and that the
fold of the journal is the state.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from domain.codec import dump
from domain.errors import Code, ThreadloomError
from domain.flow.parse import analyse
from domain.thread.ahead import lean, next_local
from domain.thread.calls import ActivityCall
from domain.thread.events import Compensated, NodeEnded, NodeEntered
from domain.thread.inputs import ActivityCompleted, Cancel, LocalCompleted, LocalResult
from domain.thread.journal import Failure, executions
from domain.thread.snapshot import cut, parse_point
from domain.thread.state import HoldKind, wake_at
from domain.thread.views import describe, list_executions
from domain.values import is_json
from tests.builders import ThreadDriver, carried
from tests.property.thread.programs import Named, events, lives, programs, values

BOUND = 1_000
"""Steps within which every generated flow ends or waits: its forty, and what comes around them."""


def begin(program: Named) -> ThreadDriver:
    """A thread of the flow, which must be valid: what the generator gets wrong is not looked at."""
    assume(all(analyse(document).flow is not None for document in (program.document, *program.flows.values())))
    return ThreadDriver(program.document, flows=program.flows, input={"n": 1}).rest(BOUND)


def happen(thread: ThreadDriver, what: str, value: Any) -> None:
    """Let it happen; what is refused has not happened."""
    try:
        _happen(thread, what, value)
    except ThreadloomError as error:
        assert error.code in (Code.THREAD_ENDED, Code.NOT_WAITING, Code.ALREADY_DECIDED)
    thread.rest(BOUND)
    assert thread.state.in_flight == bool(thread.call or thread.items)


def _happen(thread: ThreadDriver, what: str, value: Any) -> None:
    match what:
        case "go on":
            go_on(thread, value)
        case "fail":
            _fail(thread, value)
        case "time out" if thread.call:
            thread.fail("NODE_TIMEOUT", timed_out=True)
        case "pass":
            thread.after(value)
        case "pause":
            thread.pause(until=thread.now + timedelta(seconds=value) if value else None)
        case "lost session":
            thread.pause(HoldKind.LOST_SESSION)
        case "resume":
            thread.resume()
        case "send":
            thread.send(value, name="n")
        case "archive":
            thread.archive(min(value, thread.state.current.seq))
        case "cancel":
            thread.give(Cancel(now=thread.now, actor="ann", compensate=value))


def go_on(thread: ThreadDriver, value: Any) -> None:
    """Give the thread what it waits for."""
    active = thread.state.active
    if thread.items:
        thread.complete_item(min(thread.items), value)
    elif thread.call:
        thread.complete(value)
    elif active is not None:
        match active.waiting.kind:
            case "approval":
                thread.answer(active.node, "yes")
            case "message":
                thread.send(value, name="n")
            case "timer":
                thread.after(10)
            case "session":
                thread.told(*((name, None) for name in active.waiting.expects["threads"]))
            case "join":
                thread.told(**dict.fromkeys(active.waiting.expects["threads"], "completed"))


def _fail(thread: ThreadDriver, code: str) -> None:
    active = thread.state.active
    cancelled = thread.state.cancellation is not None
    if thread.items:
        thread.fail_item(max(thread.items), code, cancelled=cancelled)
    elif thread.call:
        thread.fail(code, cancelled=cancelled)
    elif active is not None and active.waiting.kind == "session":
        refused = {"code": code, "message": "no", "details": {}}
        thread.told(*((name, refused) for name in active.waiting.expects["threads"]))
    elif active is not None and active.waiting.kind == "join":
        thread.told(**{active.waiting.expects["threads"][0]: "failed"})


def live(program: Named, life: list[tuple[str, Any]]) -> ThreadDriver:
    thread = begin(program)
    for what, value in life:
        happen(thread, what, value)
    return thread


@settings(max_examples=400)
@given(programs(), lives)
def test_whatever_happens_a_thread_ends_or_waits(program: Named, life: list[tuple[str, Any]]) -> None:
    thread = live(program, life)
    state = thread.state
    assert (state.outcome is not None) is state.status.terminal
    assert state.status.terminal or state.active is not None or state.holds
    assert [item.seq for item in state.journal] == list(range(state.base.seq + 1, state.current.seq + 1))
    assert is_json(describe(thread.flow, state))
    assert is_json(list_executions(state))
    if state.outcome:
        assert not state.in_flight
        assert state.compensations == ()
    event(f"{state.status.value} after {min(len(executions(state.journal)) // 5 * 5, 20)}")


@settings(max_examples=200)
@given(programs(), lives)
def test_a_thread_that_is_given_all_it_waits_for_ends(program: Named, life: list[tuple[str, Any]]) -> None:
    thread = live(program, life)
    for _ in range(BOUND):
        if thread.state.outcome:
            return
        if thread.state.holds:
            happen(thread, "resume", None)
        happen(thread, "go on", 1)
        if thread.state.active and thread.state.active.waiting.kind == "message":
            happen(thread, "pass", 4_000.0)
    raise AssertionError(f"it never ends: {thread.state.active}")


@given(programs(), lives)
def test_the_same_inputs_give_the_same_events_and_effects(program: Named, life: list[tuple[str, Any]]) -> None:
    one, other = live(program, life), live(program, life)
    assert (one.events, one.effects, one.state) == (other.events, other.effects, other.state)


@settings(max_examples=200)
@given(programs(), lives, lives)
def test_the_next_run_goes_on_as_the_last_would_have(
    program: Named, life: list[tuple[str, Any]], rest: list[tuple[str, Any]]
) -> None:
    thread = live(program, life)
    state = carried(thread.state, program.document, program.flows)
    assert state == thread.state
    other = ThreadDriver(program.document, state, flows=program.flows)
    other.now, other.call, other.items, other.asked = thread.now, thread.call, dict(thread.items), list(thread.asked)
    seen = len(thread.effects)
    for what, value in rest:
        happen(thread, what, value)
        happen(other, what, value)
    assert other.state == thread.state
    assert other.effects == thread.effects[seen:]


@given(programs(), lives)
def test_a_thread_that_sleeps_wakes_no_later_than_it_has_something_to_do(
    program: Named, life: list[tuple[str, Any]]
) -> None:
    thread = live(program, life)
    wake = wake_at(thread.state)
    if wake is not None:
        assert wake > thread.now, "it has rested, so nothing is due"
        thread.now, state = wake - timedelta(microseconds=1), thread.state
        assert thread.rest(BOUND).state == state
        thread.now = wake
        assert thread.rest(BOUND).state != state


@settings(max_examples=200)
@given(programs(), lives)
def test_what_completed_is_undone_once_at_most_and_in_reverse(program: Named, life: list[tuple[str, Any]]) -> None:
    thread = live(program, life)
    for _ in range(60):
        happen(thread, "go on", 1)
    done = [one.compensation for one in thread.events if isinstance(one, NodeEnded) and one.compensation]
    undone = [one.compensation for one in thread.events if isinstance(one, Compensated)]
    assert undone == list(reversed(done))[: len(undone)]
    if undone and thread.state.outcome:
        assert len(undone) == len(done)


@settings(max_examples=300)
@given(programs(local=True), st.lists(values, max_size=4), st.lists(values | st.just("fail"), min_size=1, max_size=6))
def test_a_row_of_local_nodes_is_what_they_are_one_by_one(program: Named, life: list[Any], outcomes: list[Any]) -> None:
    thread = live(program, [("go on", value) for value in life])
    call = thread.call
    if not isinstance(call, ActivityCall) or call.mode != "local" or thread.state.active is None:
        return
    state, results = lean(thread.state), []
    following: ActivityCall | None = call
    for outcome in outcomes:
        if following is None:
            break
        failure = Failure(code="BOOM", message="it broke") if outcome == "fail" else None
        value = None if failure else outcome
        results.append(LocalResult(key=following.key, at=thread.now, result=value, failure=failure))
        state, following = next_local(thread.program, state, results[-1])
    event(f"a row of {len(results)}")

    other = ThreadDriver(program.document, thread.state, flows=program.flows)
    other.now, other.call = thread.now, thread.call
    for result in results:
        if result.failure:
            other.fail(result.failure.code, result.failure.message)
        else:
            other.complete(result.result)
    thread.call = None
    thread.give(LocalCompleted(now=thread.now, results=tuple(results)))
    assert thread.state == other.state
    assert thread.call == other.call


@settings(max_examples=200)
@given(programs(), lives, st.booleans())
def test_a_fork_at_any_point_leaves_its_source_alone_and_goes_on(
    program: Named, life: list[tuple[str, Any]], after: bool
) -> None:
    thread = live(program, [step for step in life if step[0] != "archive"])
    before = dump(thread.state)
    snapshot = thread.snapshot()
    for entry in executions(thread.state.journal)[-6:]:
        if not (after and entry.next is None):
            found = cut(snapshot, parse_point(f"@{entry.seq}"), after=after)
            branch = thread.fork(f"@{entry.seq}", strategy="full", resume="after" if after else "at")
            forked = ThreadDriver.of_branch(branch)
            assert forked.variables == found.checkpoint.variables
            assert forked.state.current.callers == found.checkpoint.callers
            forked.rest(BOUND)
            for _ in range(5):
                happen(forked, "go on", 1)
    assert dump(thread.state) == before


@given(programs(), lives, events)
def test_a_held_thread_enters_no_node(program: Named, life: list[tuple[str, Any]], last: tuple[str, Any]) -> None:
    thread = live(program, life)
    if thread.state.status.terminal or thread.state.cancellation or last[0] == "cancel":
        return
    thread.pause(HoldKind.SESSION)
    seen = len(thread.events)
    happen(thread, *last)
    assert [one for one in thread.events[seen:] if isinstance(one, NodeEntered)] == []


@given(programs(), lives)
def test_an_answer_to_what_nobody_asked_changes_nothing(program: Named, life: list[tuple[str, Any]]) -> None:
    thread = live(program, life)
    before = thread.state
    thread.give(ActivityCompleted(now=thread.now, key="t/a/0", result=1))
    thread.give(LocalCompleted(now=thread.now, results=(LocalResult(key="t/a/0", at=thread.now),)))
    assert thread.state == before
