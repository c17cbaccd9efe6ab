"""What threads may use of their session's resources, and how they stand in line at pools."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code
from domain.messages import (
    AllocateResources,
    ConfigureSession,
    CreateThread,
    LeaseAnswer,
    ManageThread,
    PrioritiseThread,
    ReleaseResources,
    SyncSession,
    TerminateSession,
)
from domain.records import RecordType
from domain.session.effects import SignalPool, StartThread
from domain.session.history import fact
from domain.session.inputs import LeaseTold, NotLaunched
from domain.session.resources import visible
from domain.session.statistics import Performance
from domain.session.views import one_thread
from tests.builders import SessionDriver, flow_of, refusal

END = flow_of({"end": {"kind": "end"}})


def started(session: SessionDriver) -> list[str]:
    return [effect.thread_id for effect in session.effects if isinstance(effect, StartThread)]


def signals(session: SessionDriver) -> list[tuple[str, str, str]]:
    """Pools signalled since the last look: (pool, signal, thread)."""
    return [
        (effect.pool, effect.signal, effect.message["lease_id"].rpartition("/")[2])
        for effect in session.told()
        if isinstance(effect, SignalPool)
    ]


def gpus(session: SessionDriver) -> Any:
    return visible(session.state)["resources"]["gpu"]


def with_gpus(count: float, **config: Any) -> SessionDriver:
    return SessionDriver(quotas={"gpu": count}, **config)


def answer(session: SessionDriver, thread_id: str, pool: str = "lab", **fields: Any) -> SessionDriver:
    told = LeaseAnswer.model_validate({"pool": pool, "lease_id": f"s/{thread_id}", "granted": True, **fields})
    return session.give(LeaseTold(now=session.now, answer=told))


def refused(session: SessionDriver, thread_id: str, code: str = "RESOURCES_INSUFFICIENT") -> SessionDriver:
    return answer(session, thread_id, granted=False, error={"code": code, "message": "no", "details": {}})


class TestQuotas:
    def test_a_thread_has_all_it_requires_before_it_starts_and_nothing_after_its_end(self) -> None:
        session = with_gpus(2).create("a", requires={"gpu": 2})
        assert gpus(session) == {"used": 2, "peak": 2, "limit": 2}
        session.create("b", launch=False, requires={"gpu": 1})
        assert started(session) == ["a"]
        session.report("a", "failed")
        assert started(session) == ["a", "b"]
        assert gpus(session) == {"used": 1, "peak": 2, "limit": 2}
        session.launch("b").report("b", "completed")
        assert gpus(session)["used"] == 0

    @pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "rejected", "never started"])
    def test_whatever_the_end_is_it_is_free_again(self, end: str) -> None:
        session = with_gpus(1).create("a", launch=False, requires={"gpu": 1})
        if end == "rejected":
            session.give(NotLaunched(now=session.now, thread_id="a", code="THREAD_EXISTS", message="no"))
        elif end == "never started":
            session.create("b", launch=False, requires={"gpu": 1})
            session.ask(ManageThread, thread_id="b", action="cancel")
            session.launch("a").report("a", "completed")
        else:
            session.launch("a").report("a", end)
        assert gpus(session)["used"] == 0
        assert session.state.allocations == {}

    def test_a_flow_declares_what_it_needs_and_a_thread_says_otherwise(self) -> None:
        flow = {**END, "requires": {"gpu": 2, "seat": 1}}
        session = with_gpus(4).create("a", flow=flow).create("b", flow=flow, requires={"gpu": 1})
        assert gpus(session)["used"] == 3
        assert visible(session.state)["resources"]["seat"] == {"used": 2, "peak": 2, "limit": None}

    def test_who_does_not_want_to_wait_is_refused(self) -> None:
        session = with_gpus(1).create("a", requires={"gpu": 1})
        fields = {"thread_id": "b", "flow": END, "requires": {"gpu": 1}}
        error = refusal(lambda: session.ask(CreateThread, **fields, wait_for_resources=False))
        assert (error.code, error.details) == (
            Code.RESOURCES_INSUFFICIENT,
            {"resource": "gpu", "needed": 1, "used": 1, "quota": 1},
        )
        assert session.ask(CreateThread, **fields)["queued"] is True

    def test_what_could_never_be_had_is_refused_to_the_patient_too(self) -> None:
        error = refusal(lambda: with_gpus(1).create("a", requires={"gpu": 2}))
        assert error.code == Code.RESOURCES_INSUFFICIENT

    def test_ten_times_a_tenth_is_one(self) -> None:
        session = with_gpus(1)
        for number in range(10):
            session.create(f"t{number}", requires={"gpu": 0.1})
        assert gpus(session)["used"] == 1
        assert session.create("more", launch=False, requires={"gpu": 0.1}).state.queue.keys() == {"more"}

    def test_a_large_requirement_is_not_overtaken_and_who_needs_nothing_passes(self) -> None:
        session = with_gpus(2).create("a", requires={"gpu": 1})
        session.create("large", launch=False, requires={"gpu": 2}).create("small", launch=False, requires={"gpu": 1})
        session.create("none", launch=False)
        assert started(session) == ["a", "none"]
        session.report("a", "completed")
        assert started(session) == ["a", "none", "large"]

    def test_more_of_it_lets_waiting_threads_start(self) -> None:
        session = with_gpus(1).create("a", requires={"gpu": 1}).create("b", launch=False, requires={"gpu": 1})
        session.ask(ConfigureSession, config={"quotas": {"gpu": 2}})
        assert started(session) == ["a", "b"]

    def test_an_allocation_expires_although_its_thread_lives(self) -> None:
        session = with_gpus(1, allocation_ttl="1h").create("a", requires={"gpu": 1})
        session.create("b", launch=False, requires={"gpu": 1})
        before = session.state
        session.after(3_600)
        assert started(session) == ["a", "b"]
        types = [record.type for event in session.events if (record := fact(before, session.state, event))]
        assert RecordType.RESOURCE_ALLOCATED in types

    def test_execution_time_is_used_up(self) -> None:
        session = SessionDriver(max_execution_time="1h").create("a")
        session.report("a", "completed", seconds=3_600.0)
        assert session.state.statistics.performance == Performance(
            completed=1, seconds=3_600.0, shortest=3_600.0, longest=3_600.0
        )
        session.create("b", launch=False)
        assert started(session) == ["a"]
        error = refusal(lambda: session.create("c", wait_for_resources=False))
        assert (error.code, error.details["resource"]) == (Code.RESOURCES_INSUFFICIENT, "execution_time")
        session.ask(ConfigureSession, config={"max_execution_time": "2h"})
        assert started(session) == ["a", "b"]

    def test_resources_are_taken_and_freed_by_hand(self) -> None:
        session = with_gpus(2)
        taken = session.ask(AllocateResources, resources={"gpu": 2}, allocation_id="repair", duration="1h")[
            "allocation"
        ]
        assert (taken["id"], taken["holder"], taken["resources"]) == ("repair", "ann", {"gpu": 2})
        assert refusal(lambda: session.ask(AllocateResources, resources={"gpu": 1})).code == Code.RESOURCES_INSUFFICIENT
        assert session.ask(ReleaseResources, allocation_id="repair")["released"] is True
        error = refusal(lambda: session.ask(ReleaseResources, allocation_id="repair"))
        assert error.code == Code.ALLOCATION_NOT_FOUND
        session.ask(AllocateResources, resources={"gpu": 2}, duration="1h")
        assert session.after(3_600).state.allocations == {}
        pool = refusal(lambda: session.ask(AllocateResources, resources={"pool/lab": 1}))
        assert pool.code == Code.INVALID_ARGUMENT

    @given(
        wanted=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=12),
        ends=st.lists(st.integers(0, 11), max_size=30),
    )
    def test_never_more_is_taken_than_there_is_and_everybody_gets_a_turn(
        self, wanted: list[tuple[int, int]], ends: list[int]
    ) -> None:
        session = SessionDriver(quotas={"gpu": 4, "seat": 3})
        for number, (gpu, seat) in enumerate(wanted):
            requires = {"gpu": gpu, **({"seat": seat} if seat else {})}
            session.create(f"t{number}", launch=False, requires=requires)

        def check() -> None:
            taken = visible(session.state)["resources"]
            assert taken["gpu"]["used"] <= 4
            assert taken["seat"]["used"] <= 3

        def end(thread_id: str) -> None:
            session.launch(thread_id).report(thread_id, "completed")
            check()

        for number in ends:
            if f"t{number}" in session.state.launching:
                end(f"t{number}")
        for _ in wanted:
            if session.state.launching:
                end(next(iter(session.state.launching)))
        assert not session.state.threads, "nobody waits for ever"
        assert not session.state.allocations


class TestPools:
    def test_a_thread_stands_in_line_at_its_pool_and_starts_when_it_has_its_lease(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        assert session.answer("c1")["queued"] is True
        shown = one_thread(session.state, "a")
        assert shown is not None
        assert (shown["waiting"]["kind"], shown["waiting"]["pool"], shown["waiting_for"]) == (
            "pool",
            "lab",
            "1 of pool lab",
        )
        assert signals(session) == [("lab", "lease_request", "a")]
        answer(session, "a")
        assert started(session) == ["a"]
        session.launch("a")
        session.told()
        session.report("a", "completed")
        assert signals(session) == [("lab", "lease_release", "a")]
        assert session.state.leases == {}

    def test_an_answer_that_comes_again_or_for_somebody_else_changes_nothing(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        session.told()
        answer(session, "b")
        assert signals(session) == [("lab", "lease_release", "b")], "what nobody needs goes back"
        answer(answer(session, "a"), "a")
        assert started(session) == ["a"]

    def test_several_pools_are_asked_one_after_the_other_in_everybodys_order(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/y": 1, "pool/x": 1})
        assert signals(session) == [("x", "lease_request", "a")]
        answer(session, "a", pool="x")
        assert signals(session) == [("y", "lease_request", "a")]
        answer(session, "a", pool="y")
        assert started(session) == ["a"]

    def test_pools_are_asked_when_the_session_has_room_and_a_lease_goes_first(self) -> None:
        session = SessionDriver(max_running=1).create("a")
        session.create("p", launch=False, requires={"pool/lab": 1})
        assert signals(session) == []
        session.report("a", "completed")
        assert signals(session) == [("lab", "lease_request", "p")]
        session.create("b", launch=False)
        assert started(session) == ["b"]
        session.launch("b").create("c", launch=False)
        answer(session, "p")
        session.told()
        session.report("b", "completed")
        assert started(session) == ["p"], "it has its lease, and keeps it from others"

    def test_a_refusal_answers_who_did_not_want_to_wait(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1}, wait_for_resources=False)
        assert session.answer("c1") is None
        refused(session, "a")
        assert refusal(lambda: session.answer("c1")).code == Code.RESOURCES_INSUFFICIENT
        assert session.state.find("a") is None

    def test_a_thread_whose_pool_is_not_there_has_failed_for_all_to_see(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        refused(session, "a", code="POOL_NOT_FOUND")
        entry = session.state.ended["a"]
        assert (entry.status, entry.error and entry.error["code"]) == ("failed", "POOL_NOT_FOUND")

    def test_a_lease_that_is_lost_is_recorded_and_its_thread_goes_on(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        answer(session, "a").launch("a")
        before = session.state
        events_before = len(session.events)
        refused(session, "a", code="LEASE_LOST")
        records = [found for event in session.events[events_before:] if (found := fact(before, session.state, event))]
        assert [(record.type, record.details["error"]["code"]) for record in records] == [
            (RecordType.RESOURCE_DENIED, "LEASE_LOST")
        ]
        assert session.state.threads["a"].status == "running"

    @pytest.mark.parametrize("how", ["cancelled", "terminated"])
    def test_who_gives_up_leaves_the_line(self, how: str) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        session.told()
        if how == "cancelled":
            session.ask(ManageThread, thread_id="a", action="cancel")
        else:
            session.ask(TerminateSession)
        assert signals(session) == [("lab", "lease_release", "a")]

    def test_a_new_priority_reaches_the_line_and_a_look_asks_again(self) -> None:
        session = SessionDriver().create("a", launch=False, requires={"pool/lab": 1})
        session.told()
        session.ask(PrioritiseThread, thread_id="a", priority="urgent")
        (changed,) = [effect for effect in session.told() if isinstance(effect, SignalPool)]
        assert (changed.signal, changed.message["priority"]) == ("lease_priority", "urgent")
        session.ask(SyncSession)
        assert signals(session) == [("lab", "lease_request", "a")], "a pool that was made anew knows nothing of it"
