"""Forks and copies of threads without a flow of their own, inside and between the flows that they execute."""

from __future__ import annotations

from typing import Any

import pytest

from domain.codec import dump
from domain.errors import Code
from domain.messages import ForkThread
from domain.records import StoredJournal
from domain.session.operations.base import Branch, Child
from domain.session.operations.fork import prepare_fork
from domain.thread.archive import archived_items, archived_library, snapshot_from_records
from domain.thread.history import fact
from domain.thread.snapshot import Seed, parse_point, reaches
from domain.thread.views import thread_row
from domain.thread.waiting import waiting_for
from domain.values import JsonObject
from tests.builders import NOW, ThreadDriver, activity, flow_of, refusal, set_

COUNT = flow_of({"count": set_("work", n="{{ n + 1 }}"), "work": activity(next="note"), "note": set_(noted=True)})
COUNT["variables"] = {"n": 0}
INNER = flow_of({"deep": activity(next="end")})
OUTER = flow_of({"sub": {"kind": "subflow", "flow": "inner", "next": "after"}, "after": set_(after=True)})


def source() -> ThreadDriver:
    """Two executions have ended and the third is at its activity."""
    thread = ThreadDriver.begin(None, context="c", metadata={"team": "a"})
    return thread.execute(COUNT).complete().execute(COUNT).complete().execute(COUNT).execute(COUNT)


def went_on(branch: Branch) -> ThreadDriver:
    return ThreadDriver.of_branch(branch).rest()


def stored(thread: ThreadDriver, seed: Seed) -> StoredJournal:
    facts = [told for event in thread.events if (told := fact(thread.state, event)) is not None]
    return StoredJournal(
        epoch=0,
        seed={"seed": dump(seed), "flow": None, "flow_digest": "", "flows": {}},
        entries=[told.entry for told in facts if told.entry is not None],
        thread=thread_row(thread.program.main, "", thread.state),
    )


def test_a_fork_from_inside_an_execution_goes_on_in_it_and_then_waits_for_flows() -> None:
    branch = source().fork("2/work")
    assert (branch.flow, branch.definition, branch.answer()["fork_point"]) == (None, None, "2/work#1")
    assert branch.answer()["next"] == "2/work"
    child = went_on(branch)
    assert child.call is not None
    assert (child.call.key, child.variables) == ("child/2/work/1", {"n": 2, "noted": True})
    child.complete()
    assert (child.status, waiting_for(child.state), child.state.line) == ("running", "a flow to execute", ())
    child.execute(COUNT)
    assert (child.variables["n"], child.state.current.executed) == (3, 3)


def test_a_fork_behind_a_node_or_at_a_seq_or_at_the_node_under_way() -> None:
    thread = source()
    behind = went_on(thread.fork("1/work", resume="after"))
    assert (behind.path, behind.state.current.executed) == (["1/count", "1/work", "1/note", "1/end", "1"], 1)
    assert went_on(thread.fork("@3")).call is not None
    branch = thread.fork("3/work")
    assert [warning.code for warning in branch.warnings] == ["FORK_POINT_PENDING"]
    assert went_on(branch).variables["n"] == 3


def test_an_execution_is_a_point_itself() -> None:
    thread = source()
    again = went_on(thread.fork("2"))
    assert (again.variables["n"], again.path[-1]) == (2, "2/count")
    under_way = went_on(thread.fork("3"))
    assert (under_way.variables["n"], under_way.path[-1]) == (3, "3/count")
    between = went_on(thread.fork("2", resume="after"))
    assert (between.variables["n"], waiting_for(between.state)) == (2, "a flow to execute")


def test_a_fork_may_go_on_in_another_flow() -> None:
    other = {**COUNT, "version": "2", "nodes": {**COUNT["nodes"], "note": set_(noted="better")}}
    child = went_on(source().fork("2/work", flow=other)).complete()
    assert child.variables["noted"] == "better"
    assert child.state.current.last is not None
    assert child.state.current.last.execution.version == "2"
    wholly_other = flow_of({"begin": set_(began=True)})
    child = went_on(source().fork("2", flow=wholly_other))
    assert child.path[-3:] == ["2/begin", "2/end", "2"]
    refused = refusal(lambda: source().fork("2", resume="after", flow=other))
    assert refused.code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("strategy", "variables", "context"),
    [("full", {"n": 2, "noted": True}, "c"), ("partial", {"n": 2, "noted": True}, "c"), ("minimal", {"n": 0}, None)],
)
def test_strategies_mean_what_they_mean_for_every_thread(strategy: str, variables: Any, context: Any) -> None:
    child = went_on(source().fork("2/work", strategy=strategy))
    assert (child.variables, child.state.context) == (variables, context)
    assert (child.path == []) == (strategy == "minimal")
    child.complete()
    assert waiting_for(child.state) == "a flow to execute"


