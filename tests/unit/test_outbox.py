"""Records on their way: numbered, in batches, kept until they are acknowledged."""

from __future__ import annotations

from typing import Any

from domain.outbox import BACKLOG_BYTES, BACKLOG_RECORDS, BATCH_BYTES, BATCH_RECORDS, Outbox
from domain.records import BatchApplied, Fact, RecordType, SessionRow, ThreadRow
from tests.builders import NOW

THREAD = ThreadRow(session_id="s", thread_id="t", status="running", created_at=NOW, updated_at=NOW)
SESSION = SessionRow(session_id="s", status="active", created_at=NOW, updated_at=NOW)


def outbox(count: int = 0, **fields: Any) -> Outbox:
    box = Outbox(session_id="s", workflow_id="session/s")
    for _ in range(count):
        box.add([fact(**fields)], NOW)
    return box


def fact(**fields: Any) -> Fact:
    return Fact(type=RecordType.WARNING, **fields)


def entry(seq: int) -> dict[str, Any]:
    return {"seq": seq}


def test_records_are_numbered_in_order_and_handed_over_in_batches() -> None:
    box = outbox(BATCH_RECORDS + 5)
    first = box.next_batch(thread=THREAD)
    assert [record.seq for record in first.records] == list(range(1, BATCH_RECORDS + 1))
    assert all(record.thread is None for record in first.records)
    box.acknowledge(BatchApplied(epoch=0, through=BATCH_RECORDS))
    second = box.next_batch(thread=THREAD)
    assert [record.seq for record in second.records] == list(range(BATCH_RECORDS + 1, BATCH_RECORDS + 6))
    assert second.records[-1].thread == THREAD
    box.acknowledge(BatchApplied(epoch=0, through=BATCH_RECORDS + 5))
    assert (box.pending, box.sizes, box.bytes) == ([], [], 0)


def test_a_batch_that_was_handed_over_does_not_change_whatever_comes_later() -> None:
    box = outbox(3)
    first = box.next_batch(session=SESSION)
    box.add([fact(urgent=True)], NOW)
    again = box.next_batch(session=SESSION.model_copy(update={"status": "paused"}))
    assert again == first
    assert [record.digest() for record in again.records] == [record.digest() for record in first.records]
    box.acknowledge(BatchApplied(epoch=0, through=3))
    assert [record.seq for record in box.next_batch(session=SESSION).records] == [4]


def test_a_batch_has_its_size_and_a_larger_record_goes_alone() -> None:
    large = {"text": "x" * BATCH_BYTES}
    box = outbox(1)
    box.add([fact(details=large)], NOW)
    box.add([fact()], NOW)
    sizes = []
    while box.pending:
        batch = box.next_batch(thread=THREAD)
        sizes.append([record.seq for record in batch.records])
        box.acknowledge(BatchApplied(epoch=0, through=batch.records[-1].seq))
    assert sizes == [[1], [2], [3]]


def test_the_acknowledgement_tells_the_journal_up_to_where_it_is_stored() -> None:
    box = outbox()
    for seq in (1, 2):
        box.add([fact(entry=entry(seq))], NOW)
    box.add([fact()], NOW)
    box.next_batch(thread=THREAD)
    assert box.acknowledge(BatchApplied(epoch=2, through=3)) == 2
    assert box.epoch == 2
    box.add([fact()], NOW)
    assert box.next_batch(thread=THREAD).epoch == 2
    assert box.acknowledge(BatchApplied(epoch=2, through=4)) == 0


def test_an_urgent_record_is_urgent_until_it_was_handed_over() -> None:
    box = outbox(1)
    assert not box.urgent
    box.add([fact(urgent=True)], NOW)
    box.add([fact()], NOW)
    assert box.urgent
    box.next_batch(thread=THREAD)
    assert not box.urgent


def test_too_many_or_too_large_records_are_a_backlog_and_half_of_that_is_not() -> None:
    assert outbox(BACKLOG_RECORDS).backlogged
    between = outbox(BACKLOG_RECORDS // 2 + 1)
    assert not between.backlogged
    assert not between.relieved
    assert outbox(BACKLOG_RECORDS // 3).relieved
    large = outbox(1, details={"text": "x" * BACKLOG_BYTES})
    assert large.backlogged
    assert not large.relieved


def test_the_next_run_takes_over_what_is_pending_and_what_was_handed_over() -> None:
    box = outbox(2, details={"n": 1.5, "at": None}, entry=entry(7))
    sealed = box.next_batch(thread=THREAD)
    box.add([fact(actor="ann")], NOW)
    carried = box.carry()
    taken = Outbox.take_over("s", "session/s", carried)
    assert taken.carry() == carried
    assert taken.failing, "what was handed over was not acknowledged"
    assert taken.next_batch(thread=THREAD) == sealed
    assert [record.digest() for record in taken.pending] == [record.digest() for record in box.pending]
    assert (taken.bytes, taken.last_seq, taken.urgent) == (box.bytes, 3, True)
    taken.add([fact()], NOW)
    assert taken.pending[-1].seq == 4
    taken.acknowledge(BatchApplied(epoch=0, through=2))
    assert not taken.failing
    assert not Outbox.take_over("s", "session/s", taken.carry()).failing


def test_the_first_run_has_an_empty_outbox() -> None:
    assert Outbox.take_over("s", "session/s", None) == outbox()
