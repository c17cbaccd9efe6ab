"""What threads ask of their session: to start threads beside themselves, to hear of their end, to cancel them."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.messages import (
    CloseSession,
    CreateThread,
    DestroyThread,
    Finding,
    ForkThread,
    PauseSession,
    ResumeSession,
    SessionAnswer,
    TerminateSession,
    ThreadRequest,
)
from domain.session.asking import AT_ONCE
from domain.session.effects import PrepareBranch, SignalThread, StartThread, merged
from domain.session.history import fact, statistics
from domain.session.inputs import Asked, NotPrepared
from domain.session.views import list_threads, tree
from tests.builders import SessionDriver, flow_of, refusal

END = flow_of({"end": {"kind": "end"}})


def running(*thread_ids: str, **config: Any) -> SessionDriver:
    """A session with these threads running, about which nothing is left to tell."""
    session = SessionDriver(**config)
    for thread_id in thread_ids:
        session.create(thread_id)
    session.told()
    return session


def ask(session: SessionDriver, kind: str, *, by: str = "a", id: str = "a/node/1", **fields: Any) -> SessionDriver:
    request = ThreadRequest.model_validate({"thread_id": by, "request_id": id, "kind": kind, **fields})
    return session.give(Asked(now=session.now, request=request))


def spawn(thread_id: str, *, by: str = "a", **fields: Any) -> dict[str, Any]:
    base = {"command_id": f"spawn {thread_id}", "thread_id": thread_id, "flow": END, "spawned_by": by}
    return {**base, "actor": f"thread {by}", **fields}


def fork(thread_id: str, **fields: Any) -> dict[str, Any]:
    return {"command_id": f"fork {thread_id}", "thread_id": thread_id, "source": "a", "at": "split", **fields}


def answers(session: SessionDriver) -> list[tuple[str, dict[str, Any]]]:
    """Requests answered since the last look: (thread, {its threads: refused with} or {its threads: standing})."""
    told = [
        (effect.thread_id, SessionAnswer.model_validate(effect.message))
        for effect in session.told()
        if isinstance(effect, SignalThread) and effect.signal == "session_answer"
    ]
    return [
        (
            to,
            {one.thread_id: one.error["code"] if one.error else None for one in answer.answers}
            | {standing.thread_id: standing.status for standing in answer.standings},
        )
        for to, answer in told
    ]


def starts(session: SessionDriver) -> list[str]:
    return [effect.thread_id for effect in session.told() if isinstance(effect, StartThread)]


def cancelled(session: SessionDriver) -> list[tuple[str, str, str | None]]:
    """Threads told to end since the last look: (thread, actor, reason)."""
    return [
        (effect.thread_id, effect.message["actor"], effect.message["reason"])
        for effect in session.told()
        if isinstance(effect, SignalThread) and effect.signal == "cancel"
    ]


# spawn


def test_spawned_threads_belong_to_the_one_that_asked_for_them() -> None:
    session = ask(running("a"), "spawn", commands=[spawn("b"), spawn("c", on_parent_end="leave")])
    assert starts(session) == ["b", "c"]
    session.launch("b")
    assert answers(session) == []
    session.launch("c")
    assert answers(session) == [("a", {"b": None, "c": None})]
    shown = list_threads(session.state)
    assert [(one["thread_id"], one["origin"], one["parent"], one["root"], one["depth"]) for one in shown] == [
        ("a", "created", None, "a", 0),
        ("b", "spawned", "a", "a", 1),
        ("c", "spawned", "a", "a", 1),
    ]
    assert [child["thread_id"] for child in tree(session.state)["roots"][0]["children"]] == ["b", "c"]
    assert statistics(session.state)["operations"]["other"] == {"create": 1, "spawn": 2}


def test_the_history_tells_who_spawned_a_thread() -> None:
    session = ask(running("a"), "spawn", commands=[spawn("b")])
    created = next(event for event in session.events if getattr(event, "entry", None) and event.entry.spawned_by)  # type: ignore[union-attr]
    record = fact(session.state, session.state, created)
    assert record is not None
    assert (record.type, record.actor) == ("thread_created", "thread a")
    assert record.details == {"origin": "spawned", "parent": "a", "on_parent_end": "cancel"}


def test_a_refused_thread_is_part_of_the_answer_and_stops_no_other() -> None:
    commands = [spawn("b"), spawn("b"), {"thread_id": "c"}, spawn("d", by="z"), spawn("bad id"), {}]
    session = ask(running("a", "z"), "spawn", commands=commands)
    session.launch("b")
    told = session.told()[-1]
    assert isinstance(told, SignalThread)
    answer = SessionAnswer.model_validate(told.message)
    assert [(one.thread_id, one.error and one.error["code"]) for one in answer.answers] == [
        ("b", None),
        ("b", Code.THREAD_EXISTS),
        ("c", Code.INVALID_ARGUMENT),
        ("d", Code.INVALID_ARGUMENT),
        ("bad id", Code.INVALID_ID),
        ("", Code.INVALID_ARGUMENT),
    ]


def test_a_thread_that_cannot_be_launched_is_refused_in_the_answer() -> None:
    session = ask(running("a"), "spawn", commands=[spawn("b"), spawn("c")])
    session.reject("b").launch("c")
    assert answers(session) == [("a", {"b": Code.THREAD_EXISTS, "c": None})]


@pytest.mark.parametrize("fields", [{"max_threads": 2}, {"max_depth": 1}])
def test_limits_hold_for_spawned_threads(fields: dict[str, Any]) -> None:
    session = ask(running("a", **fields), "spawn", commands=[spawn("b")]).launch("b")
    assert answers(session) == [("a", {"b": None})]
    session.report("b", "running")
    ask(session, "spawn", by="b", id="b/node/1", commands=[spawn("c", by="b")])
    code = Code.THREAD_LIMIT_REACHED if "max_threads" in fields else Code.DEPTH_LIMIT_REACHED
    assert answers(session) == [("b", {"c": code})]


def test_a_request_that_comes_again_is_answered_again_and_carried_out_once() -> None:
    session = ask(running("a"), "spawn", commands=[spawn("b")])
    ask(session, "spawn", commands=[spawn("b")])
    assert starts(session) == ["b"]
    session.launch("b")
    assert answers(session) == [("a", {"b": None})]
    ask(session, "spawn", commands=[spawn("b")])
    assert answers(session) == [("a", {"b": None})]
    assert [one["thread_id"] for one in list_threads(session.state)] == ["a", "b"]


def test_a_request_for_nothing_is_answered_at_once() -> None:
    assert answers(ask(running("a"), "spawn")) == [("a", {})]


@pytest.mark.parametrize("kind", ["spawn", "fork", "join", "cancel"])
def test_who_is_unknown_or_has_ended_is_not_heard(kind: str) -> None:
    session = running("a", "z").report("a", "completed")
    before = session.state
    for asker in ("a", "nobody"):
        ask(session, kind, by=asker, commands=[spawn("b")], threads=["z"])
    assert session.state == before


def test_many_threads_begin_some_at_a_time() -> None:
    ids = [f"t{number}" for number in range(AT_ONCE + 3)]
    session = ask(running("a"), "spawn", commands=[spawn(thread_id) for thread_id in ids])
    first = starts(session)
    assert first == ids[:AT_ONCE]
    for thread_id in first[:-1]:
        session.launch(thread_id)
    assert starts(session) == []
    assert starts(session.launch(first[-1])) == ids[AT_ONCE:]
    for thread_id in ids[AT_ONCE:]:
        session.launch(thread_id)
    assert answers(session) == [("a", dict.fromkeys(ids))]


# a session that is not active


def test_a_paused_session_starts_what_threads_asked_for_when_it_is_resumed() -> None:
    session = running("a")
    session.ask(PauseSession)
    ask(session.report("a", "paused"), "spawn", commands=[spawn("b")])
    assert session.status == "paused"
    assert (starts(session), answers(session)) == ([], [])
    session.ask(ResumeSession)
    effect = next(effect for effect in session.told() if isinstance(effect, StartThread))
    assert (effect.thread_id, effect.start["holds"]) == ("b", [])
    assert answers(session.launch("b")) == [("a", {"b": None})]


def test_resumed_with_each_thread_held_it_starts_them_held() -> None:
    session = running("a")
    session.ask(PauseSession)
    ask(session, "spawn", commands=[spawn("b")])
    session.told()
    session.ask(ResumeSession, hold_threads=True)
    effect = next(effect for effect in session.told() if isinstance(effect, StartThread))
    assert [hold["kind"] for hold in effect.start["holds"]] == ["start"]


@pytest.mark.parametrize("model", [CloseSession, TerminateSession])
def test_an_ending_session_refuses(model: Any) -> None:
    session = running("a")
    session.ask(model)
    session.told()
    ask(session, "spawn", commands=[spawn("b")])
    assert answers(session) == [("a", {"b": Code.SESSION_NOT_ACTIVE})]


def test_what_waited_for_a_paused_session_is_refused_when_that_is_terminated() -> None:
    session = running("a")
    session.ask(PauseSession)
    ask(session, "spawn", commands=[spawn("b"), spawn("c")])
    session.ask(TerminateSession)
    assert answers(session) == [("a", {"b": Code.SESSION_NOT_ACTIVE, "c": Code.SESSION_NOT_ACTIVE})]
    session.report("a", "cancelled")
    assert session.status == "terminated"
    assert not session.state.wishes


def test_what_a_thread_asked_for_is_forgotten_when_it_ends_before_its_turn() -> None:
    session = running("a")
    session.ask(PauseSession)
    ask(session, "spawn", commands=[spawn("b")]).report("a", "cancelled")
    session.ask(ResumeSession)
    assert starts(session) == []


# flows


def test_a_flow_that_names_another_needs_that_one_with_it() -> None:
    outer = flow_of({"call": {"kind": "subflow", "flow": "inner", "next": "end"}})
    inner = flow_of({"again": {"kind": "spawn", "flow": "inner@1", "next": "end"}})
    session = SessionDriver()
    refused = refusal(lambda: session.ask(CreateThread, thread_id="a", flow=outer, flows={"inner": inner}))
    assert (refused.code, refused.details) == (Code.FLOW_NOT_FOUND, {"flow": "inner@1", "missing": ["inner@1"]})
    broken = {"inner": inner, "inner@1": {"flow": "inner"}}
    refused = refusal(lambda: session.ask(CreateThread, thread_id="a", flow=outer, flows=broken))
    assert (refused.code, refused.details["flow"]) == (Code.FLOW_INVALID, "inner@1")
    assert refused.message.startswith("inner@1: ")
    flows = {"inner": inner, "inner@1": inner}
    session.create("a", flow=outer, flows=flows)
    effect = session.told()[0]
    assert isinstance(effect, StartThread)
    assert effect.start["flows"] == flows


def test_a_spawned_thread_has_the_flows_that_came_with_it() -> None:
    outer = flow_of({"call": {"kind": "subflow", "flow": "inner", "next": "end"}})
    commands = [spawn("b", flow=outer, flows={"inner": END}), spawn("c", flow=outer)]
    session = ask(running("a"), "spawn", commands=commands)
    effect = next(one for one in session.effects if isinstance(one, StartThread) and one.thread_id == "b")
    assert effect.start["flows"] == {"inner": END}
    assert answers(session.launch("b")) == [("a", {"b": None, "c": Code.FLOW_NOT_FOUND})]


# fork


def prepared(session: SessionDriver, thread_id: str) -> SessionDriver:
    return session.prepare(ForkThread.model_validate(fork(thread_id)))


def test_branches_are_prepared_at_once_and_answered_together() -> None:
    session = running("a")
    ask(session, "fork", commands=[fork("b"), fork("c")])
    assert [effect.request["thread_id"] for effect in session.told() if isinstance(effect, PrepareBranch)] == ["b", "c"]
    prepared(session, "b").launch("b")
    assert answers(session) == []
    command = ForkThread.model_validate(fork("c"))
    session.give(NotPrepared(now=session.now, command=command, code="NODE_NOT_FOUND", message="no", details={}))
    assert answers(session) == [("a", {"b": None, "c": "NODE_NOT_FOUND"})]
    counted = statistics(session.state)["operations"]["fork"]
    assert (counted["total"], counted["successful"], counted["failed"]) == (2, 1, 1)


@pytest.mark.parametrize("fields", [{"source": "z"}, {"plan": True}, {"source": 3}])
def test_a_thread_forks_itself_and_plans_nothing(fields: dict[str, Any]) -> None:
    session = running("a", "z")
    ask(session, "fork", commands=[fork("b", **fields)])
    assert answers(session) == [("a", {"b": Code.INVALID_ARGUMENT})]


def test_a_branch_that_was_being_prepared_when_the_session_was_paused_is_prepared_again() -> None:
    session = ask(running("a"), "fork", commands=[fork("b")])
    session.ask(PauseSession)
    prepared(session, "b")
    assert starts(session) == []
    assert statistics(session.state)["operations"]["fork"]["total"] == 0
    session.ask(ResumeSession)
    assert [effect.command_id for effect in session.told() if isinstance(effect, PrepareBranch)] == ["fork b"]
    assert starts(prepared(session, "b")) == ["b"]
    assert answers(session.launch("b")) == [("a", {"b": None})]
    assert statistics(session.state)["operations"]["fork"]["successful"] == 1


def test_an_id_of_a_command_is_not_used_again_by_a_thread() -> None:
    session = running("a")
    session.ask(ForkThread, **{**fork("b"), "command_id": "mine"})
    ask(session, "fork", commands=[fork("c", command_id="mine")])
    assert answers(session) == [("a", {"c": Code.COMMAND_ID_REUSED})]


# join


def test_who_joins_hears_at_once_where_each_stands_and_then_of_each_end() -> None:
    session = running("a", "b", "c", "z").report("z", "failed")
    ask(session, "join", threads=["b", "c", "z", "nobody", "b"])
    assert answers(session) == [("a", {"b": "running", "c": "running", "z": "failed", "nobody": "missing"})]
    session.report("b", "paused")
    assert answers(session) == []
    session.report("b", "completed")
    assert answers(session) == [("a", {"b": "completed"})]
    session.find(Finding(thread_id="c", status="terminated"))
    assert answers(session) == [("a", {"c": "failed"})]
    assert not session.state.watches


def test_ends_that_are_found_together_are_told_together() -> None:
    session = running("a", "b", "c")
    ask(session, "join", threads=["b", "c"])
    session.told()
    session.find(Finding(thread_id="b", status="terminated"), Finding(thread_id="c", status="canceled"))
    assert answers(session) == [("a", {"b": "failed", "c": "cancelled"})]


def test_a_join_that_comes_again_is_answered_again() -> None:
    session = ask(running("a", "b"), "join", threads=["b"])
    session.told()
    ask(session, "join", threads=["b"])
    assert answers(session) == [("a", {"b": "running"})]
    session.report("b", "completed")
    assert answers(session) == [("a", {"b": "completed"})]
    ask(session, "join", threads=["b"])
    assert answers(session) == [("a", {"b": "completed"})]


def test_a_thread_that_could_not_be_launched_is_missing() -> None:
    session = running("a").create("b", launch=False)
    ask(session, "join", threads=["b"])
    assert answers(session) == [("a", {"b": "pending"})]
    assert answers(session.reject("b")) == [("a", {"b": "missing"})]


def test_nobody_is_told_when_the_watcher_has_ended() -> None:
    session = ask(running("a", "b"), "join", threads=["b"])
    session.report("a", "cancelled")
    session.told()
    session.report("b", "completed")
    assert answers(session) == []


def test_a_destroyed_thread_still_stands_where_it_ended() -> None:
    session = running("a", "z").report("z", "completed")
    session.ask(DestroyThread, thread_id="z")
    assert answers(ask(session, "join", threads=["z"])) == [("a", {"z": "completed"})]


# the end of a parent, and cancelling


def test_spawned_threads_end_with_their_parent_unless_they_are_left() -> None:
    session = running("a")
    ask(session, "spawn", commands=[spawn("b"), spawn("c", on_parent_end="leave"), spawn("d"), spawn("e")])
    session.launch("b").launch("c").launch("d").report("d", "completed")
    session.told()
    session.report("a", "completed")
    assert cancelled(session) == [("b", "thread a", "its parent a ended")]
    session.launch("e")
    assert cancelled(session) == [("e", "thread a", "its parent a ended")]


def test_a_thread_cancels_others_once_and_never_itself() -> None:
    session = running("a", "b", "z").report("z", "completed")
    for _ in range(2):
        ask(session, "cancel", threads=["a", "b", "z", "nobody"], reason="enough joined")
    assert cancelled(session) == [("b", "thread a", "enough joined")]


def test_a_thread_calls_off_what_has_not_had_its_turn() -> None:
    session = running("a")
    session.ask(PauseSession)
    ask(session, "spawn", commands=[spawn("b"), spawn("c")])
    ask(session, "cancel", id="a/node/1/late", threads=["b"])
    session.ask(ResumeSession)
    assert answers(session.launch("c")) == [("a", {"b": Code.CANCELLED, "c": None})]


# delivery


def signal(request_id: str, *standings: tuple[str, str], signal: str = "session_answer") -> SignalThread:
    told = [{"thread_id": name, "status": status} for name, status in standings]
    message = {"request_id": request_id, "answers": [], "standings": told}
    return SignalThread(thread_id="a", signal=signal, message=message)


def test_answers_that_would_follow_each_other_are_one() -> None:
    first, second = signal("j", ("b", "running"), ("c", "completed")), signal("j", ("b", "failed"))
    assert merged(first, second) == signal("j", ("b", "failed"), ("c", "completed"))


def test_answers_to_different_requests_and_other_signals_stay_apart() -> None:
    assert merged(signal("j", ("b", "failed")), signal("k", ("c", "failed"))) is None
    assert merged(signal("j", signal="cancel"), signal("j")) is None
