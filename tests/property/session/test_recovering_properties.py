"""A session that was lost and is recovered is the session that was lost, as far as anything is left of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given

from domain.messages import Finding, RecoverSession, SessionStart, Standing, ThreadReport
from domain.records import StoredRecord
from domain.session.beginning import first_state
from domain.session.events import SessionEvent
from domain.session.evolve import evolve
from domain.session.history import fact, session_row, thread_row
from domain.session.inputs import Found, Restored, SessionInput
from domain.session.rebuilding import TOLD_BY, Recorded, Seen, adopting, completed_by, outcome
from domain.session.state import SessionState
from tests.builders import NOW, SESSION, SessionDriver
from tests.property.session.test_session_properties import Life, configs, lives


class Recording(SessionDriver):
    """A session whose records are kept."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.records: list[StoredRecord] = []

    def take(self, input: SessionInput) -> list[SessionEvent]:
        before = self.state
        events = super().take(input)
        for event in events:
            after = evolve(before, event)
            told = fact(before, after, event)
            before = after
            if told is not None and told.type in TOLD_BY:
                self.records.append(
                    StoredRecord(
                        seq=len(self.records) + 1,
                        type=told.type,
                        timestamp=self.now,
                        session_id=SESSION,
                        thread=told.thread_id,
                        actor=told.actor,
                        reason=told.reason,
                        details=told.details,
                    )
                )
        return events

    def recorded(self) -> Recorded:
        """What the database holds when it has caught up with the session and its threads."""
        known = sorted([*self.state.threads.values(), *self.state.ended.values()], key=lambda entry: entry.number)
        rows = [thread_row(self.state, entry) for entry in known]
        return Recorded(session=session_row(self.state), threads=rows, records=self.records)


def lived(config: dict[str, Any], life: Iterable[tuple[str, Any]]) -> Recording:
    found = Life(config)
    found.session = Recording(**config)
    for what, value in life:
        found.happen(what, value)
    assert isinstance(found.session, Recording)
    return found.session


def sightings(state: SessionState) -> dict[str, Seen]:
    """Every thread that has started runs on; the others are not in Temporal."""
    seen: dict[str, Seen] = {}
    for entry in state.threads.values():
        if not entry.started:
            seen[entry.thread_id] = Seen(finding=Finding(thread_id=entry.thread_id, status="missing"))
            continue
        report = ThreadReport(thread_id=entry.thread_id, status=entry.status.value, at=NOW, started_at=entry.started_at)
        standing = Standing(report=report, row=thread_row(state, entry))
        seen[entry.thread_id] = Seen(finding=Finding(thread_id=entry.thread_id, status="running"), standing=standing)
    return seen


def recovered(lost: SessionDriver, state: SessionState, seen: dict[str, Seen]) -> SessionDriver:
    """The session that goes on from the state."""
    found = outcome(state, seen)
    session = SessionDriver()
    session.now, session.state = lost.now, state
    command = RecoverSession(command_id="recover", actor="ann")
    missing = tuple(finding.thread_id for finding in found.findings)
    session.take(Restored(now=lost.now, command=command, source="state", living=found.living, ended=0, missing=missing))
    session.take(Found(now=lost.now, findings=found.findings))
    assert session.answer("recover")["adopted"] == len(found.living)
    return session


def started(state: SessionState) -> dict[str, str]:
    return {entry.thread_id: entry.status.value for entry in state.threads.values() if entry.started}


@given(configs, lives)
def test_nothing_is_lost_where_the_last_state_is_left(config: dict[str, Any], life: list[tuple[str, Any]]) -> None:
    lost = lived(config, life)
    seen = {name: its for name, its in sightings(lost.state).items() if name not in lost.state.queue}
    after = recovered(lost, lost.state, seen).state
    assert started(after) == started(lost.state)
    assert (after.hold, after.ending, after.config) == (lost.state.hold, lost.state.ending, lost.state.config)
    assert set(lost.state.queue) <= {*after.queue, *after.launching, *after.ended}
    assert after.ended_counts.get("completed", 0) == lost.state.ended_counts.get("completed", 0)
    assert set(lost.state.answers) <= set(after.answers)
    assert not after.preparing


@given(configs, lives)
def test_the_records_and_the_threads_make_the_session_again(
    config: dict[str, Any], life: list[tuple[str, Any]]
) -> None:
    lost = lived(config, life)
    if lost.state.status.terminal:
        return
    seen = sightings(lost.state)
    begun = first_state(SessionStart(session_id=SESSION), NOW)
    after = recovered(lost, adopting(completed_by(begun, lost.recorded()), seen), seen).state
    assert started(after) == started(lost.state)
    assert (after.hold is None, after.ending is None) == (lost.state.hold is None, lost.state.ending is None)
    if after.hold is not None and lost.state.hold is not None:
        assert (after.hold.actor, after.hold.reason) == (lost.state.hold.actor, lost.state.hold.reason)
    assert after.config == lost.state.config
    never_began = len(lost.state.threads) - len(started(lost.state))
    expected = {**lost.state.ended_counts}
    assert after.ended_counts.get("failed", 0) == expected.get("failed", 0) + never_began
    assert after.ended_counts.get("completed", 0) == expected.get("completed", 0)
    assert after.statistics.performance.completed == lost.state.statistics.performance.completed
    assert {entry.thread_id for entry in lost.state.ended.values()} <= set(after.ended)
