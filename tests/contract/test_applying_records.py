"""Batches of records: applied any number of times, in any company, they count once."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import ThreadloomError
from domain.records import BatchApplied, RecordBatch
from storage import Database
from tests.contract.builders import SEED, record, session_batch, steps, thread_batch

_sessions = (f"s{number}" for number in itertools.count())


async def marks(database: Database, session: str = "s", thread: str = "t") -> list[tuple[int, str]]:
    """What the thread's journal says: entry numbers and the run that wrote each."""
    journal = await database.records.journal(session, thread)
    assert journal is not None
    return [(entry["seq"], entry["mark"]) for entry in journal.entries]


async def test_a_batch_twice_equals_once(database: Database) -> None:
    batch = thread_batch(steps(range(1, 6)))
    first = await database.records.apply(batch)
    before = await database.records.history("s")
    assert first == BatchApplied(epoch=1, through=5)
    assert await database.records.apply(batch) == first
    assert await database.records.history("s") == before
    assert [fact.seq for fact in before] == [1, 2, 3, 4, 5]


async def test_the_same_batch_delivered_many_times_at_once_equals_once(database: Database, other: Database) -> None:
    batch = thread_batch(steps(range(1, 21)))
    answers = await asyncio.gather(*(store.records.apply(batch) for store in [database, other] * 5))
    assert set(map(repr, answers)) == {repr(BatchApplied(epoch=1, through=20))}
    assert [fact.visit for fact in await database.records.history("s")] == list(range(1, 21))


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """A number of records, and the ranges that reach the database: in order, cut anywhere, some again."""
    total = draw(st.integers(1, 12))
    through = 0
    ranges = []
    while through < total:
        first = draw(st.integers(1, through + 1))
        last = draw(st.integers(first, total))
        ranges.append((first, last))
        through = max(through, last)
    return total, ranges


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=deliveries())
async def test_however_a_run_is_cut_and_repeated_it_is_stored_once(
    database: Database, plan: tuple[int, list[tuple[int, int]]]
) -> None:
    total, ranges = plan
    session = next(_sessions)
    through = 0
    for first, last in ranges:
        answer = await database.records.apply(thread_batch(steps(range(first, last + 1), session=session)))
        through = max(through, last)
        assert answer == BatchApplied(epoch=1, through=through)
    assert [fact.visit for fact in await database.records.history(session)] == list(range(1, total + 1))
    assert await marks(database, session) == [(number, "") for number in range(1, total)]


async def test_a_rewritten_past_opens_an_epoch_and_keeps_both(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 6), mark="old")))
    rewritten = thread_batch(steps(range(4, 8), mark="new", delay=100))
    assert await database.records.apply(rewritten) == BatchApplied(epoch=2, through=7)
    assert await marks(database) == [(1, "old"), (2, "old"), (3, "new"), (4, "new"), (5, "new"), (6, "new")]
    stored = [(fact.visit, fact.details["mark"]) for fact in await database.records.history("s")]
    assert stored == [(number, "old") for number in range(1, 6)] + [(number, "new") for number in range(4, 8)]


async def test_a_rewritten_batch_whose_answer_was_lost_equals_once(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 6), mark="old")))
    rewritten = thread_batch(steps(range(4, 8), mark="new", delay=100))
    first = await database.records.apply(rewritten)
    assert await database.records.apply(rewritten) == first
    assert len(await database.records.history("s")) == 9


async def test_a_batch_that_agrees_at_first_and_then_differs_is_cut_there(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 6), mark="same")))
    mixed = steps(range(3, 5), mark="same") + steps(range(5, 7), mark="new", delay=100)
    assert await database.records.apply(thread_batch(mixed)) == BatchApplied(epoch=2, through=6)
    assert [mark for _, mark in await marks(database)] == ["same", "same", "same", "new", "new"]
    assert len(await database.records.history("s")) == 7


async def test_the_new_epoch_goes_on_under_its_number(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 4), mark="old")))
    await database.records.apply(thread_batch(steps([3], mark="new", delay=100)))
    more = thread_batch(steps([4], mark="new", delay=100), epoch=2)
    assert await database.records.apply(more) == BatchApplied(epoch=2, through=4)
    assert [mark for _, mark in await marks(database)] == ["old", "new", "new"]


