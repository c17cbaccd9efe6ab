"""What holds for a session whatever commands, reports and findings reach it, in whatever order.

The driver checks after each step what holds for every session: counts, statistics, statuses, and that
the state survives its way through JSON.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.codec import dump, load
from domain.errors import ThreadloomError
from domain.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    DestroyThread,
    Finding,
    ForkThread,
    ManageThread,
    PauseSession,
    ResumeSession,
    SyncSession,
    TerminateSession,
)
from domain.session.effects import PrepareBranch, SignalThread, StartThread, TerminateThreads
from domain.session.history import session_row
from domain.session.inputs import NotPrepared, Request
from domain.session.state import SessionState, wake_at
from domain.session.views import describe, list_threads, tree
from domain.values import is_json
from tests.builders import SessionDriver, flow_of

IDS = ["a", "b", "c"]
END = flow_of({"end": {"kind": "end"}})

ids = st.sampled_from(IDS)
commands = st.one_of(
    st.tuples(st.just(CreateThread), st.fixed_dictionaries({"thread_id": ids, "flow": st.just(END)})),
    st.tuples(st.just(CreateThread), st.fixed_dictionaries({"thread_id": ids, "flow": st.just(END)})),
    st.tuples(
        st.just(ForkThread),
        st.fixed_dictionaries({"thread_id": ids, "source": ids, "at": st.just("end"), "plan": st.booleans()}),
    ),
    st.tuples(st.just(CopyThread), st.fixed_dictionaries({"thread_id": ids, "source": ids, "plan": st.booleans()})),
    st.tuples(
        st.just(ManageThread),
        st.fixed_dictionaries({"thread_id": ids, "action": st.sampled_from(["start", "pause", "resume", "cancel"])}),
    ),
    st.tuples(st.just(DestroyThread), st.fixed_dictionaries({"thread_id": ids})),
    st.tuples(st.just(PauseSession), st.sampled_from([{}, {"until": "2026-01-01T12:00:30"}])),
    st.tuples(st.just(ResumeSession), st.fixed_dictionaries({"hold_threads": st.booleans()})),
    st.tuples(st.just(SyncSession), st.just({})),
    st.tuples(st.just(ConfigureSession), st.sampled_from([{"config": {"max_threads": 2}}, {"config": {"x": 1}}])),
)
endings: st.SearchStrategy[tuple[type[Command], dict[str, Any]]] = st.tuples(
    st.sampled_from([CloseSession, TerminateSession]), st.just({})
)
happenings = st.one_of(
    st.tuples(st.just("command"), commands),
    st.tuples(st.just("command"), commands),
    st.tuples(st.just("command"), commands | endings),
    st.tuples(st.just("again"), st.integers(0, 3)),
    st.tuples(st.just("launched"), st.booleans()),
    st.tuples(st.just("launched"), st.just(True)),
    st.tuples(st.just("prepared"), st.booleans()),
    st.tuples(
        st.just("reported"),
        st.tuples(ids, st.sampled_from(["running", "paused", "completed", "failed", "cancelled", "odd"])),
    ),
    st.tuples(st.just("found"), st.tuples(ids, st.sampled_from(["running", "completed", "terminated", "missing"]))),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 40.0, 400.0, 4_000.0])),
)
lives = st.lists(happenings, max_size=25)
configs = st.sampled_from([{}, {"idle_timeout": "30s"}, {"max_duration": "1h", "on_expiry": "terminate"}])


class Life:
    """A session, what it was asked, and what it has asked for and not heard of yet."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.session = SessionDriver(**config)
        self.asked: list[Command] = []
        self.to_launch: list[str] = []
        self.to_prepare: list[str] = []
        self.launched: set[str] = set()

    def happen(self, what: str, value: Any) -> None:
        """Let it happen; what is refused has not happened."""
        before = self.session.state
        try:
            self._happen(what, value)
        except ThreadloomError:
            assert self.session.state == before
        for effect in self.session.told():
            match effect:
                case StartThread(thread_id=thread_id):
                    assert thread_id not in self.launched, "an id is used once"
                    self.to_launch.append(thread_id)
                case PrepareBranch(command_id=command_id):
                    self.to_prepare.append(command_id)
                case SignalThread(thread_id=thread_id) if effect.signal == "session_hold":
                    assert thread_id in self.launched, "what does not run cannot be signalled"
                case TerminateThreads(thread_ids=thread_ids):
                    assert set(thread_ids) <= self.launched

    def _happen(self, what: str, value: Any) -> None:
        session = self.session
        match what:
            case "command":
                model, fields = value
                command = session.command(model, **fields)
                self.asked.append(command)
                session.give(Request(now=session.now, command=command))
            case "again" if self.asked:
                session.give(Request(now=session.now, command=self.asked[-1 - value % len(self.asked)]))
            case "launched" if self.to_launch:
                thread_id = self.to_launch.pop(0)
                if value:
                    self.launched.add(thread_id)
                    session.launch(thread_id)
                else:
                    session.reject(thread_id)
            case "prepared" if self.to_prepare:
                self._prepared(self.to_prepare.pop(0), ready=value)
            case "reported":
                session.report(value[0], value[1], started_at=session.now, seconds=1.0)
            case "found":
                session.find(Finding(thread_id=value[0], status=value[1]))
            case "pass":
                session.after(value)

    def _prepared(self, command_id: str, *, ready: bool) -> None:
        session = self.session
        command = next(asked for asked in self.asked if asked.command_id == command_id)
        if ready and command.source in session.state.threads:
            session.prepare(command)
        else:
            session.give(NotPrepared(now=session.now, command=command, code="X", message="no", details={}))


