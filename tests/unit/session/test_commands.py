"""Every command in every status, answered once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import Code
from domain.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    DestroyThread,
    ForkThread,
    ManageThread,
    PauseSession,
    PauseThread,
    ResumeSession,
    SyncSession,
    TerminateSession,
)
from domain.session.effects import PrepareBranch, Reconcile, SignalThread, StartThread
from domain.session.inputs import Launched, NotPrepared, Request
from domain.session.policy import examine
from tests.builders import SessionDriver, branch_of, flow_of, refusal

END = flow_of({"end": {"kind": "end"}})


def active() -> SessionDriver:
    """A session with a running thread `a` and an ended thread `z`."""
    return SessionDriver().create("a").create("z").report("z", "completed", seconds=1.0)


def pausing() -> SessionDriver:
    return _after(active(), PauseSession)


def paused() -> SessionDriver:
    return pausing().report("a", "paused")


def closing() -> SessionDriver:
    return _after(active(), CloseSession)


def closed() -> SessionDriver:
    return closing().report("a", "completed", seconds=1.0)


def terminating() -> SessionDriver:
    return _after(active(), TerminateSession)


def terminated() -> SessionDriver:
    return terminating().report("a", "cancelled", seconds=1.0)


def _after(session: SessionDriver, model: type[Command], **fields: Any) -> SessionDriver:
    session.ask(model, **fields)
    return session


STATUSES: list[Callable[[], SessionDriver]] = [active, pausing, paused, closing, closed, terminating, terminated]
NOT_ACTIVE: str | None = Code.SESSION_NOT_ACTIVE
ILLEGAL: str | None = Code.ILLEGAL_TRANSITION
OK = None
STARTS: dict[type[Command], dict[str, Any]] = {
    CreateThread: {"thread_id": "b", "flow": END},
    ForkThread: {"thread_id": "b", "source": "a", "at": "end"},
    CopyThread: {"thread_id": "b", "source": "a"},
    ConfigureSession: {"config": {"max_threads": 9}},
}
#                           active   pausing     paused      closing     closed      terminating terminated
TABLE: list[tuple[type[Command], dict[str, Any], list[str | None]]] = [
    *((model, fields, [OK, *[NOT_ACTIVE] * 6]) for model, fields in STARTS.items()),
    (
        ForkThread,
        {**STARTS[ForkThread], "plan": True},
        [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE],
    ),
    (CopyThread, {**STARTS[CopyThread], "plan": True}, [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE]),
    (PauseSession, {}, [OK, OK, OK, ILLEGAL, NOT_ACTIVE, ILLEGAL, NOT_ACTIVE]),
    (ResumeSession, {}, [OK, OK, OK, ILLEGAL, NOT_ACTIVE, ILLEGAL, NOT_ACTIVE]),
    (CloseSession, {}, [OK, ILLEGAL, ILLEGAL, OK, NOT_ACTIVE, ILLEGAL, NOT_ACTIVE]),
    (TerminateSession, {}, [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE]),
    (SyncSession, {}, [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE]),
    (ManageThread, {"thread_id": "a", "action": "cancel"}, [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE]),
    (DestroyThread, {"thread_id": "z"}, [OK, OK, OK, OK, NOT_ACTIVE, OK, NOT_ACTIVE]),
]


@pytest.mark.parametrize(
    ("model", "fields", "reach", "expected"),
    [
        pytest.param(model, fields, reach, code, id=f"{model.operation}-{reach.__name__}{'-plan' * ('plan' in fields)}")
        for model, fields, codes in TABLE
        for reach, code in zip(STATUSES, codes, strict=True)
    ],
)
def test_what_each_status_allows(
    model: type[Command], fields: dict[str, Any], reach: Callable[[], SessionDriver], expected: str | None
) -> None:
    session = reach()
    assert session.status == reach.__name__
    before = session.state
    if expected is OK:
        session.ask(model, **fields)
    else:
        assert refusal(lambda: session.ask(model, **fields)).code == expected
        assert session.state == before


@pytest.mark.parametrize(
    ("reach", "model", "status"),
    [
        (paused, PauseSession, "paused"),
        (pausing, PauseSession, "pausing"),
        (active, ResumeSession, "active"),
        (closing, CloseSession, "closing"),
        (terminating, TerminateSession, "terminating"),
    ],
)
def test_the_same_status_again_changes_nothing(
    reach: Callable[[], SessionDriver], model: type[Command], status: str
) -> None:
    session = reach()
    session.told()
    answer = session.ask(model)
    assert answer == {"session_id": "s", "status": status}
    assert session.told() == []


def test_a_command_says_what_the_session_has_become() -> None:
    assert SessionDriver().ask(PauseSession)["status"] == "paused"
    assert active().ask(PauseSession)["status"] == "pausing"
    assert SessionDriver().ask(CloseSession)["status"] == "closed"
    assert SessionDriver().ask(TerminateSession)["status"] == "terminated"


def test_a_thread_is_created_when_its_workflow_has_started() -> None:
    session = SessionDriver()
    assert session.ask(CreateThread, thread_id="a", flow=END, priority="high", title="A", hold=True) is None
    (start,) = session.told()
    assert isinstance(start, StartThread)
    assert (start.thread_id, start.flow) == ("a", "f@1")
    assert [hold["kind"] for hold in start.start["holds"]] == ["start"]
    session.launch("a")
    assert session.answer("c1") == {"thread_id": "a", "status": "pending"}


def test_a_thread_runs_when_its_workflow_exists_unless_it_starts_held() -> None:
    session = SessionDriver().create("a").create("b", hold=True)
    assert [entry.status for entry in session.state.threads.values()] == ["running", "pending"]
    assert session.state.threads["a"].started_at == session.now
    session.report("b", "paused", started_at=None)
    assert [entry.status for entry in session.state.threads.values()] == ["running", "paused"]


def test_a_thread_whose_workflow_cannot_start_never_was() -> None:
    session = SessionDriver().create("a", launch=False).reject("a")
    assert refusal(lambda: session.answer("c1")).code == Code.THREAD_EXISTS
    assert session.state.threads == {}
    assert session.state.statistics.other == {}
    assert session.ask(CloseSession)["status"] == "closed"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"thread_id": "a"}, Code.THREAD_EXISTS),
        ({"thread_id": "z"}, Code.THREAD_EXISTS),
        ({"thread_id": "b", "flow": {"flow": "x"}}, Code.FLOW_INVALID),
        ({"thread_id": "b", "flow": {**END, "inputs": {"type": "object"}}, "input": 1}, Code.INPUT_INVALID),
        ({"thread_id": "b", "flow": {**END, "variables": {"x": "{{ input.x }}"}}, "input": {}}, Code.EXPRESSION_ERROR),
    ],
)
def test_what_a_new_thread_must_be(fields: Any, code: str) -> None:
    session = active()
    assert refusal(lambda: session.ask(CreateThread, **{"flow": END, **fields})).code == code


def test_what_a_later_version_asks_of_flows_decides_nothing_that_is_in_the_history() -> None:
    """A worker of the next version decides again on what an earlier one took, and has to come to the same."""
    doubtful = {**END, "nodes": {"end": {"kind": "end", "result": "{{ node.vist }}"}}}
    session = active()
    command = session.command(CreateThread, thread_id="b", flow=END, flows={"other": doubtful})
    assert refusal(lambda: examine(command)).details["flow"] == "other"
    command = session.command(CreateThread, thread_id="b", flow=doubtful)
    assert refusal(lambda: examine(command)).code == Code.FLOW_INVALID
    session.give(Request(now=session.now, command=command)).launch("b")
    assert session.answer(command.command_id)["thread_id"] == "b"


def test_a_fork_with_a_flow_that_is_wrong_is_refused_before_anything_is_read() -> None:
    session = active()
    session.told()
    fields: dict[str, Any] = {**STARTS[ForkThread], "flow": {"flow": "x"}}
    assert refusal(lambda: session.ask(ForkThread, **fields)).code == Code.FLOW_INVALID
    assert session.told() == []


def test_an_id_is_never_used_again_also_when_its_thread_was_destroyed() -> None:
    session = active()
    session.ask(DestroyThread, thread_id="z")
    assert refusal(lambda: session.ask(CreateThread, thread_id="z", flow=END)).code == Code.THREAD_EXISTS


def test_a_destroyed_thread_is_off_the_lists_and_out_of_reach() -> None:
    session = active()
    assert session.ask(DestroyThread, thread_id="z") == {"thread_id": "z", "destroyed": True}
    for model, fields in (
        (DestroyThread, {}),
        (ManageThread, {"action": "pause"}),
        (ForkThread, {"source": "z", "at": "end"}),
        (CopyThread, {"source": "z"}),
    ):
        given: dict[str, Any] = {"thread_id": "new" if "source" in fields else "z", **fields}
        error = refusal(lambda model=model, given=given: session.ask(model, **given))  # type: ignore[misc]
        assert error.code == Code.THREAD_DESTROYED


def test_only_an_ended_thread_is_destroyed_and_only_a_living_one_managed() -> None:
    session = active()
    error = refusal(lambda: session.ask(DestroyThread, thread_id="a"))
    assert (error.code, error.details) == (Code.ILLEGAL_TRANSITION, {"status": "running"})
    error = refusal(lambda: session.ask(ManageThread, thread_id="z", action="pause"))
    assert (error.code, error.details) == (Code.THREAD_ENDED, {"status": "completed"})
    assert refusal(lambda: session.ask(ManageThread, thread_id="x", action="pause")).code == Code.THREAD_NOT_FOUND


@pytest.mark.parametrize(
    ("action", "signal"), [("start", "resume"), ("pause", "pause"), ("resume", "resume"), ("cancel", "cancel")]
)
def test_managing_a_thread_signals_it(action: str, signal: str) -> None:
    session = active()
    session.told()
    answer = session.ask(ManageThread, thread_id="a", action=action, command_id="mine", reason="why")
    message = {"command_id": "mine", "actor": "ann", "reason": "why"}
    assert answer == {"thread_id": "a", "status": "requested"}
    assert session.told() == [SignalThread(thread_id="a", signal=signal, message=message)]
    assert session.state.statistics.other[f"thread_{action}"] == 1


def test_a_session_takes_no_command_that_is_a_threads() -> None:
    assert refusal(lambda: active().ask(PauseThread)).code == Code.INVALID_ARGUMENT


def test_limits_count_threads_that_are_not_destroyed_and_those_being_made() -> None:
    session = SessionDriver(max_threads=3).create("a").create("b").report("b", "failed")
    session.ask(ForkThread, thread_id="c", source="a", at="end")
    error = refusal(lambda: session.ask(CreateThread, thread_id="d", flow=END))
    assert (error.code, error.details) == (Code.THREAD_LIMIT_REACHED, {"limit": 3})
    session.ask(CopyThread, thread_id="d", source="a", plan=True)
    session.ask(DestroyThread, thread_id="b")
    session.ask(CreateThread, thread_id="d", flow=END)


def test_an_id_is_taken_while_its_thread_is_being_prepared() -> None:
    session = active()
    session.ask(ForkThread, thread_id="b", source="a", at="end")
    for model, fields in STARTS.items():
        if model is not ConfigureSession:
            assert refusal(lambda m=model, f=fields: session.ask(m, **f)).code == Code.THREAD_EXISTS  # type: ignore[misc]


def test_a_lineage_is_as_deep_as_the_configuration_says() -> None:
    session = SessionDriver(max_depth=1).create("a")
    command = session.command(ForkThread, thread_id="b", source="a", at="end")
    session.give(Request(now=session.now, command=command)).prepare(command).launch("b")
    error = refusal(lambda: session.ask(CopyThread, thread_id="c", source="b"))
    assert (error.code, error.details) == (Code.DEPTH_LIMIT_REACHED, {"limit": 1})


def test_a_fork_is_prepared_started_and_answered() -> None:
    session = active()
    session.told()
    command = session.command(ForkThread, thread_id="b", source="a", at="end", hold=True)
    session.give(Request(now=session.now, command=command))
    (effect,) = session.told()
    assert isinstance(effect, PrepareBranch)
    assert (effect.operation, effect.request["thread_id"]) == ("fork", "b")
    session.prepare(command)
    (start,) = session.told()
    assert isinstance(start, StartThread)
    assert session.answer(command.command_id) is None
    session.launch("b")
    assert session.answer(command.command_id) == {
        "thread_id": "b",
        "status": "pending",
        "source": "a",
        "strategy": "partial",
    }
    entry = session.state.threads["b"]
    assert (entry.origin, entry.parent, entry.root, entry.depth) == ("forked", "a", "a", 1)


def test_a_plan_starts_nothing_and_counts_as_nothing() -> None:
    session = active()
    command = session.command(CopyThread, thread_id="b", source="a", plan=True)
    session.give(Request(now=session.now, command=command)).prepare(command)
    assert session.answer(command.command_id) == {"plan": branch_of(session.state, command).answer}
    assert "b" not in session.state.threads
    assert session.state.statistics.copy.total == 0


def test_a_branch_that_could_not_be_prepared_is_refused_with_the_reason() -> None:
    session = active()
    command = session.command(ForkThread, thread_id="b", source="a", at="end")
    session.give(Request(now=session.now, command=command))
    refused = NotPrepared(now=session.now, command=command, code="X", message="why", details={"a": 1})
    session.give(refused)
    assert refusal(lambda: session.answer(command.command_id)).visible() == {
        "code": "X",
        "message": "why",
        "details": {"a": 1},
    }
    assert session.state.preparing == {}
    session.ask(CreateThread, thread_id="b", flow=END)


@pytest.mark.parametrize("model", [PauseSession, CloseSession, TerminateSession])
def test_a_branch_that_is_ready_after_the_session_was_stopped_is_refused(model: type[Command]) -> None:
    session = active()
    command = session.command(ForkThread, thread_id="b", source="a", at="end")
    session.give(Request(now=session.now, command=command))
    session.ask(model)
    session.report("a", "paused" if model is PauseSession else "cancelled")
    session.prepare(command)
    assert refusal(lambda: session.answer(command.command_id)).code == Code.SESSION_NOT_ACTIVE
    assert session.status in ("paused", "closed", "terminated")
    assert session.state.statistics.fork.failed == 1


# Idempotency


def test_the_same_command_again_gets_the_first_answer_and_does_nothing() -> None:
    session = active()
    command = session.command(ManageThread, thread_id="a", action="pause")
    session.give(Request(now=session.now, command=command))
    session.told()
    state = session.state
    session.give(Request(now=session.now, command=command))
    assert session.told() == []
    assert session.state == state


def test_the_same_command_again_is_no_error_also_when_it_could_not_be_carried_out_twice() -> None:
    session = active()
    command = session.command(DestroyThread, thread_id="z")
    for _ in range(2):
        session.give(Request(now=session.now, command=command))
        assert session.answer(command.command_id) == {"thread_id": "z", "destroyed": True}
    ended = terminated()
    first = next(iter(ended.state.answers))
    again = CreateThread(command_id=first, actor="ann", thread_id="a", flow=END)
    assert ended.give(Request(now=ended.now, command=again)).answer(first)["thread_id"] == "a"


@pytest.mark.parametrize("model", [CreateThread, ForkThread, CopyThread])
def test_a_duplicate_in_flight_joins_the_first(model: type[Command]) -> None:
    session = active()
    command = session.command(model, **STARTS[model])
    session.give(Request(now=session.now, command=command))
    session.told()
    session.give(Request(now=session.now, command=command))
    assert session.told() == []
    if model is not CreateThread:
        session.prepare(command)
        session.told()
        session.give(Request(now=session.now, command=command))
        assert session.told() == []
    session.give(Launched(now=session.now, thread_id="b"))
    assert session.answer(command.command_id)["thread_id"] == "b"


def test_a_command_id_that_comes_with_other_arguments_is_refused_and_the_first_answer_stands() -> None:
    session = active()
    session.ask(CreateThread, command_id="mine", thread_id="b", flow=END)
    for _ in range(2):
        error = refusal(lambda: session.ask(CreateThread, command_id="mine", thread_id="c", flow=END))
        assert error.code == Code.COMMAND_ID_REUSED
        session.give(Launched(now=session.now, thread_id="b")) if "b" in session.state.launching else None
    assert session.answer("mine")["thread_id"] == "b"


def test_syncing_looks_for_the_threads_that_live() -> None:
    session = active()
    session.told()
    assert session.ask(SyncSession) == {"status": "requested"}
    assert session.told() == [Reconcile(thread_ids=("a",))]


def test_a_new_configuration_is_answered_and_counts_from_then_on() -> None:
    session = active()
    answer = session.ask(ConfigureSession, config={"max_threads": 2, "grace": "5s"})
    assert (answer["config"]["max_threads"], answer["config"]["grace"]) == (2, "5s")
    assert refusal(lambda: session.ask(CreateThread, thread_id="b", flow=END)).code == Code.THREAD_LIMIT_REACHED
    assert refusal(lambda: session.ask(ConfigureSession, config={"max_threads": 0})).code == Code.INVALID_ARGUMENT
