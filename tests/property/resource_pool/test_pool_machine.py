"""A pool against a simple model, whatever reaches it and in whatever order.

The model is the contract: it keeps for each lease what a session knows of it, decides for itself who should have been
let in, and looks at every answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.errors import ThreadloomError
from domain.messages import ClosePool, ConfigurePool, ReleaseLease, RenewLease
from domain.resource_pool.state import Lease, PoolStatus, wake_at
from domain.resource_pool.views import leases
from domain.values import is_json
from tests.pools import PoolDriver

IDS = [f"t{number}" for number in range(8)]
AMOUNTS = ["0.1", "0.25", "0.3", "1", "1.5", "2", "3"]
RANKS = ["urgent", "high", "normal", "low"]

ids = st.sampled_from(IDS)
amounts = st.sampled_from(AMOUNTS)
priorities = st.sampled_from(RANKS)


class PoolMachine(RuleBasedStateMachine):
    """Rules are what sessions, people and time do; the model knows what must come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = PoolDriver(2)
        self.capacity = Fraction(2)
        self.over: set[str] = set()
        """Ids that must never be granted again."""
        self.seen: set[str] = set()
        """What was held after the last step."""
        self.asked: dict[str, dict[str, Any]] = {}
        """The requests that sessions have sent, by id."""

    @staticmethod
    def order(lease: Lease) -> tuple[int, datetime, int]:
        return RANKS.index(lease.priority), lease.since, lease.number

    def amount(self, lease_id: str) -> Fraction:
        lease = self.pool.state.lease(lease_id)
        assert lease is not None
        return Fraction(str(lease.amount))

    @property
    def used(self) -> Fraction:
        return sum((self.amount(lease_id) for lease_id in self.pool.held), Fraction(0))

    # What reaches it

    @rule(lease_id=ids, amount=amounts, priority=priorities, wait=st.booleans(), age=st.integers(0, 5))
    def request(self, lease_id: str, amount: str, priority: str, wait: bool, age: int) -> None:
        # A session asks once for a lease; what comes again is the same message.
        fields = self.asked.setdefault(
            lease_id,
            {
                "amount": float(amount),
                "priority": priority,
                "wait": wait,
                "since": self.pool.now - timedelta(seconds=age),
            },
        )
        held, line = list(self.pool.held), list(self.pool.line)
        self.pool.told()
        self.pool.request(lease_id, **fields)
        told = self.pool.told()
        if lease_id in self.over:
            assert (self.pool.held, self.pool.line) == (held, line), "what is over never comes back"
            assert [one for one, _ in told] == [lease_id], "it is answered again"
            assert told[0][1] != "granted"
        elif lease_id in held:
            assert (told, self.pool.held) == ([(lease_id, "granted")], held)
        elif lease_id in line:
            assert (told, self.pool.line) == ([], line), "while it waits, nothing is said"
        elif lease_id in self.pool.line:
            assert told == []
            assert fields["wait"]
        elif lease_id in self.pool.held:
            assert told == [(lease_id, "granted")]
        else:
            ((one, code),) = told
            assert one == lease_id
            assert code in ("RESOURCES_INSUFFICIENT", "POOL_NOT_ACTIVE")
            self.over.add(lease_id)

    @rule(lease_id=ids)
    def give_up(self, lease_id: str) -> None:
        known = lease_id in self.pool.held or lease_id in self.pool.line
        used = self.used
        freed = self.amount(lease_id) if lease_id in self.pool.held else Fraction(0)
        before = set(self.pool.held)
        self.pool.told()
        self.pool.give_up(lease_id)
        self.over.add(lease_id)
        granted = [one for one in self.pool.held if one not in before]
        assert self.used == used - freed + sum(map(self.amount, granted), Fraction(0)), "a release frees once"
        threads = [(one, "granted") for one in granted if one in IDS]
        assert self.pool.told() == threads, "who gives up is told nothing, who gets in is told"
        assert known or not granted

    @rule(lease_id=ids, priority=priorities)
    def prefer(self, lease_id: str, priority: str) -> None:
        before = set(self.pool.held)
        self.pool.prefer(lease_id, priority)
        assert before <= set(self.pool.held)

    @rule(amount=amounts, priority=priorities, wait=st.booleans(), ttl=st.sampled_from(["1s", "1h"]))
    def acquire(self, amount: str, priority: str, wait: bool, ttl: str) -> None:
        try:
            answer = self.pool.acquire(
                None,
                amount=float(amount),
                priority=priority,
                wait=wait,
                ttl=ttl,
            )
        except ThreadloomError as error:
            assert error.code in ("RESOURCES_INSUFFICIENT", "POOL_NOT_ACTIVE")
            return
        assert answer["granted"] == (answer["lease_id"] in self.pool.held)
        assert answer["granted"] or self.pool.line[answer["place"] - 1] == answer["lease_id"]

    @rule(data=st.data(), command=st.sampled_from([RenewLease, ReleaseLease]))
    def by_hand(self, data: st.DataObject, command: Any) -> None:
        lease_id = data.draw(st.sampled_from([*self.pool.held, *self.pool.line, "none"]))
        try:
            self.pool.ask(command, lease_id=lease_id)
        except ThreadloomError as error:
            assert error.code in ("LEASE_NOT_FOUND", "INVALID_ARGUMENT", "POOL_NOT_ACTIVE")
            return
        if command is ReleaseLease:
            assert self.pool.state.lease(lease_id) is None
            self.over.add(lease_id)

    @rule(capacity=amounts)
    def resize(self, capacity: str) -> None:
        if self.pool.state.status is PoolStatus.CLOSED:
            return
        before = self.pool.held
        self.pool.ask(ConfigurePool, config={"capacity": float(capacity)})
        self.capacity = Fraction(capacity)
        assert set(before) <= set(self.pool.held), "nobody is thrown out"

    @rule(seconds=st.sampled_from([0.5, 5, 301, 4_000]), backlogged=st.sampled_from([False, False, False, True]))
    def passes(self, seconds: float, backlogged: bool) -> None:
        self.pool.after(seconds, backlogged=backlogged)
        wake = wake_at(self.pool.state)
        assert wake is None or wake > self.pool.now, "it does what is due, and then sleeps"

    @precondition(lambda self: self.pool.state.sought)
    @rule(gone=st.sets(ids, max_size=3))
    def looked(self, gone: set[str]) -> None:
        lost = gone & set(self.pool.state.sought)
        before = {*self.pool.held, *self.pool.line}
        self.pool.found(*sorted(gone))
        assert not lost & {*self.pool.held, *self.pool.line}
        assert before - lost <= {*self.pool.held, *self.pool.line}, "nobody else loses anything"

    @rule(force=st.sampled_from([False, False, True]), sure=st.sampled_from([False, False, False, True]))
    def close(self, force: bool, sure: bool) -> None:
        if sure and self.pool.state.status is not PoolStatus.CLOSED:
            status = self.pool.ask(ClosePool, force=force)["status"]
            assert self.pool.line == []
            assert (status == "closed") == (self.pool.held == [])

    # What always holds

    @invariant()
    def never_more_than_there_is(self) -> None:
        """What is in use exceeds the capacity only after that was lowered, and then it only falls."""
        used = self.used
        room = [fact.details for fact in self.pool.facts if fact.type.value == "resource_allocated"]
        assert all(details["in_use"] <= details["capacity"] + 1e-9 for details in room), "nobody gets in above it"
        assert Fraction(self.pool.free, 1_000_000_000) == self.capacity - used

    @invariant()
    def the_head_is_let_in_as_soon_as_it_fits(self) -> None:
        state = self.pool.state
        waiting = sorted(state.line.values(), key=self.order)
        assert [lease.lease_id for lease in waiting] == self.pool.line
        if waiting and not state.backlogged:
            assert self.used + self.amount(waiting[0].lease_id) > self.capacity

    @invariant()
    def nobody_gets_in_before_the_head(self) -> None:
        held = self.pool.state.held
        let_in = [lease for lease_id, lease in held.items() if lease_id not in self.seen]
        ahead = [
            lease
            for lease in self.pool.state.line.values()
            for other in let_in
            if self.order(lease) < self.order(other)
        ]
        assert ahead == []
        self.seen = set(held)

    @invariant()
    def what_is_over_stays_over(self) -> None:
        living = {*self.pool.held, *self.pool.line}
        for lease_id in self.pool.state.over:
            self.over.add(lease_id)
        assert not living & self.over

    @invariant()
    def it_can_be_shown_and_nobody_is_forgotten(self) -> None:
        state = self.pool.state
        assert is_json(leases(state))
        watched = [lease for lease in state.leases() if lease.thread is not None or lease.granted_at is not None]
        assert all(lease.due is not None for lease in watched)
        assert not watched or state.sought or wake_at(state) is not None
        assert not (state.status is PoolStatus.CLOSED and state.leases())


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
