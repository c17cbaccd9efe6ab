"""Leases: asked for and given up in any order, expired, looked after, taken away."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.messages import ClosePool, ReleaseLease, RenewLease
from domain.resource_pool import evolve
from domain.resource_pool.state import wake_at
from domain.resource_pool.views import leases, standing
from tests.builders import later, refusal
from tests.pools import PoolDriver


def kinds(pool: PoolDriver) -> list[str]:
    return [fact.type.value for fact in pool.facts]


# What sessions say comes at least once, and in any order


def test_a_request_that_is_held_is_answered_again_and_granted_once() -> None:
    pool = PoolDriver(2).request("a").request("a")
    assert pool.told() == [("a", "granted"), ("a", "granted")]
    assert (pool.held, pool.free) == (["a"], 1_000_000_000)
    assert kinds(pool) == ["resource_requested", "resource_allocated"]


def test_a_request_that_waits_is_not_answered_until_it_is_granted() -> None:
    pool = PoolDriver(1).request("a").request("b").request("b")
    assert pool.told() == [("a", "granted")]
    assert pool.give_up("a").told() == [("b", "granted")]


def test_a_request_that_was_refused_is_refused_again_although_there_is_room_now() -> None:
    """Its session has been told that it has no lease: one would be nobody's."""
    pool = PoolDriver(1).request("a").request("b", wait=False).give_up("a").request("b", wait=False)
    assert pool.told() == [("a", "granted"), ("b", "RESOURCES_INSUFFICIENT"), ("b", "RESOURCES_INSUFFICIENT")]
    assert pool.held == []


def test_a_release_frees_once() -> None:
    pool = PoolDriver(2).request("a").request("b").give_up("a").give_up("a")
    assert (pool.held, pool.free) == (["b"], 1_000_000_000)
    assert kinds(pool).count("resource_released") == 1


def test_a_request_that_comes_behind_its_release_leaves_no_ghost() -> None:
    pool = PoolDriver(1).give_up("a").request("a")
    assert (pool.held, pool.line) == ([], [])
    assert pool.told() == [("a", "LEASE_LOST")]


def test_what_was_given_up_while_it_waited_is_never_granted() -> None:
    pool = PoolDriver(1).request("a").request("b").give_up("b").give_up("a").request("b")
    assert pool.held == []
    assert pool.told() == [("a", "granted"), ("b", "LEASE_LOST")]


def test_a_pool_remembers_only_so_many_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evolve, "OVER_KEPT", 2)
    pool = PoolDriver(1).give_up("a").give_up("b").give_up("c")
    assert list(pool.state.over) == ["b", "c"]


def test_an_id_that_another_thread_has_is_refused_and_changes_nothing() -> None:
    pool = PoolDriver(2).request("a").request("a", thread_id="other")
    assert pool.told() == [("a", "granted"), ("a", "LEASE_EXISTS")]
    assert pool.give_up("a").held == []


def test_a_session_has_no_say_in_the_lease_of_a_person() -> None:
    pool = PoolDriver(1)
    pool.acquire("x")
    pool.acquire("y", wait=True)
    assert pool.give_up("x").give_up("y").prefer("y", "high").held == ["x"]
    assert [lease.priority for lease in pool.state.line.values()] == ["normal"]


# People and programs


def test_a_program_gets_a_lease_and_gives_it_back() -> None:
    pool = PoolDriver(1)
    assert pool.acquire("x", ttl="1m") == {
        "pool": "licences", "lease_id": "x", "granted": True, "expires_at": later(60).isoformat()
    }  # fmt: skip
    assert pool.ask(ReleaseLease, lease_id="x") == {"pool": "licences", "lease_id": "x", "released": True}
    assert pool.told() == []
    assert [(fact.type.value, fact.actor) for fact in pool.facts][-1] == ("resource_released", "ann")


def test_without_an_id_the_commands_own_is_the_leases() -> None:
    assert PoolDriver(1).acquire(None)["lease_id"] == "c1"