async def test_an_id_that_starts_again_from_one_shares_nothing(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 6), mark="old")))
    again = thread_batch(steps(range(1, 3), mark="new", delay=100))
    assert await database.records.apply(again) == BatchApplied(epoch=2, through=2)
    journal = await database.records.journal("s", "t")
    assert journal is not None
    assert (journal.epoch, journal.seed) == (2, {**SEED, "mark": "new"})
    assert journal.entries == [{"seq": 1, "mark": "new"}]


@pytest.mark.parametrize("late_first", [True, False])
async def test_a_late_batch_of_a_run_that_was_reset_is_kept_and_does_not_become_the_journal(
    database: Database, late_first: bool
) -> None:
    await database.records.apply(thread_batch(steps(range(1, 4), mark="old")))
    late = thread_batch(steps([4], mark="old"))
    present = thread_batch(steps([4], mark="new", delay=100))
    for batch in [late, present] if late_first else [present, late]:
        await database.records.apply(batch)
    assert [mark for _, mark in await marks(database)] == ["old", "old", "new"]
    assert len(await database.records.history("s")) == 5


async def test_lost_records_are_named_in_the_history_and_the_thread_goes_on(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 4))))
    assert await database.records.apply(thread_batch(steps(range(8, 10)))) == BatchApplied(epoch=1, through=9)
    assert await database.records.apply(thread_batch(steps(range(8, 10)))) == BatchApplied(epoch=1, through=9)
    (warning,) = await database.records.history("s", type="warning")
    assert (warning.seq, warning.thread) == (4, "t")
    assert warning.details == {"workflow_id": "session/s/thread/t", "epoch": 1, "first": 4, "last": 7}
    with pytest.raises(ThreadloomError, match="JOURNAL_INCOMPLETE"):
        await database.records.journal("s", "t")


async def test_lost_records_that_arrive_after_all_complete_the_journal(database: Database) -> None:
    await database.records.apply(thread_batch(steps(range(1, 4))))
    await database.records.apply(thread_batch(steps(range(6, 8))))
    await database.records.apply(thread_batch(steps(range(3, 6))))
    assert [number for number, _ in await marks(database)] == [1, 2, 3, 4, 5, 6]


async def test_an_empty_database_takes_a_workflow_in_mid_life(database: Database) -> None:
    answer = await database.records.apply(thread_batch(steps(range(50, 53)), epoch=3))
    assert answer == BatchApplied(epoch=3, through=52)
    (warning,) = await database.records.history("s", type="warning")
    assert (warning.details["first"], warning.details["last"]) == (1, 49)


async def test_numbers_with_a_gap_inside_a_batch_are_refused(database: Database) -> None:
    with pytest.raises(ThreadloomError, match="INTERNAL"):
        await database.records.apply(thread_batch([*steps([1]), *steps([3])]))
    assert await database.records.history("s") == []


async def test_an_empty_batch_tells_what_is_stored(database: Database) -> None:
    empty = RecordBatch(workflow_id="session/s/thread/t", epoch=1, records=[])
    assert await database.records.apply(empty) == BatchApplied(epoch=1, through=0)
    await database.records.apply(thread_batch(steps(range(1, 4))))
    assert await database.records.apply(empty) == BatchApplied(epoch=1, through=3)


async def test_a_reader_of_a_busy_session_misses_nothing(database: Database, other: Database) -> None:
    threads, batches = 12, 4

    async def write(thread: str) -> None:
        for number in range(batches):
            store = [database, other][number % 2]
            await store.records.apply(thread_batch(steps(range(number * 3 + 1, number * 3 + 4), thread=thread)))

    async def follow() -> list[int]:
        seen: list[int] = []
        while len(seen) < threads * batches * 3:
            facts = await database.records.history("s", after=seen[-1] if seen else 0)
            seen.extend(fact.seq for fact in facts)
        return seen

    async with asyncio.timeout(60):
        seen, *_ = await asyncio.gather(follow(), *(write(f"t{number}") for number in range(threads)))
    assert seen == list(range(1, threads * batches * 3 + 1))


async def test_text_and_values_that_databases_refuse_do_not_keep_a_record_out(database: Database) -> None:
    odd = record(
        1, actor="a\0b", reason="half \ud83d a pair", title="\0", details={"text": "\0\ud83d", "nan": float("nan")}
    )
    assert (await database.records.apply(session_batch([odd]))).through == 1
    (stored,) = await database.records.history("s")
    assert (stored.actor, stored.reason, stored.title) == ("a�b", "half � a pair", "�")
    assert stored.details == {"text": "\0\ud83d", "nan": None}
