"""Who gets in, and when: amounts, priority, age, and the head that nobody overtakes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import Code
from domain.messages import ClosePool, ConfigurePool
from domain.resource_pool import policy
from domain.resource_pool.policy import due_of_thread
from domain.resource_pool.views import describe, leases
from tests.builders import NOW, later, refusal
from tests.pools import PoolDriver


def test_a_request_is_granted_at_once_where_there_is_room() -> None:
    pool = PoolDriver(2).request("a").request("b").request("c")
    assert (pool.held, pool.line) == (["a", "b"], ["c"])
    assert pool.told() == [("a", "granted"), ("b", "granted")]


def test_the_line_is_by_priority_then_by_age_then_by_arrival() -> None:
    pool = PoolDriver(1).request("holder")
    pool.request("low", priority="low", since=later(-900))
    pool.request("second").request("third")
    pool.request("first", since=later(-1))
    pool.request("urgent", priority="urgent").request("high", priority="high")
    assert pool.line == ["urgent", "high", "first", "second", "third", "low"]
    assert [lease["place"] for lease in leases(pool.state)["line"]] == [1, 2, 3, 4, 5, 6]


def test_what_is_released_goes_to_the_head_of_the_line() -> None:
    pool = PoolDriver(1).request("a").request("b").request("c", priority="urgent").give_up("a")
    assert pool.told() == [("a", "granted"), ("c", "granted")]


def test_nobody_gets_in_before_the_head_even_where_there_is_room() -> None:
    pool = PoolDriver(3).request("a", amount=2).request("large", amount=2).request("small", amount=1)
    assert (pool.held, pool.line) == (["a"], ["large", "small"])
    pool.give_up("a")
    assert pool.held == ["large", "small"]


def test_a_request_of_higher_priority_becomes_the_head_and_gets_in() -> None:
    pool = PoolDriver(3).request("a", amount=2).request("large", amount=2)
    pool.request("urgent", amount=1, priority="urgent")
    assert (pool.held, pool.line) == (["a", "urgent"], ["large"])


def test_a_priority_may_change_while_a_request_waits() -> None:
    pool = PoolDriver(1).request("a").request("b").request("c").prefer("c", "high")
    assert pool.line == ["c", "b"]
    assert pool.prefer("a", "low").prefer("nobody", "high").line == ["c", "b"]
    assert pool.give_up("a").held == ["c"]


def test_a_head_that_steps_back_lets_in_who_fits() -> None:
    pool = PoolDriver(3).request("a", amount=2).request("large", amount=2, priority="high").request("small")
    assert pool.prefer("large", "low").held == ["a", "small"]


def test_a_head_that_leaves_lets_in_who_fits() -> None:
    pool = PoolDriver(3).request("a", amount=2).request("large", amount=2).request("small")
    assert pool.give_up("large").held == ["a", "small"]


def test_ten_tenths_fit_into_one_and_no_more() -> None:
    pool = PoolDriver(1)
    for number in range(11):
        pool.request(f"t{number}", amount=0.1)
    assert (len(pool.held), pool.line, pool.free) == (10, ["t10"], 0)
    assert describe(pool.state)["in_use"] == 1


def test_a_third_three_times_fits_to_a_billionth() -> None:
    pool = PoolDriver(1).request("a", amount=1 / 3).request("b", amount=1 / 3).request("c", amount=1 / 3)
    assert len(pool.held) == 3


@pytest.mark.parametrize(("wait", "amount"), [(False, 1), (True, 3), (False, 3)])
def test_a_request_that_cannot_be_met_is_refused_with_what_there_is(wait: bool, amount: int) -> None:
    pool = PoolDriver(2).request("a", amount=1.5).request("b", amount=amount, wait=wait)
    assert pool.line == []
    assert pool.told() == [("a", "granted"), ("b", "RESOURCES_INSUFFICIENT")]
    assert pool.state.over["b"] is not None
    assert pool.state.over["b"]["details"] == {"pool": "licences", "needed": amount, "free": 0.5, "capacity": 2}


def test_a_request_that_does_not_wait_is_refused_behind_a_line_although_it_would_fit() -> None:
    pool = PoolDriver(2).request("a").request("large", amount=2).request("b", wait=False)
    assert pool.told() == [("a", "granted"), ("b", "RESOURCES_INSUFFICIENT")]


def test_a_pool_takes_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MAX_LEASES", 2)
    pool = PoolDriver(1).request("a").request("b").request("c")
    assert pool.told() == [("a", "granted"), ("c", "POOL_FULL")]
    assert refusal(lambda: pool.acquire("d", wait=True)).code == Code.POOL_FULL
    assert pool.give_up("a").held == ["b"]


def test_more_capacity_lets_in_at_once() -> None:
    pool = PoolDriver(1).request("a").request("b").request("c").request("d")
    pool.ask(ConfigurePool, config={"capacity": 3})
    assert (pool.held, pool.line) == (["a", "b", "c"], ["d"])


def test_less_capacity_throws_nobody_out_and_lets_nobody_in_until_there_is_room() -> None:
    pool = PoolDriver(3).request("a").request("b").request("c").request("d")
    pool.ask(ConfigurePool, config={"capacity": 1})
    assert (pool.held, describe(pool.state)["free"]) == (["a", "b", "c"], 0)
    assert pool.give_up("a").give_up("b").held == ["c"]
    assert pool.give_up("c").held == ["d"]


def test_who_needs_more_than_what_is_left_of_the_pool_is_refused() -> None:
    pool = PoolDriver(3).request("a").request("large", amount=3).request("b")
    pool.told()
    pool.ask(ConfigurePool, config={"capacity": 2})
    assert pool.told() == [("large", "RESOURCES_INSUFFICIENT"), ("b", "granted")]


@pytest.mark.parametrize("config", [{"capacity": 0}, {"capacity": -1}, {"capacity": "x"}, {"lease": "0s"}, {"odd": 1}])
def test_an_odd_configuration_is_refused(config: dict[str, object]) -> None:
    pool = PoolDriver(1)
    assert refusal(lambda: pool.ask(ConfigurePool, config=config)).code == Code.INVALID_ARGUMENT


def test_while_too_many_records_wait_nothing_is_granted() -> None:
    pool = PoolDriver(2).after(1, backlogged=True).request("a")
    assert (pool.held, pool.line) == ([], ["a"])
    assert pool.after(1, backlogged=False).held == ["a"]


def test_threads_are_due_a_lease_later_and_many_at_the_same_moment() -> None:
    lease = timedelta(minutes=5)
    instants = [due_of_thread(NOW + timedelta(seconds=second), lease) for second in range(300)]
    waits = [due - (NOW + timedelta(seconds=second)) for second, due in enumerate(instants)]
    assert all(lease <= wait <= lease * 1.1 for wait in waits)
    assert len({*instants}) <= 11


def test_many_get_in_some_at_a_time_and_all_in_the_end() -> None:
    """What one input does must be done before Temporal takes the worker for stuck."""
    many = 2 * policy.AT_ONCE + 10
    pool = PoolDriver(1)
    for number in range(many):
        pool.request(f"t{number}")
    pool.ask(ConfigurePool, config={"capacity": many})
    seen = [len(pool.held)]
    while pool.line:
        seen.append(len(pool.after(0).held))
    assert seen == [1 + policy.AT_ONCE, 1 + 2 * policy.AT_ONCE, many]
    assert pool.held == [f"t{number}" for number in range(many)]
    pool.after(400).found(*pool.sought())
    assert len(pool.held) == many - policy.AT_ONCE
    pool.after(0).found(*pool.sought())
    pool.ask(ClosePool, force=True)
    assert pool.state.status.value == "closed"