def test_who_waits_is_told_its_place_and_gets_its_time_from_the_grant_on() -> None:
    pool = PoolDriver(1).request("a")
    assert pool.acquire("x", wait=True)["place"] == 1
    assert pool.acquire("y", wait=True, priority="high")["place"] == 1
    assert standing(pool.state, "x")["place"] == 2
    pool.after(1_000).found()
    pool.give_up("a")
    assert pool.due("y") == later(1_300)


def test_who_does_not_wait_is_refused_and_that_is_recorded() -> None:
    pool = PoolDriver(1).request("a")
    assert refusal(lambda: pool.acquire("x")).code == Code.RESOURCES_INSUFFICIENT
    assert (kinds(pool)[-1], pool.facts[-1].details["holder"]) == ("resource_denied", "bob")


def test_a_lease_that_nobody_renews_expires_and_the_next_gets_it() -> None:
    pool = PoolDriver(1)
    pool.acquire("x", ttl="1m")
    pool.request("a")
    assert wake_at(pool.state) == later(60)
    assert pool.after(59).held == ["x"]
    assert pool.after(1).held == ["a"]
    assert standing(pool.state, "x")["error"]["code"] == "LEASE_LOST"
    assert refusal(lambda: pool.ask(RenewLease, lease_id="x")).code == Code.LEASE_NOT_FOUND


def test_a_lease_is_renewed_for_as_long_as_before_or_as_told() -> None:
    pool = PoolDriver(1)
    pool.acquire("x", ttl="1m")
    pool.after(30)
    assert pool.ask(RenewLease, lease_id="x")["expires_at"] == later(90).isoformat()
    assert pool.ask(RenewLease, lease_id="x", ttl="10m")["expires_at"] == later(630).isoformat()
    assert pool.ask(RenewLease, lease_id="x")["expires_at"] == later(630).isoformat()


def test_a_renewal_that_comes_before_anybody_noticed_the_end_still_counts() -> None:
    pool = PoolDriver(1)
    pool.acquire("x", ttl="1m")
    pool.now = later(61)
    assert pool.ask(RenewLease, lease_id="x")["granted"] is True


@pytest.mark.parametrize("command", [RenewLease, ReleaseLease])
def test_a_lease_that_is_none_is_not_found(command: Any) -> None:
    assert refusal(lambda: PoolDriver(1).ask(command, lease_id="x")).code == Code.LEASE_NOT_FOUND


def test_an_id_is_used_once() -> None:
    pool = PoolDriver(2)
    pool.acquire("x")
    assert refusal(lambda: pool.acquire("x")).code == Code.LEASE_EXISTS
    pool.ask(ReleaseLease, lease_id="x")
    assert refusal(lambda: pool.acquire("x")).code == Code.LEASE_EXISTS


def test_a_threads_lease_is_not_renewed_by_hand_but_may_be_taken_away() -> None:
    pool = PoolDriver(1).request("a")
    assert refusal(lambda: pool.ask(RenewLease, lease_id="a")).code == Code.INVALID_ARGUMENT
    pool.ask(ReleaseLease, lease_id="a", reason="stuck")
    assert pool.told() == [("a", "granted"), ("a", "LEASE_LOST")]
    assert (pool.facts[-1].reason, pool.facts[-1].details["how"]) == ("stuck", "taken")


# Threads that vanish


def test_threads_are_looked_for_when_their_time_is_over_and_those_that_are_gone_lose_what_they_have() -> None:
    pool = PoolDriver(2).request("a").request("b").request("c").request("d")
    pool.told()
    assert pool.after(299).sought() == []
    assert pool.after(31).sought() == ["a", "b", "c", "d"]
    pool.found("a", "d")
    assert (pool.held, pool.line) == (["b", "c"], [])
    assert pool.told() == [("a", "LEASE_LOST"), ("d", "LEASE_LOST"), ("c", "granted")]
    assert pool.after(299).sought() == []
    assert pool.after(31).sought() == ["b", "c"]