def live(config: dict[str, Any], life: list[tuple[str, Any]]) -> Life:
    found = Life(config)
    for what, value in life:
        found.happen(what, value)
    return found


@given(configs, lives)
def test_whatever_reaches_a_session_it_stays_whole(config: dict[str, Any], life: list[tuple[str, Any]]) -> None:
    state = live(config, life).session.state
    assert load(SessionState, dump(state)) == state
    assert is_json(describe(state))
    assert is_json(list_threads(state))
    assert is_json(tree(state))
    assert is_json(session_row(state).model_dump(mode="json"))


@given(configs, lives)
def test_a_session_ends_with_its_last_thread_and_every_command_is_answered(
    config: dict[str, Any], life: list[tuple[str, Any]]
) -> None:
    found = live(config, life)
    found.happen("command", (TerminateSession, {}))
    while found.to_prepare or found.to_launch:
        found.happen("prepared", True)
        found.happen("launched", True)
    for thread_id in IDS:
        found.happen("found", (thread_id, "terminated"))
    state = found.session.state
    assert state.status.terminal
    assert wake_at(state) is None
    assert not state.launching
    unanswered = [event for event in found.session.events if getattr(event, "command_digest", None)]
    assert all(event.entry.command_id in state.answers for event in unanswered)  # type: ignore[union-attr]


@given(configs, lives, st.integers(0, 24))
def test_an_answer_never_changes(config: dict[str, Any], life: list[tuple[str, Any]], index: int) -> None:
    found = live(config, life[:index])
    answers = dict(found.session.state.answers)
    for what, value in life[index:]:
        found.happen(what, value)
    assert {known: found.session.state.answers[known] for known in answers} == answers


@given(configs, lives)
def test_the_same_inputs_give_the_same_session(config: dict[str, Any], life: list[tuple[str, Any]]) -> None:
    one, other = live(config, life), live(config, life)
    assert (one.session.events, one.session.state) == (other.session.events, other.session.state)


@given(configs, lives)
def test_an_ended_session_stays_as_it_is_but_for_answers(config: dict[str, Any], life: list[tuple[str, Any]]) -> None:
    found = Life(config)
    for what, value in life:
        before = found.session.state
        found.happen(what, value)
        if before.status.terminal:
            after = found.session.state
            assert (after.status, after.ended_at) == (before.status, before.ended_at)
            assert {known: entry.status for known, entry in after.threads.items()} == {
                known: entry.status for known, entry in before.threads.items() if known in after.threads
            }


@given(configs, lives)
def test_a_session_sleeps_only_until_it_has_something_to_do(
    config: dict[str, Any], life: list[tuple[str, Any]]
) -> None:
    found = live(config, life)
    wake = wake_at(found.session.state)
    if wake is not None:
        assert wake > found.session.now
        found.session.now = wake
        before = found.session.state
        assert found.session.rest().state != before