def test_the_branch_of_a_fork_node_ends_with_its_flow() -> None:
    split = {"kind": "fork", "enter": "side", "next": "end"}
    flow = flow_of({"split": split, "side": set_("done", side=True), "done": {"kind": "end", "result": "{{ n }}"}})
    flow["variables"] = {"n": 7}
    thread = ThreadDriver.begin(None).execute(flow)
    (command,) = thread.asked[-1].commands
    request = ForkThread.model_validate({**command, **thread.asked[-1].common})
    branch = prepare_fork(thread.snapshot(), request, Child(thread_id="t.1.split.1.0", command_id="c", at=NOW))
    child = went_on(branch)
    assert (branch.definition and branch.definition.label, child.status, child.result) == ("f@1", "completed", 7)


def test_points_that_were_not_executed_are_refused() -> None:
    for point in ("work", "4/work", "1/absent", "4", "9#1", "@99"):
        assert refusal(lambda at=point: source().fork(at)).code == Code.FORK_POINT_NOT_EXECUTED  # type: ignore[misc]
    assert refusal(lambda: source().fork("1/end", resume="after")).code == Code.INVALID_ARGUMENT


def test_a_copy_goes_on_where_its_source_stands() -> None:
    copied = went_on(source().copy())
    assert (copied.variables["n"], copied.state.line) == (3, ())
    copied.complete()
    assert waiting_for(copied.state) == "a flow to execute"
    thread = ThreadDriver.begin(None).execute(COUNT).complete()
    copied = went_on(thread.copy())
    assert (copied.variables, copied.status) == ({"n": 1, "noted": True}, "running")
    assert copied.state.current.last == thread.state.current.last


def test_a_partial_copy_starts_the_flow_under_way_over_and_keeps_what_earlier_ones_left() -> None:
    copied = went_on(source().copy(strategy="partial"))
    assert (copied.path, copied.variables) == (["3/count"], {"n": 4, "noted": True})
    thread = ThreadDriver.begin(None).execute(COUNT).complete()
    copied = went_on(thread.copy(strategy="partial"))
    assert (copied.path, copied.variables, copied.status) == ([], {"n": 1, "noted": True}, "running")


def test_a_selective_copy_keeps_the_work_of_chosen_nodes_of_the_flow_under_way() -> None:
    copied = went_on(source().copy(strategy="selective", nodes=["count"]))
    assert (copied.variables, copied.state.current.next_path) == ({"n": 3, "noted": True}, "3/work")
    idle = ThreadDriver.begin(None).execute(COUNT).complete()
    assert refusal(lambda: idle.copy(strategy="selective", nodes=["count"])).code == Code.NODE_NOT_FOUND


def test_a_copy_of_one_that_has_ended_has_ended() -> None:
    thread = ThreadDriver.begin(None).execute(COUNT).complete().close()
    assert went_on(thread.copy()).status == "completed"
    assert went_on(thread.copy(strategy="partial")).status == "running"


def test_a_fork_from_a_subflow_of_an_execution() -> None:
    thread = ThreadDriver.begin(None).execute(OUTER, flows={"inner": INNER}).complete("x")
    child = went_on(thread.fork("1/sub/deep"))
    assert child.call is not None
    assert child.call.key == "child/1/sub/deep/1"
    child.complete()
    assert child.path[-4:] == ["1/sub", "1/after", "1/end", "1"]


def test_what_has_left_memory_is_read_from_the_records_with_its_flow() -> None:
    thread = ThreadDriver(None)
    seed = Seed(identity=thread.state.identity, base=thread.state.base)
    thread.rest().execute(COUNT).complete().execute(INNER).complete()
    whole = thread.snapshot()
    thread.archive(thread.state.current.seq)
    short, point = thread.snapshot(), parse_point("1/work")
    assert (short.library, reaches(short, point), reaches(short, parse_point("3/work"))) == ({}, False, True)
    records = stored(thread, seed)
    complete = short.with_archive(*archived_items(records), archived_library(records))
    assert complete == whole
    request = ForkThread(command_id="c", thread_id="child", source="t", at="1/work")
    assert went_on(prepare_fork(complete, request, thread.child())).variables == {"n": 1}


def test_one_that_temporal_has_forgotten_is_restored_from_its_records() -> None:
    thread = ThreadDriver(None)
    seed = Seed(identity=thread.state.identity, base=thread.state.base)
    thread.rest().execute(COUNT).complete().close()
    snapshot = snapshot_from_records(stored(thread, seed))
    assert (snapshot.journal, snapshot.library) == (thread.state.journal, thread.state.library)
    assert snapshot.outcome == thread.state.outcome
    request = ForkThread(command_id="c", thread_id="child", source="t", at="1/work")
    assert went_on(prepare_fork(snapshot, request, thread.child())).variables == {"n": 1}


def documents(branch: Branch) -> list[JsonObject]:
    return list(branch.seed.library.values())


def test_a_branch_takes_only_the_flows_that_its_own_past_speaks_of() -> None:
    thread = ThreadDriver.begin(None).execute(COUNT).complete().execute(INNER)
    assert documents(thread.fork("1/work")) == [COUNT]
    assert documents(thread.fork("2/deep")) == [COUNT, INNER]
    assert documents(thread.fork("2/deep", strategy="minimal")) == [INNER]
