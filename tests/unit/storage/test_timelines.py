"""The choice of an epoch, against a workflow that is reset, repeated and restarted at will."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from storage.timelines import Epoch, place, segments


@dataclass
class Store:
    """A database as `place` sees it."""

    epochs: dict[int, Epoch] = field(default_factory=dict)
    stored: dict[tuple[int, int], str] = field(default_factory=dict)

    def apply(self, epoch: int, digests: dict[int, str]) -> int:
        placement = place(epoch, digests, self.epochs, self.stored)
        assert placement.is_new == (placement.epoch.epoch not in self.epochs)
        assert placement.missing is None
        self.epochs[placement.epoch.epoch] = placement.epoch
        for seq in placement.absent:
            assert (placement.epoch.epoch, seq) not in self.stored
            self.stored[placement.epoch.epoch, seq] = digests[seq]
        return placement.epoch.epoch

    def read(self, epoch: int) -> dict[int, str]:
        return {
            seq: self.stored[piece.epoch, seq]
            for piece in segments(self.epochs, epoch)
            for seq in range(piece.first, piece.last + 1)
        }


@dataclass
class Run:
    """A workflow: what it has recorded, how much was acknowledged, and the epoch it believes in then."""

    past: list[str]
    acknowledged: int
    epoch: int


@given(st.data())
def test_the_timeline_that_a_workflow_is_answered_is_its_own_past(data: st.DataObject) -> None:
    store = Store()
    run = Run([], 0, 1)
    states = [Run([], 0, 1)]
    for life in range(data.draw(st.integers(1, 5), "resets")):
        for _ in range(data.draw(st.integers(1, 4), "batches")):
            fresh = data.draw(st.integers(1, 3), "fresh")
            run.past += [f"{life}.{len(run.past) + number}" for number in range(fresh)]
            digests = {seq: run.past[seq - 1] for seq in range(run.acknowledged + 1, len(run.past) + 1)}
            answer = store.apply(run.epoch, digests)
            assert store.read(answer) == dict(enumerate(run.past, 1))
            count = len(store.stored)
            if data.draw(st.booleans(), "answer lost"):
                assert store.apply(run.epoch, digests) == answer
                assert len(store.stored) == count
            run = Run(list(run.past), len(run.past), answer)
            states.append(Run(list(run.past), run.acknowledged, run.epoch))
        # Temporal resets the workflow to a state that it once had; what it says from there on is new.
        chosen = data.draw(st.sampled_from(states), "reset to")
        run = Run(list(chosen.past), chosen.acknowledged, chosen.epoch)


def test_an_epoch_that_is_only_longer_is_not_taken_for_an_earlier_delivery() -> None:
    store = Store()
    store.apply(1, {1: "a", 2: "b", 3: "c"})
    assert store.apply(1, {2: "x"}) == 2
    assert store.apply(1, {3: "y"}) == 3
    assert store.read(3) == {1: "a", 2: "b", 3: "y"}
