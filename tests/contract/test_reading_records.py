"""Lists, history and journals as they are read back."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from domain.errors import ThreadloomError
from domain.records import RecordType
from storage import Database
from tests.contract.builders import (
    minute,
    record,
    session_batch,
    session_row,
    steps,
    thread_batch,
    thread_row,
)


async def test_history_is_filtered_by_each_of_its_fields(database: Database) -> None:
    await database.records.apply(
        session_batch(
            [
                record(1, type=RecordType.SESSION_STARTED, actor="ann"),
                record(2, type=RecordType.THREAD_STARTED, thread_id="t", flow="f", actor="ann", reason="why"),
                record(3, type=RecordType.NODE_EXECUTED, thread_id="t", flow="f", node="n", visit=2, title="T"),
                record(4, type=RecordType.THREAD_STARTED, thread_id="u", flow="g", actor="bob"),
            ]
        )
    )
    await database.records.apply(session_batch([record(1, session_id="other")]))
    history = database.records.history

    async def numbers(**wanted: object) -> list[int]:
        return [fact.seq for fact in await history("s", **wanted)]  # type: ignore[arg-type]

    assert await numbers() == [1, 2, 3, 4]
    assert await numbers(type="thread_started") == [2, 4]
    assert await numbers(thread_id="t") == [2, 3]
    assert await numbers(flow="g") == [4]
    assert await numbers(actor="ann", type="thread_started") == [2]
    assert await numbers(since=minute(2), until=minute(4)) == [2, 3]
    east = timezone(timedelta(hours=5))
    assert await numbers(since=minute(3).astimezone(east)) == [3, 4]
    assert await numbers(after=1, limit=2) == [2, 3]
    assert await numbers(after=3, limit=2) == [4]
    assert await numbers(limit=0) == []
    assert await history("nobody") == []
    third = (await history("s", after=2))[0]
    assert (third.node, third.visit, third.title, third.timestamp) == ("n", 2, "T", minute(3))
    assert third.timestamp.utcoffset() == timedelta(0)


async def test_sessions_are_listed_the_last_changed_first(database: Database) -> None:
    for name, updated, status in [("a", 1, "active"), ("b", 3, "paused"), ("c", 2, "active")]:
        row = session_row(name, updated=updated, status=status, config={"max_threads": 3}, metadata={"team": "x"})
        await database.records.apply(session_batch([record(1, session_id=name, session=row)]))
    sessions = database.records.sessions
    assert [row.session_id for row in await sessions()] == ["b", "c", "a"]
    assert [row.session_id for row in await sessions(status="active")] == ["c", "a"]
    assert [row.session_id for row in await sessions(limit=1)] == ["b"]
    assert await database.records.session("c") == session_row(
        "c", updated=2, config={"max_threads": 3}, metadata={"team": "x"}
    )
    assert await database.records.session("nobody") is None


async def test_a_session_row_that_arrives_late_changes_nothing(database: Database) -> None:
    newer, older = session_row(updated=5, status="closed"), session_row(updated=1, status="active")
    await database.records.apply(session_batch([record(1, session=newer)]))
    await database.records.apply(session_batch([record(1, session=older, title="another life")]))
    assert await database.records.session("s") == newer


async def test_threads_are_listed_in_the_order_of_creation(database: Database) -> None:
    rows = [
        thread_row("late", created_at=minute(9), flow="f", version="1"),
        thread_row("early", created_at=minute(1), flow="f", version="2", status="paused"),
        thread_row("middle", created_at=minute(5), flow="g", version="1"),
        thread_row("gone", created_at=minute(2), destroyed=True),
    ]
    await database.records.apply(session_batch([record(n, thread=row) for n, row in enumerate(rows, 1)]))
    elsewhere = thread_row("x", session="other", created_at=minute(3), flow="f", version="1")
    await database.records.apply(session_batch([record(1, session_id="other", thread=elsewhere)]))

    async def names(**wanted: object) -> list[str]:
        return [row.thread_id for row in await database.records.threads(**wanted)]  # type: ignore[arg-type]

    assert await names() == ["early", "x", "middle", "late"]
    assert await names(session_id="s") == ["early", "middle", "late"]
    assert await names(session_id="s", include_destroyed=True) == ["early", "gone", "middle", "late"]
    assert await names(flow="f") == ["early", "x", "late"]
    assert await names(flow="f", version="1", session_id="s") == ["late"]
    assert await names(status="paused") == ["early"]
    assert await names(limit=2) == ["early", "x"]


async def test_a_thread_row_comes_back_as_it_was_written(database: Database) -> None:
    row = thread_row(
        flow="f",
        version="1",
        flow_digest="d",
        priority="high",
        title="T",
        parent="p",
        root="r",
        depth=2,
        origin="forked",
        progress=40,
        current_node="n",
        waiting={"kind": "timer"},
        fork_info={"fork_point": "n"},
        copy_info={"scope": []},
        result=[1, {"b": 1, "a": None}],
        error={"code": "X"},
        started_at=minute(1),
        completed_at=minute(2),
    )
    await database.records.apply(session_batch([record(1, thread=row)]))
    assert await database.records.thread("s", "t") == row
    assert await database.records.thread("s", "nobody") is None


async def test_the_thread_and_its_session_write_one_row_in_any_order(database: Database) -> None:
    created = thread_row(updated=1, status="pending")
    running = thread_row(updated=2, status="running", flow="f")
    await database.records.apply(thread_batch([record(1, thread_id="t", thread=running)]))
    await database.records.apply(session_batch([record(1, thread=created)]))
    assert await database.records.thread("s", "t") == running
    ended = thread_row(updated=3, status="completed", result=7)
    await database.records.apply(thread_batch([record(2, thread_id="t", thread=ended)]))
    assert await database.records.thread("s", "t") == ended


async def test_an_end_is_final_until_the_thread_is_reset(database: Database) -> None:
    created, ended = thread_row(updated=1, status="pending"), thread_row(updated=3, status="completed")
    await database.records.apply(session_batch([record(1, thread=created)]))
    await database.records.apply(thread_batch([record(1, thread_id="t", thread=ended)]))
    await database.records.apply(session_batch([record(2, thread=thread_row(updated=9, status="running"))]))
    assert await database.records.thread("s", "t") == ended
    reset = thread_row(updated=10, status="running")
    await database.records.apply(thread_batch([record(1, at=10, thread_id="t", thread=reset)]))
    assert await database.records.thread("s", "t") == reset


async def test_a_destroyed_thread_stays_destroyed(database: Database) -> None:
    await database.records.apply(
        session_batch([record(1, thread=thread_row(updated=2, status="completed", destroyed=True))])
    )
    late = thread_row(updated=5, status="completed", result=7)
    await database.records.apply(thread_batch([record(1, thread_id="t", thread=late)]))
    assert await database.records.thread("s", "t") == late.model_copy(update={"destroyed": True})
    assert await database.records.threads() == []


async def test_a_journal_holds_its_seed_and_its_entries_in_order(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 8))))
    await database.records.apply(thread_batch(steps(range(1, 4), thread="other")))
    journal = await database.records.journal("s", "t")
    assert journal is not None
    assert journal.seed == {"flow": "f", "input": {"n": 1}, "mark": ""}
    assert [entry["seq"] for entry in journal.entries] == [1, 2, 3, 4, 5, 6]
    assert journal.thread == thread_row()
    earlier = await database.records.journal("s", "t", before=4)
    assert earlier is not None
    assert [entry["seq"] for entry in earlier.entries] == [1, 2, 3]
    assert await database.records.journal("s", "nobody") is None


async def test_a_journal_without_its_seed_is_incomplete(database: Database) -> None:
    seedless = [fact.model_copy(update={"seed": None}) for fact in steps(range(1, 3))]
    await database.records.apply(thread_batch(seedless))
    with pytest.raises(ThreadloomError, match="JOURNAL_INCOMPLETE"):
        await database.records.journal("s", "t")


async def test_a_journal_gives_values_back_exactly(database: Database) -> None:
    entry = {"seq": 1, "z": 1, "a": {"y": [1.0, 1e22, -0.0, 2**70], "b": None}, "t": "\0é\ud83d"}
    first, second = steps(range(1, 3))
    await database.records.apply(thread_batch([first, second.model_copy(update={"entry": entry})]))
    journal = await database.records.journal("s", "t")
    assert journal is not None
    assert json.dumps(journal.entries) == json.dumps([entry])
