"""Where a batch of records belongs: the epochs of one workflow, and the rules for choosing one.

A workflow sends its records in order and forgets them only when they are acknowledged, so a batch
says either what is stored already, what comes next, or something else under a number that is taken.
The last means that the workflow's past was rewritten: it was reset in Temporal, or its id was used
again after Temporal had forgotten it. Then a new epoch is opened at the first number that differs;
below that number it shares the records of the epoch it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """One timeline of a workflow.

    Attributes:
        base: The epoch whose records below `first_seq` belong to this one as well.
        first_seq: The number of the first record of its own.
        through: The highest number stored; 0 when nothing is.
    """

    epoch: int
    base: int | None
    first_seq: int
    through: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Records `first` to `last` as stored under one epoch."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What is to be done with a batch.

    Attributes:
        epoch: The epoch it belongs to, as it is once the batch is stored.
        is_new: Whether that epoch was unknown.
        absent: The numbers of the batch's records that are not stored yet.
        missing: First and last number that the database should hold and does not, just before the batch.
    """

    epoch: Epoch
    is_new: bool
    absent: Sequence[int]
    missing: tuple[int, int] | None


def segments(epochs: Mapping[int, Epoch], epoch: int) -> list[Segment]:
    """The stored pieces that make up a timeline, the newest first."""
    pieces: list[Segment] = []
    current: Epoch | None = epochs[epoch]
    last = epochs[epoch].through
    while current is not None:
        first = current.first_seq if current.base is not None else 1
        pieces.append(Segment(current.epoch, first, last))
        last = min(last, first - 1)
        current = epochs[current.base] if current.base is not None else None
    return pieces


def place(
    epoch: int, digests: Mapping[int, str], epochs: Mapping[int, Epoch], stored: Mapping[tuple[int, int], str]
) -> Placement:
    """Choose the epoch of a batch.

    The epoch that the workflow named, unless a stored record contradicts the batch. Then a later epoch
    that holds the contradicting record: the batch was applied before and its acknowledgement was lost.
    Else a new one.

    A batch that begins beyond the next number is taken all the same: what lies between was
    acknowledged once, so the workflow no longer has it, and the database has lost it (an older backup
    was restored, or another database is in use). Refusing would hold the workflow for ever and bring
    nothing back. The loss is reported in `missing` instead.

    Args:
        epoch: The epoch that the workflow named.
        digests: The batch's digests by number; consecutive, at least one.
        epochs: All epochs of the workflow.
        stored: Digests by epoch and number, at least for the batch's numbers.
    """
    known = epochs.get(epoch)
    if known is None:
        return _placed(Epoch(epoch, None, min(digests), 0), digests, {}, is_new=True)
    held = _held(known, digests, epochs, stored)
    conflict = _first_conflict(digests, held)
    if conflict is None:
        return _placed(known, digests, held)
    for later in sorted(number for number in epochs if number > epoch):
        theirs = _held(epochs[later], digests, epochs, stored)
        if conflict in theirs and _first_conflict(digests, theirs) is None:
            return _placed(epochs[later], digests, theirs)
    first = min(seq for seq in digests if held.get(seq) != digests[seq])
    shared = {seq: digest for seq, digest in held.items() if seq < first}
    return _placed(Epoch(max(epochs) + 1, epoch, first, first - 1), digests, shared, is_new=True)


def _held(
    epoch: Epoch, digests: Mapping[int, str], epochs: Mapping[int, Epoch], stored: Mapping[tuple[int, int], str]
) -> dict[int, str]:
    """What the timeline holds under the batch's numbers."""
    return {
        seq: stored[piece.epoch, seq]
        for piece in segments(epochs, epoch.epoch)
        for seq in digests
        if piece.first <= seq <= piece.last and (piece.epoch, seq) in stored
    }


def _first_conflict(digests: Mapping[int, str], held: Mapping[int, str]) -> int | None:
    return min((seq for seq, digest in held.items() if digests[seq] != digest), default=None)


def _placed(epoch: Epoch, digests: Mapping[int, str], held: Mapping[int, str], *, is_new: bool = False) -> Placement:
    first = min(digests)
    return Placement(
        epoch=Epoch(epoch.epoch, epoch.base, epoch.first_seq, max(epoch.through, *digests)),
        is_new=is_new,
        absent=[seq for seq in digests if seq not in held],
        missing=(epoch.through + 1, first - 1) if first > epoch.through + 1 else None,
    )
