"""A thread as its records hold it, when Temporal no longer has it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.codec import dump
from domain.errors import Code
from domain.records import StoredJournal
from domain.thread.archive import archived_items, snapshot_from_records
from domain.thread.history import fact
from domain.thread.journal import executions
from domain.thread.snapshot import Seed, cut, parse_point
from domain.thread.views import thread_row
from domain.values import digest
from tests.builders import ThreadDriver, activity, flow_of, refusal, set_

FLOW = flow_of({"load": activity(save="rows", next="note"), "note": set_("work", n=1), "work": activity()})


def stored(thread: ThreadDriver, seed: Seed) -> StoredJournal:
    """What the database holds of the thread."""
    facts = [told for event in thread.events if (told := fact(thread.state, event)) is not None]
    return StoredJournal(
        epoch=0,
        seed={"seed": dump(seed), "flow": thread.document, "flow_digest": digest(thread.document)},
        entries=[told.entry for told in facts if told.entry is not None],
        thread=thread_row(thread.flow, digest(thread.document), thread.state),
    )


def seed_of(thread: ThreadDriver) -> Seed:
    return Seed(identity=thread.state.identity, input=thread.state.input, base=thread.state.base)


def test_the_records_of_an_ended_thread_give_back_its_snapshot() -> None:
    thread = ThreadDriver(FLOW, input={"a": 1})
    seed = seed_of(thread)
    thread.rest().complete([1, 2]).fail("BOOM")
    snapshot = snapshot_from_records(stored(thread, seed))
    assert snapshot.journal == thread.state.journal
    assert snapshot.current() == thread.state.current
    assert snapshot.outcome == thread.state.outcome
    assert cut(snapshot, parse_point("work")).checkpoint.variables == {"rows": [1, 2], "n": 1}


def test_a_large_result_is_that_of_the_last_execution_and_not_what_the_list_shows() -> None:
    large = "x" * 20_000
    thread = ThreadDriver(flow_of({"end": {"kind": "end", "result": "{{ input }}"}}), input=large)
    seed = seed_of(thread)
    records = stored(thread.rest(), seed)
    assert records.thread.result == {"elided": True, "bytes": 20_002}
    outcome = snapshot_from_records(records).outcome
    assert outcome is not None
    assert outcome.result == large


def test_the_records_of_a_fork_reach_back_to_what_it_inherited() -> None:
    source = ThreadDriver.begin(FLOW).complete([1])
    branch = source.fork("note", set={"rows": [9]})
    thread = ThreadDriver.of_branch(branch).rest()
    base, items = archived_items(stored(thread, branch.seed))
    assert base == branch.seed.base
    assert tuple(items) == thread.state.journal
    snapshot = snapshot_from_records(stored(thread, branch.seed))
    assert snapshot.outcome is None
    assert [entry.inherited for entry in executions(snapshot.journal)] == [True, False]


@pytest.mark.parametrize("missing", [0, 1])
def test_a_gap_in_the_records_is_told(missing: int) -> None:
    thread = ThreadDriver(FLOW)
    seed = seed_of(thread)
    records = stored(thread.rest().complete([1]).complete(), seed)
    entries: list[Any] = [entry for place, entry in enumerate(records.entries) if place != missing]
    error = refusal(lambda: snapshot_from_records(records.model_copy(update={"entries": entries})))
    assert error.code == Code.JOURNAL_INCOMPLETE


def test_a_thread_without_any_execution_has_a_snapshot_too() -> None:
    thread = ThreadDriver(FLOW)
    seed = seed_of(thread)
    snapshot = snapshot_from_records(stored(thread.cancel(), seed))
    assert snapshot.journal == ()
    assert snapshot.outcome is not None
    assert snapshot.outcome.error is not None
    assert snapshot.outcome.error.code == Code.CANCELLED
