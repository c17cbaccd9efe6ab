"""What a session counts, and how it shows itself."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.messages import DestroyThread, Finding, ForkThread
from domain.records import RecordType
from domain.session.config import PRESETS, SessionConfig, make_config
from domain.session.events import SessionStarted
from domain.session.evolve import evolve
from domain.session.history import fact, session_row, statistics
from domain.session.inputs import NotPrepared, Request
from domain.session.statistics import OperationCount, Performance, Statistics
from domain.session.views import describe, list_threads, tree
from tests.builders import NOW, SessionDriver, refusal


def forked(session: SessionDriver, thread_id: str, source: str = "a", **fields: Any) -> SessionDriver:
    command = session.command(ForkThread, thread_id=thread_id, source=source, at="end", **fields)
    return session.give(Request(now=session.now, command=command)).prepare(command)


def test_a_fork_is_successful_when_its_thread_has_started() -> None:
    session = forked(SessionDriver().create("a"), "b", strategy="full")
    under_way = statistics(session.state)["operations"]["fork"]
    assert under_way == {"total": 1, "successful": 0, "failed": 0, "by_strategy": {"full": 1}}
    session.launch("b")
    assert statistics(session.state)["operations"]["fork"]["successful"] == 1
    assert statistics(session.state)["operations"]["other"] == {"create": 1}


def test_a_fork_whose_thread_could_not_start_has_failed() -> None:
    session = forked(SessionDriver().create("a"), "b").reject("b")
    counted = statistics(session.state)["operations"]["fork"]
    assert (counted["total"], counted["successful"], counted["failed"]) == (1, 0, 1)


def test_execution_times_are_those_of_threads_that_began() -> None:
    session = SessionDriver()
    for thread_id, status, seconds in (("a", "completed", 2.0), ("b", "failed", 4.0), ("c", "cancelled", 9.0)):
        session.create(thread_id).report(thread_id, status, seconds=seconds)
    session.create("d").report("d", "completed", started_at=None, seconds=0.0)
    assert statistics(session.state)["performance"] == {
        "count": 3,
        "completed": 1,
        "failed": 1,
        "cancelled": 1,
        "total_seconds": 15.0,
        "average_seconds": 5.0,
        "minimum_seconds": 2.0,
        "maximum_seconds": 9.0,
        "success_rate": 0.5,
        "failure_rate": 0.5,
    }


def test_nothing_has_no_average() -> None:
    shown = Statistics().visible(alive=0, limit=None, resources={})
    assert shown["performance"]["average_seconds"] is None
    assert shown["performance"]["success_rate"] is None
    assert shown["usage"] == {"calls": 0, "tokens": 0, "cost": 0, "average_cost_per_call": None, "by_model": {}}
    assert Performance().ended("cancelled", 1.0).visible()["failure_rate"] is None


def test_usage_of_ended_threads_adds_up_by_model() -> None:
    session = SessionDriver().create("a").create("b")
    session.report("a", "completed", usage={"big": {"calls": 2, "tokens": 10, "cost": 1.0}})
    session.report("b", "failed", usage={"big": {"calls": 2, "tokens": 30, "cost": 2.0}, "small": {}})
    assert statistics(session.state)["usage"] == {
        "calls": 4,
        "tokens": 40,
        "cost": 3.0,
        "average_cost_per_call": 0.75,
        "by_model": {
            "big": {"calls": 4, "tokens": 40, "cost": 3.0, "average_tokens_per_call": 10.0},
            "small": {"calls": 0, "tokens": 0, "cost": 0, "average_tokens_per_call": None},
        },
    }


def test_the_peak_is_never_less_than_what_is_used() -> None:
    session = SessionDriver(max_threads=5).create("a").create("b").report("a", "completed").create("c")
    assert statistics(session.state)["resources"] == {"threads": {"used": 2, "peak": 2, "limit": 5}}


def test_an_operation_counts_by_strategy() -> None:
    count = OperationCount().tried("full").tried("full").tried("minimal").ended(success=True).ended(success=False)
    assert count == OperationCount(total=3, successful=1, failed=1, by_strategy={"full": 2, "minimal": 1})


# The history and the lists


def records(session: SessionDriver, before: SessionDriver | None = None) -> list[tuple[str, str | None]]:
    """The records of all events, replayed from a new session."""
    replayed = before or SessionDriver()
    return [
        (told.type.value, told.thread_id) for event in session.events if (told := _fact(replayed, event)) is not None
    ]


def _fact(replayed: SessionDriver, event: Any) -> Any:
    before = replayed.state
    replayed.state = evolve(before, event)
    return fact(before, replayed.state, event)


def test_a_sessions_life_is_in_its_history() -> None:
    session = forked(SessionDriver().create("a"), "b").launch("b")
    session.find(Finding(thread_id="b", status="terminated"))
    session.report("a", "completed")
    session.ask(DestroyThread, thread_id="a")
    command = session.command(ForkThread, thread_id="c", source="b", at="end")
    session.give(Request(now=session.now, command=command))
    session.give(NotPrepared(now=session.now, command=command, code="X", message="m", details={}))
    assert records(session) == [
        ("thread_created", "a"),
        ("thread_forked", "b"),
        ("thread_failed", "b"),
        ("thread_destroyed", "a"),
        ("error", "b"),
    ]


def test_a_thread_that_never_was_leaves_the_lists() -> None:
    session = SessionDriver().create("a", launch=False)
    before = session.state
    session.reject("a")
    told = fact(before, session.state, session.events[-2])
    assert told is not None
    assert told.type is RecordType.ERROR
    assert told.thread is not None
    assert (told.thread.status, told.thread.destroyed) == ("failed", True)
    assert told.thread.error == {"code": "THREAD_EXISTS", "message": "no", "details": {}}


def test_a_session_that_starts_is_recorded() -> None:
    session = SessionDriver()
    started = SessionStarted(actor="ann", reason=None, at=NOW)
    told = fact(session.state, evolve(session.state, started), started)
    assert told is not None
    assert (told.type, told.actor) == (RecordType.SESSION_CREATED, "ann")


def test_the_row_of_a_session_has_its_counts() -> None:
    row = session_row(SessionDriver().create("a").create("b", launch=False).state)
    assert row.statistics["threads"] == {
        "total": 2,
        "running": 1,
        "paused": 0,
        "pending": 1,
        "completed": 0,
        "failed": 0,
        "cancelled": 0,
    }


def test_threads_are_listed_in_order_and_as_a_tree_without_destroyed_ones() -> None:
    session = forked(SessionDriver().create("a").create("z"), "b").launch("b")
    forked(session, "c", source="b").launch("c")
    session.report("b", "completed")
    assert [thread["thread_id"] for thread in list_threads(session.state)] == ["a", "z", "b", "c"]
    a, z = tree(session.state)["roots"]
    assert (a["thread_id"], z["thread_id"], a["children"][0]["thread_id"]) == ("a", "z", "b")
    assert a["children"][0]["fork_point"] == "end#1"
    assert a["children"][0]["children"][0]["thread_id"] == "c"
    session.ask(DestroyThread, thread_id="b")
    assert [root["thread_id"] for root in tree(session.state)["roots"]] == ["a", "z", "c"]
    assert [thread["thread_id"] for thread in list_threads(session.state)] == ["a", "z", "c"]


def test_a_description_names_what_is_being_prepared() -> None:
    session = SessionDriver().create("a")
    session.ask(ForkThread, thread_id="b", source="a", at="end")
    assert describe(session.state)["preparing"] == [{"operation": "fork", "source": "a", "thread_id": "b"}]


# Configuration


def test_presets_are_starting_points() -> None:
    config = make_config({"max_threads": 3}, preset="interactive")
    assert (config.max_threads, config.model_dump(mode="json")["max_duration"]) == (3, "1h")
    assert (config.max_messages, make_config({}).max_messages, make_config({}).max_mailbox) == (1_000, None, 1_000)
    assert make_config({}) == make_config({}, preset="unlimited") == SessionConfig()
    assert set(PRESETS) == {"unlimited", "interactive"}


def test_changes_leave_the_rest_as_it_was() -> None:
    base = make_config({"max_threads": 3, "idle_timeout": "5m"})
    assert make_config({"grace": "1m"}, base=base).max_threads == 3
    assert make_config({"max_threads": None}, base=base).max_threads is None


@pytest.mark.parametrize(
    "changes",
    [
        [],
        None,
        {"max_threads": 0},
        {"max_threads": -1},
        {"max_depth": 0},
        {"max_mailbox": 0},
        {"max_mailbox": None},
        {"max_messages": 0},
        {"max_duration": "0s"},
        {"idle_timeout": "0s"},
        {"grace": "0s"},
        {"reconcile_every": "0s"},
        {"max_duration": "1h", "idle_timeout": "2h"},
        {"unheard_of": 1},
        {"on_expiry": "explode"},
        {"grace": None},
        {"continue_as_new_after": 1},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes: Any) -> None:
    assert refusal(lambda: make_config(changes)).code == Code.INVALID_ARGUMENT


def test_an_unknown_preset_is_refused() -> None:
    assert refusal(lambda: make_config({}, preset="x")).code == Code.INVALID_ARGUMENT