def test_a_thread_that_could_not_be_looked_for_keeps_its_lease() -> None:
    assert PoolDriver(1).request("a").after(3_600).found().after(3_600).found().held == ["a"]


def test_while_threads_are_looked_for_nobody_is_looked_for_again() -> None:
    pool = PoolDriver(2).request("a").after(330)
    pool.request("b").after(330)
    assert pool.sought() == ["a"]
    assert wake_at(pool.state) is None
    assert pool.found().after(0).sought() == ["b"]
    assert wake_at(pool.state) is None
    assert wake_at(pool.found().state) == pool.due("a")


def test_a_thread_with_two_leases_is_looked_for_once_and_loses_both() -> None:
    pool = PoolDriver(2).request("a").request("again", thread_id="a").after(330)
    assert pool.sought() == ["a"]
    assert pool.found("a").held == []


def test_a_thread_that_released_while_it_was_looked_for_is_told_nothing() -> None:
    pool = PoolDriver(1).request("a").after(330).give_up("a")
    pool.told()
    assert pool.found("a").told() == []


def test_a_person_in_the_line_is_not_looked_for() -> None:
    pool = PoolDriver(1).request("a")
    pool.acquire("x", wait=True, ttl="1s")
    assert pool.after(10).line == ["x"]


# The end


def test_a_closing_pool_refuses_who_waits_and_who_comes_and_ends_with_its_last_lease() -> None:
    pool = PoolDriver(1).request("a").request("b")
    pool.told()
    assert pool.ask(ClosePool, reason="over")["status"] == "closing"
    assert pool.told() == [("b", "POOL_NOT_ACTIVE")]
    assert pool.request("c").told() == [("c", "POOL_NOT_ACTIVE")]
    assert refusal(lambda: pool.acquire("x")).code == Code.POOL_NOT_ACTIVE
    assert pool.request("a").told() == [("a", "granted")]
    assert pool.give_up("a").state.status.value == "closed"
    assert (kinds(pool)[-1], pool.facts[-1].actor, pool.facts[-1].reason) == ("pool_closed", "ann", "over")
    assert wake_at(pool.state) is None


def test_a_pool_without_leases_is_closed_at_once() -> None:
    pool = PoolDriver(1)
    assert pool.ask(ClosePool)["status"] == "closed"
    assert refusal(lambda: pool.ask(ClosePool)).code == Code.POOL_NOT_ACTIVE


def test_by_force_a_pool_drops_its_leases() -> None:
    pool = PoolDriver(2).request("a").request("b", amount=2)
    pool.acquire("x", priority="urgent")
    pool.told()
    pool.ask(ClosePool)
    assert pool.ask(ClosePool, force=True)["status"] == "closed"
    assert pool.told() == [("b", "POOL_NOT_ACTIVE"), ("a", "LEASE_LOST")]


def test_the_records_tell_what_is_in_use_after_each() -> None:
    pool = PoolDriver(2).request("a").request("b", amount=0.5).request("c").give_up("a").give_up("c")
    told = [(fact.type.value.removeprefix("resource_"), fact.details["in_use"]) for fact in pool.facts]
    assert told == [
        ("requested", 0), ("allocated", 1), ("requested", 1), ("allocated", 1.5), ("requested", 1.5),
        ("released", 0.5), ("allocated", 1.5), ("released", 0.5),
    ]  # fmt: skip
    assert pool.facts[1].details == {
        "lease_id": "a", "session": "s", "thread": "a", "amount": 1, "in_use": 1, "capacity": 2
    }  # fmt: skip


def test_a_pool_shows_who_holds_what_and_who_waits() -> None:
    pool = PoolDriver(1.5).request("a")
    pool.acquire("x", wait=True)
    shown = leases(pool.state)
    assert (shown["capacity"], shown["in_use"], shown["free"]) == (1.5, 1, 0.5)
    assert [(lease["holder"], lease["lease_id"]) for lease in shown["holders"]] == [("s/a", "a")]
    assert [(lease["holder"], lease["place"]) for lease in shown["line"]] == [("bob", 1)]
