"""A session and its threads without a flow of their own: what it passes on to them, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.messages import CloseSession, CreateThread, ExecuteFlow, ManageThread, PauseSession
from domain.session.effects import SignalThread, StartThread
from domain.session.history import fact
from domain.session.policy import examine
from tests.builders import SessionDriver, flow_of, refusal, set_

FLOW = flow_of({"note": set_(n="{{ n + 1 }}")}, variables={"n": 0}, inputs={"type": "object"})
SUB = flow_of({"sub": {"kind": "subflow", "flow": "other", "next": "end"}})


def session(*, launch: bool = True) -> SessionDriver:
    """A session with a thread `e` without a flow, and one with a flow, `own`."""
    driver = SessionDriver().create("own")
    driver.ask(CreateThread, thread_id="e", context=["hello"])
    if launch:
        driver.launch("e")
    driver.told()
    return driver


def signals(driver: SessionDriver) -> list[tuple[str, str]]:
    return [(effect.thread_id, effect.signal) for effect in driver.told() if isinstance(effect, SignalThread)]


def test_a_thread_without_a_flow_starts_from_nothing_but_its_context() -> None:
    driver = SessionDriver()
    driver.ask(CreateThread, thread_id="e", context=["hello"])
    (start,) = driver.told()
    assert isinstance(start, StartThread)
    assert (start.flow, start.start["flow"], start.start["flows"]) == (None, None, {})
    assert start.start["seed"]["context"] == ["hello"]
    assert start.start["seed"]["identity"]["flowless"] is True
    entry = driver.state.threads["e"]
    assert (entry.flow, entry.version, entry.label) == (None, None, None)
    told = fact(driver.state, driver.state, driver.events[0])
    assert told is not None
    assert (told.type, told.flow) == ("thread_created", None)


def test_a_flow_is_passed_on_to_the_thread_and_counted() -> None:
    driver = session()
    answer = driver.ask(ExecuteFlow, thread_id="e", flow=FLOW, input={}, reason="why not")
    assert answer == {"thread_id": "e", "status": "requested"}
    (effect,) = driver.told()
    assert isinstance(effect, SignalThread)
    assert (effect.signal, effect.message["flow"], effect.message["reason"]) == ("execute", FLOW, "why not")
    assert (
        driver.state.statistics.visible(alive=2, limit=None, resources={})["operations"]["other"]["thread_execute"] == 1
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"thread_id": "own"}, Code.ILLEGAL_TRANSITION),
        ({"thread_id": "nobody"}, Code.THREAD_NOT_FOUND),
        ({"flow": {"flow": "x"}}, Code.FLOW_INVALID),
        ({"flow": SUB}, Code.FLOW_NOT_FOUND),
        ({"input": "text"}, Code.INPUT_INVALID),
        ({"flow": {**FLOW, "variables": {"n": "{{ input.absent }}"}}}, Code.EXPRESSION_ERROR),
    ],
)
def test_what_cannot_be_executed_is_refused_before_it_reaches_the_thread(fields: Any, code: Code) -> None:
    driver = session()
    given = {"thread_id": "e", "flow": FLOW, "input": {}, **fields}
    assert refusal(lambda: driver.ask(ExecuteFlow, **given)).code == code
    assert driver.told() == []


def test_a_flow_with_a_problem_is_refused_without_a_trace() -> None:
    unreachable = {**FLOW, "nodes": {**FLOW["nodes"], "lost": set_("lost", n=1)}}
    command = session().command(ExecuteFlow, thread_id="e", flow=unreachable)
    assert refusal(lambda: examine(command)).code == Code.FLOW_INVALID


def test_nobody_executes_anything_in_a_paused_session_or_an_ended_or_starting_thread() -> None:
    driver = session(launch=False)
    execute = {"thread_id": "e", "flow": FLOW, "input": {}}
    assert refusal(lambda: driver.ask(ExecuteFlow, **execute)).code == Code.SESSION_BUSY
    driver.launch("e").report("e", "completed")
    assert refusal(lambda: driver.ask(ExecuteFlow, **execute)).code == Code.THREAD_ENDED
    driver.ask(PauseSession)
    assert refusal(lambda: driver.ask(ExecuteFlow, **execute)).code == Code.SESSION_NOT_ACTIVE


def test_input_without_a_flow_means_nothing() -> None:
    assert refusal(lambda: session().ask(CreateThread, thread_id="x", input=1)).code == Code.INVALID_ARGUMENT


def test_only_threads_without_a_flow_are_closed() -> None:
    driver = session()
    driver.ask(ManageThread, thread_id="e", action="close")
    assert signals(driver) == [("e", "close")]
    refused = refusal(lambda: driver.ask(ManageThread, thread_id="own", action="close"))
    assert refused.code == Code.ILLEGAL_TRANSITION


def test_a_session_that_closes_closes_them_also_those_that_are_being_started() -> None:
    driver = session(launch=False)
    driver.ask(CreateThread, thread_id="later")
    driver.launch("e").told()
    driver.ask(CloseSession, reason="evening")
    assert signals(driver) == [("e", "close")]
    driver.launch("later")
    assert signals(driver) == [("later", "close")]
    driver.report("e", "completed").report("later", "completed").report("own", "completed")
    assert driver.status == "closed"
