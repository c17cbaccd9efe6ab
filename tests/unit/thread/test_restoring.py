"""What a thread's workflow starts with: a seed, or the state of its last run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.codec import dump
from domain.errors import Code
from domain.messages import STATE_VERSION, ThreadStart
from domain.thread.effects import ReportStatus
from domain.thread.program import Program
from domain.thread.restoring import restored
from domain.thread.state import HoldKind
from tests.builders import NOW, ThreadDriver, activity, as_held, carried, flow_of, refusal

FLOW = flow_of({"work": activity(next="get"), "get": {"kind": "receive", "timeout": "1h", "next": "end"}})
IDS = ("s", "t")


def start(**fields: Any) -> ThreadStart:
    return ThreadStart(flow=FLOW, flow_digest="d", **fields)


@pytest.mark.parametrize(
    "thread",
    [
        ThreadDriver(FLOW),
        ThreadDriver.begin(FLOW),
        ThreadDriver.begin(FLOW, metadata={"a": 1}, context=[1]).complete({"n": 1.5}).send({"x": None}, id="m"),
        ThreadDriver.begin(FLOW).pause().cancel(),
        ThreadDriver.begin(FLOW).complete().after(3600),
    ],
)
def test_the_next_run_takes_over_the_state_as_it_is(thread: ThreadDriver) -> None:
    assert carried(thread.state, FLOW) == thread.state


def test_a_thread_goes_on_in_its_next_run_as_if_nothing_had_happened() -> None:
    thread = ThreadDriver.begin(FLOW).pause().complete("kept")
    next_run = ThreadDriver(FLOW, carried(thread.state, FLOW)).rest()
    assert next_run.effects == []
    assert next_run.resume().send("mail").status == "completed"


def test_holds_from_the_first_moment_are_reported() -> None:
    held = as_held(ThreadDriver(FLOW).state, HoldKind.START).holds[HoldKind.START]
    seed = ThreadDriver(FLOW).fork("work").seed
    seed = replace(seed, identity=ThreadDriver(FLOW).state.identity)
    state = restored(Program.of(FLOW), start(seed=dump(seed), holds=[dump(held)]), IDS, NOW)
    thread = ThreadDriver(FLOW, state).rest()
    assert thread.status == "paused"
    assert [effect.status for effect in thread.effects if isinstance(effect, ReportStatus)] == ["paused"]


def test_the_copy_of_an_ended_thread_reports_that_it_has_ended() -> None:
    source = ThreadDriver.begin(FLOW).fail("BOOM")
    thread = ThreadDriver.of_branch(source.copy()).rest()
    assert (thread.status, thread.error.code) == ("failed", "BOOM")
    assert [effect.status for effect in thread.effects if isinstance(effect, ReportStatus)] == ["failed"]


@pytest.mark.parametrize(
    ("fields", "ids", "code"),
    [
        ({}, IDS, Code.INVALID_ARGUMENT),
        ({"state": {"identity": {}}}, IDS, Code.INVALID_ARGUMENT),
        ({"seed": {"base": 1}}, IDS, Code.INVALID_ARGUMENT),
        ({"version": STATE_VERSION + 1}, IDS, Code.INVALID_ARGUMENT),
        ({"state": "good"}, ("s", "other"), Code.INVALID_ARGUMENT),
        ({"state": "lost"}, IDS, Code.NODE_NOT_FOUND),
    ],
)
def test_a_start_that_is_of_no_thread_is_refused(fields: dict[str, Any], ids: tuple[str, str], code: str) -> None:
    good = dump(ThreadDriver(FLOW).state, exclude={"current"})
    states = {"good": good, "lost": {**good, "base": {**good["base"], "next": "nowhere"}}}
    given = {name: states.get(str(value), value) for name, value in fields.items()}
    assert refusal(lambda: restored(Program.of(FLOW), start(**given), ids, NOW)).code == code
