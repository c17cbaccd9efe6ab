"""What holds for every flow and for everything that may happen to a thread that executes it.

The driver checks after each step that the status is the one that the state amounts to, and that the
fold of the journal is the state.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.flow.parse import analyse
from domain.messages import SessionHoldChanged
from domain.thread.checkpoint import Checkpoint, fold
from domain.thread.decide import decide
from domain.thread.events import NodeEnded, NodeEntered
from domain.thread.inputs import ActivityCompleted
from domain.thread.journal import JournalEntry, executions
from domain.thread.requests import inputs_for_session_hold
from domain.thread.snapshot import Seed, Snapshot, create_snapshot, cut, parse_point, restore
from domain.thread.state import HoldKind, wake_at
from domain.thread.views import describe, list_executions
from domain.values import JsonObject, is_json
from tests.builders import ThreadDriver, carried
from tests.property.thread.flows import flows, happenings, lives

BOUND = 200
"""Steps within which every generated flow ends or waits: four nodes, five visits each, and some."""


def begin(document: JsonObject) -> ThreadDriver:
    """A thread of the flow, which must be valid: what the generator gets wrong is not looked at."""
    assume(analyse(document).flow is not None)
    thread = ThreadDriver(document, input={"n": 1})
    return thread.rest(BOUND)


def happen(thread: ThreadDriver, what: str, value: Any) -> None:
    """Let it happen; what is refused has not happened."""
    try:
        _happen(thread, what, value)
    except ThreadloomError as error:
        assert error.code in (Code.THREAD_ENDED, Code.NOT_WAITING, Code.BAD_CHOICE, Code.ALREADY_DECIDED)
    thread.rest(BOUND)


def _happen(thread: ThreadDriver, what: str, value: Any) -> None:
    match what:
        case "go on":
            _go_on(thread, value)
        case "complete" if thread.call:
            thread.complete(value)
        case "fail" if thread.call:
            thread.fail(value, cancelled=thread.state.cancellation is not None)
        case "time out" if thread.call:
            thread.fail("NODE_TIMEOUT", timed_out=True)
        case "pass":
            thread.after(value)
        case "pause":
            thread.pause(until=thread.now + timedelta(seconds=value) if value else None)
        case "backlog":
            thread.pause(HoldKind.RECORDS_BACKLOG)
        case "relieved":
            thread.resume(HoldKind.RECORDS_BACKLOG)
        case "resume":
            thread.resume()
        case "session pauses" | "session resumes":
            changed = SessionHoldChanged(held=what == "session pauses", actor="ann", keep=bool(value))
            for change in inputs_for_session_hold(changed, thread.now):
                thread.give(change)
        case "send":
            thread.send(value, name="n")
        case "answer":
            active = thread.state.active
            thread.answer(active.node if active else "a", value)
        case "archive":
            thread.archive(min(value, thread.state.current.seq))
        case "stale":
            thread.give(ActivityCompleted(now=thread.now, key="t/a/0", result=1))
        case "cancel":
            thread.cancel()


def _go_on(thread: ThreadDriver, value: Any) -> None:
    """Give the thread what it waits for."""
    active = thread.state.active
    match active.waiting.kind if active else None:
        case "activity":
            thread.complete(value)
        case "approval" if active:
            thread.answer(active.node, "yes")
        case "message":
            thread.send(value, name="n")
        case "timer":
            thread.after(10)


def live(document: JsonObject, life: list[tuple[str, Any]]) -> ThreadDriver:
    """A thread of the flow, after all that."""
    thread = begin(document)
    for what, value in life:
        happen(thread, what, value)
    return thread


@given(flows(), lives)
def test_whatever_happens_a_thread_ends_or_waits_and_its_journal_is_its_state(
    document: JsonObject, life: list[tuple[str, Any]]
) -> None:
    thread = live(document, life)
    state = thread.state
    waits = state.active is not None or bool(state.holds)
    assert (state.outcome is not None) is state.status.terminal
    assert state.status.terminal or waits
    items = state.journal
    assert [item.seq for item in items] == list(range(state.base.seq + 1, state.current.seq + 1))
    assert is_json(describe(thread.flow, state))
    assert is_json(list_executions(state))


@given(flows(), lives)
def test_the_same_inputs_give_the_same_events_and_effects(document: JsonObject, life: list[tuple[str, Any]]) -> None:
    one, other = live(document, life), live(document, life)
    assert (one.events, one.effects, one.state) == (other.events, other.effects, other.state)


@given(flows(), lives)
def test_a_held_thread_enters_no_node(document: JsonObject, life: list[tuple[str, Any]]) -> None:
    thread = begin(document)
    for what, value in life:
        seen, held = len(thread.events), dict(thread.state.holds)
        happen(thread, what, value)
        if held and held == thread.state.holds and what not in ("session resumes", "resume", "relieved", "pass"):
            entered = [event for event in thread.events[seen:] if isinstance(event, NodeEntered)]
            finished = [event for event in thread.events[seen:] if isinstance(event, NodeEnded)]
            assert entered == []
            assert len(finished) <= 1, "only what was in flight"


@given(flows(), lives)
def test_nothing_happens_to_an_ended_thread(document: JsonObject, life: list[tuple[str, Any]]) -> None:
    thread = begin(document)
    for what, value in life:
        before = thread.state
        happen(thread, what, value)
        if before.outcome and what != "archive":
            assert thread.state == before
            assert wake_at(before) is None


@given(flows(), lives, happenings)
def test_the_next_run_goes_on_as_the_last_would_have(
    document: JsonObject, life: list[tuple[str, Any]], next_one: tuple[str, Any]
) -> None:
    thread = live(document, life)
    state = carried(thread.state, document)
    assert state == thread.state
    other = ThreadDriver(document, state)
    other.now, other.call = thread.now, thread.call
    other.rest(BOUND)
    happen(thread, *next_one)
    happen(other, *next_one)
    assert other.state == thread.state


@given(flows(), lives)
def test_a_thread_that_sleeps_wakes_no_later_than_it_has_something_to_do(
    document: JsonObject, life: list[tuple[str, Any]]
) -> None:
    thread = live(document, life)
    wake = wake_at(thread.state)
    if wake is not None:
        assert wake > thread.now, "it has rested, so nothing is due"
        just_before, state = wake - timedelta(microseconds=1), thread.state
        thread.now = just_before
        assert thread.rest(BOUND).state == state
        thread.now = wake
        assert thread.rest(BOUND).state != state


@given(flows(), lives, st.sampled_from(["full", "partial", "minimal"]), st.booleans())
def test_a_fork_at_any_point_is_the_prefix_and_leaves_its_source_alone(
    document: JsonObject, life: list[tuple[str, Any]], strategy: str, after: bool
) -> None:
    thread = live(document, [step for step in life if step[0] != "archive"])
    before = dump(thread.state)
    seen = Checkpoint(variables=thread.state.base.variables, next="a")
    for entry in executions(thread.state.journal):
        moment = seen.apply(entry) if after else seen
        if not (after and entry.next is None):
            resume = "after" if after else "at"
            branch = thread.fork(f"@{entry.seq}", strategy=strategy, resume=resume)
            forked = ThreadDriver.of_branch(branch)
            assert forked.state.current.next == (entry.next if after else entry.node)
            wanted = thread.state.base.variables if strategy == "minimal" else moment.variables
            assert forked.variables == wanted
            if strategy == "full":
                assert forked.state.current.nodes == moment.nodes
            assert forked.rest(BOUND).state.steps <= BOUND
        seen = seen.apply(entry)
    assert dump(thread.state) == before


@given(flows())
def test_a_fork_that_meets_the_same_goes_the_same_way(document: JsonObject) -> None:
    thread = live(document, [("complete", 1)] * 5)
    executed = executions(thread.state.journal)
    assume(executed)
    assume(not thread.state.limits_waived and "max_steps" not in document["limits"])
    place = len(executed) // 2
    forked = ThreadDriver.of_branch(thread.fork(f"@{executed[place].seq}", strategy="full")).rest(BOUND)
    for _ in range(5):
        happen(forked, "complete", 1)

    def way(entries: list[JournalEntry]) -> list[tuple[str, int, str]]:
        return [(entry.node, entry.visit, entry.status.value) for entry in entries]

    assert way(executions(forked.state.journal))[: len(executed)] == way(executed)


@given(flows(), lives)
def test_a_snapshot_crosses_the_wire_and_restores_to_the_same_checkpoint(
    document: JsonObject, life: list[tuple[str, Any]]
) -> None:
    thread = live(document, life)
    snapshot = create_snapshot(thread.state, document, "digest", thread.now)
    assert load(Snapshot, dump(snapshot)) == snapshot
    seed = Seed(
        identity=snapshot.identity, base=snapshot.base, journal=snapshot.journal, outcome=snapshot.outcome, input=1
    )
    assert restore(load(Seed, dump(seed)), thread.now).current == thread.state.current


@given(flows(), lives, st.integers(0, 6))
def test_what_was_archived_and_read_again_is_what_it_was(
    document: JsonObject, life: list[tuple[str, Any]], through: int
) -> None:
    thread = live(document, [step for step in life if step[0] != "archive"])
    whole = thread.snapshot()
    short = thread.archive(min(through, thread.state.current.seq)).snapshot()
    assert short.current() == whole.current()
    restored = short.with_archive(whole.base, whole.journal)
    for entry in executions(whole.journal):
        point = parse_point(f"{entry.node}#{entry.visit}")
        assert cut(restored, point) == cut(whole, point)


@given(
    flows(),
    lives,
    st.sampled_from([{"strategy": "full"}, {"strategy": "full", "reset": True}, {"strategy": "partial"}]),
)
def test_a_copy_starts_from_what_its_source_was(
    document: JsonObject, life: list[tuple[str, Any]], fields: dict[str, Any]
) -> None:
    thread = live(document, [step for step in life if step[0] != "archive"])
    before = dump(thread.state)
    copied = ThreadDriver.of_branch(thread.copy(**fields))
    if fields == {"strategy": "full"}:
        assert copied.variables == thread.variables
        assert copied.state.current.nodes == thread.state.current.nodes
        assert copied.rest(BOUND).state.status.terminal or not thread.state.status.terminal
        assert thread.state.outcome is None or copied.state.outcome == thread.state.outcome
    else:
        assert copied.state.current.next == "a"
        assert copied.state.current.nodes == {}
        copied.rest(BOUND)
    assert dump(thread.state) == before


@given(flows())
def test_deciding_changes_nothing(document: JsonObject) -> None:
    thread = begin(document)
    before = dump(thread.state)
    decide(thread.program, thread.state, ActivityCompleted(now=thread.now, key="t/a/1", result=1))
    assert dump(thread.state) == before
    assert fold(thread.state.base, thread.state.journal) == thread.state.current
