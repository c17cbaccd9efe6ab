"""What holds for flows that a thread without one of its own is given, whatever they are and whatever happens."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.flow.parse import analyse
from domain.thread.journal import EXECUTED_FLOW, Failure, executions
from domain.thread.views import describe, execution_outcome, list_executions
from domain.values import JsonObject, is_json
from tests.builders import ThreadDriver, carried
from tests.property.thread.flows import flows
from tests.property.thread.programs import Named, lives, programs
from tests.property.thread.test_program_properties import BOUND, go_on, happen

GIVEN = {"n": 1}
ENOUGH = 50
"""Things that a generated flow waits for, unless it waits for one that does not come."""

values = st.lists(st.sampled_from([None, 1, 2, {"model": "m", "tokens": 2}]), min_size=1, max_size=5)


def renamed(document: JsonObject) -> JsonObject:
    """The flow with other variables."""
    text = re.sub(r"\by\b", "q", re.sub(r"\bx\b", "p", json.dumps(document)))
    other: JsonObject = json.loads(text)
    return other


def to_its_end(thread: ThreadDriver, given: list[Any]) -> ThreadDriver:
    """Give the thread what it waits for until it has ended, or waits for a flow."""
    for step in range(ENOUGH):
        if thread.state.outcome or (thread.state.idle and not thread.state.holds):
            return thread
        if thread.state.holds:
            thread.resume()
        else:
            go_on(thread, given[step % len(given)])
        thread.rest(BOUND)
    assume(False)  # it waits for a message that nobody sends
    raise AssertionError


def alone(document: JsonObject, given: list[Any], now: Any) -> ThreadDriver:
    thread = ThreadDriver(document, input=GIVEN)
    thread.now = now
    return to_its_end(thread.rest(BOUND), given)


def told(error: Failure | None, prefix: str = "") -> Any:
    """A failure, its node as it is called in its flow."""
    if error is None:
        return None
    return error.code, error.node.removeprefix(prefix) if error.node else None


@settings(max_examples=150)
@given(flows(), flows(), values)
def test_two_flows_in_one_thread_come_to_what_each_comes_to_alone(
    first: JsonObject, second: JsonObject, given: list[Any]
) -> None:
    second = renamed(second)
    assume(all(analyse(document).flow is not None for document in (first, second)))
    thread = ThreadDriver.begin(None)
    expected: JsonObject = {}
    for number, document in enumerate((first, second), start=1):
        by_itself = alone(document, given, thread.now)
        to_its_end(thread.execute(document, GIVEN), given)
        outcome, last, path = by_itself.state.outcome, thread.state.current.last, f"{number}/"
        assert outcome is not None
        assert last is not None
        assert (last.status.value, last.result) == (outcome.status.value, outcome.result)
        assert told(last.error, path) == told(outcome.error)
        executed = [node.removeprefix(path) for node in thread.path if node.startswith(path)]
        assert executed == by_itself.path
        expected |= by_itself.variables
        assert thread.variables == expected
        assert thread.now == by_itself.now


@settings(max_examples=200)
@given(programs(), lives, st.booleans())
def test_whatever_happens_a_thread_executes_waits_for_a_flow_or_was_cancelled(
    program: Named, life: list[tuple[str, Any]], carry: bool
) -> None:
    assume(all(analyse(document).flow is not None for document in (program.document, *program.flows.values())))
    thread = ThreadDriver.begin(None)
    for _ in range(2):
        thread.execute(program.document, GIVEN, flows=program.flows)
    for what, value in life:
        happen(thread, what, value)
        if carry and not thread.state.in_flight:
            thread.state = carried(thread.state, None)
    state = thread.state
    assert (state.outcome is not None) is state.status.terminal
    assert state.outcome is None or state.cancellation is not None
    assert state.status.terminal or state.active is not None or state.holds or state.idle
    ended = [entry.node for entry in executions(state.journal) if entry.kind == EXECUTED_FLOW]
    assert ended == [str(number) for number in sorted(map(int, ended))]
    assert is_json(describe(thread.program.main, state))
    assert is_json(list_executions(state))
    assert is_json(execution_outcome(state, 1))
    if state.idle:
        assert (state.active, state.compensations, state.returned, state.ending) == (None, (), None, None)
        assert (state.current.nodes, state.current.past_visits) == ({}, {})
