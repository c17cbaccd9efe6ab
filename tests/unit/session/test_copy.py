"""Copy: what each strategy keeps, where the copy goes on, what it warns of and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code
from domain.session.operations.base import Branch
from domain.thread.journal import executions
from domain.thread.state import Origin
from tests.builders import ThreadDriver, activity, flow_of, refusal, set_

FLOW = flow_of(
    {
        "load": activity(save="rows", next="check"),
        "check": activity(next="note", on_error="note"),
        "note": set_("send", limit="{{ limit + 1 }}", seen="{{ rows | default([]) }}"),
        "send": activity(effect="external", next="end"),
    },
    variables={"limit": 10},
)


LOOP = {"when": "true", "to": "a"}


def source() -> ThreadDriver:
    """Executed: load (completed), check (failed and caught), note; send is in flight."""
    return ThreadDriver.begin(FLOW, input=1, context=["hello"], metadata={"team": "a"}).complete([1]).fail("BOOM")


def codes(branch: Branch) -> list[str]:
    return [warning.code for warning in branch.warnings]


def started(branch: Branch) -> ThreadDriver:
    return ThreadDriver.of_branch(branch)


def test_a_full_copy_is_what_its_source_is_and_goes_on_where_it_stands() -> None:
    original = source()
    branch = original.copy()
    thread = started(branch)
    assert thread.variables == original.variables
    assert thread.state.current.nodes == original.state.current.nodes
    assert (thread.state.context, thread.state.metadata) == (["hello"], {"team": "a"})
    assert len(executions(thread.state.journal)) == 3
    assert thread.rest().call is not None
    assert thread.path == original.path
    assert codes(branch) == ["SOURCE_RUNNING", "EFFECT_REPEATED"], "what is in flight runs again"
    assert branch.kept["scope"] == {
        "nodes": ["check", "load", "note"],
        "variables": ["limit", "rows", "seen"],
        "node_states": ["check", "load", "note"],
        "context": True,
    }


@pytest.mark.parametrize("strategy", ["full", "selective"])
def test_the_copy_of_an_ended_thread_is_ended(strategy: str) -> None:
    original = source().complete()
    fields: Any = {"nodes": original.path} if strategy == "selective" else {}
    branch = original.copy(strategy=strategy, **fields)
    assert codes(branch) == []
    thread = started(branch).rest()
    assert thread.status == "completed"
    assert thread.path == original.path


@pytest.mark.parametrize(
    "ended",
    [
        lambda: ThreadDriver.begin(FLOW).pause().complete([1]).cancel(),
        lambda: ThreadDriver(FLOW).cancel(),
        lambda: ThreadDriver.begin({**FLOW, "limits": {"max_steps": 1}}).complete([1]),
        lambda: ThreadDriver.begin(flow_of({"a": {**set_("a", x=1), "max_visits": 2, "next": [LOOP, "end"]}})),
    ],
)
def test_the_copy_of_a_thread_that_ended_before_a_node_is_ended_too(ended: Any) -> None:
    original = ended()
    thread = started(original.copy()).rest()
    assert thread.status == original.status
    assert thread.error == original.error
    assert thread.call is None


def test_a_full_copy_in_a_loop_repeats_nothing_but_what_is_in_flight() -> None:
    nodes = {
        "send": activity(effect="external", next="ask"),
        "ask": activity(next=[{"when": "nodes.send.visits < 5", "to": "send"}, "end"]),
    }
    original = ThreadDriver.begin(flow_of(nodes)).complete().complete().complete()
    assert original.path == ["send", "ask", "send"]
    assert codes(original.copy()) == ["SOURCE_RUNNING"]
    assert codes(original.complete().copy()) == ["SOURCE_RUNNING", "EFFECT_REPEATED"]


def test_a_partial_copy_starts_over_with_what_was_finished() -> None:
    branch = source().copy(strategy="partial")
    thread = started(branch)
    assert thread.state.current.nodes == {}
    assert thread.state.current.next == "load"
    assert thread.variables == {"limit": 11, "rows": [1], "seen": [1]}
    assert (thread.state.journal, thread.state.metadata, thread.state.context) == ((), {}, None)
    assert branch.kept["scope"] == {
        "nodes": ["load", "note"],
        "variables": ["limit", "rows", "seen"],
        "node_states": [],
        "context": False,
    }
    assert codes(branch) == ["SOURCE_RUNNING", "EFFECT_REPEATED"]


def test_a_partial_copy_without_reset_goes_on_and_says_that_this_is_odd() -> None:
    branch = source().copy(strategy="partial", reset=False)
    thread = started(branch)
    assert sorted(thread.state.current.nodes) == ["load", "note"]
    assert (thread.state.current.next, thread.state.context) == ("send", ["hello"])
    assert "PARTIAL_WITHOUT_RESET" in codes(branch)


def test_a_selective_copy_keeps_the_chosen_nodes_and_runs_the_others_again() -> None:
    branch = source().copy(strategy="selective", nodes=["load"])
    thread = started(branch)
    assert sorted(thread.state.current.nodes) == ["load"]
    assert thread.variables == {"limit": 10, "rows": [1]}
    assert thread.state.current.next == "check"
    assert thread.state.metadata == {"team": "a"}
    assert len(executions(thread.state.journal)) == 3
    assert thread.rest().call is not None
    assert thread.call is not None
    assert thread.call.node == "check"
    assert branch.kept["next"] == "check"


def test_a_selective_copy_takes_variables_as_the_chosen_nodes_left_them() -> None:
    nodes = {
        "one": set_("two", x=1, only="one"),
        "two": set_("three", x="{{ x + 1 }}", other="two"),
        "three": activity(),
    }
    original = ThreadDriver.begin(flow_of(nodes, variables={"x": 0, "y": 0}))
    assert original.variables == {"x": 2, "y": 0, "only": "one", "other": "two"}
    one = started(original.copy(strategy="selective", nodes=["one"]))
    assert one.variables == {"x": 1, "y": 0, "only": "one"}
    two = started(original.copy(strategy="selective", nodes=["two"]))
    assert two.variables == {"x": 2, "y": 0, "other": "two"}


def test_what_a_fork_was_given_stays_in_a_copy_of_a_part_of_it() -> None:
    forked = started(source().fork("note", set={"limit": 50, "extra": True})).rest()
    partial = started(forked.copy(strategy="partial", thread_id="p"))
    assert partial.variables == {"limit": 51, "rows": [1], "seen": [1], "extra": True}
    selective = started(forked.copy(strategy="selective", nodes=["load"], thread_id="q"))
    assert selective.variables == {"limit": 50, "rows": [1], "extra": True}


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({"strategy": "full", "reset": True}, ["FULL_WITH_RESET"]),
        ({"strategy": "partial", "reset": False}, ["PARTIAL_WITHOUT_RESET"]),
        ({"strategy": "selective", "nodes": ["load"], "include_history": False}, ["SELECTIVE_WITHOUT_HISTORY"]),
        ({"strategy": "selective", "nodes": ["load"]}, []),
    ],
)
def test_what_a_copy_warns_of(fields: Any, warned: list[str]) -> None:
    original = source()
    assert [code for code in codes(original.copy(**fields)) if code != "EFFECT_REPEATED"] == ["SOURCE_RUNNING", *warned]
    ended = [code for code in codes(original.complete().copy(**fields)) if code != "EFFECT_REPEATED"]
    assert ended == warned


def test_a_full_copy_with_reset_starts_over_also_when_the_source_has_ended() -> None:
    branch = source().complete().copy(reset=True)
    thread = started(branch)
    assert branch.kept["scope"]["nodes"] == ["check", "end", "load", "note", "send"]
    assert thread.state.current.nodes == {}
    assert thread.rest().call is not None
    assert thread.call is not None
    # Its history is kept, in which `child/load/1` is the execution it inherited.
    assert thread.call.key == "child/load/2"
    assert "EFFECT_REPEATED" in codes(branch)


def test_a_reset_copy_is_told_of_effects_also_when_the_journal_has_left_memory() -> None:
    original = source().complete()
    branch = original.archive(5).copy(reset=True)
    assert codes(branch) == ["FULL_WITH_RESET", "EFFECT_REPEATED"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"strategy": "selective"}, Code.COPY_WITHOUT_NODES),
        ({"strategy": "selective", "nodes": ["load", "send"]}, Code.NODE_NOT_FOUND),
        ({"strategy": "selective", "nodes": ["nowhere"]}, Code.NODE_NOT_FOUND),
        ({"strategy": "partial", "nodes": ["load"]}, Code.INVALID_ARGUMENT),
        ({"strategy": "full", "nodes": ["load"]}, Code.INVALID_ARGUMENT),
        ({"max_depth": 0}, Code.DEPTH_LIMIT_REACHED),
    ],
)
def test_what_a_copy_refuses(fields: Any, code: str) -> None:
    assert refusal(lambda: source().copy(**fields)).code == code


def test_a_missing_node_is_named_with_those_that_were_executed() -> None:
    error = refusal(lambda: source().copy(strategy="selective", nodes=["load", "send"]))
    assert error.details == {"missing": ["send"], "executed": ["check", "load", "note"]}


def test_lineage_is_visible_in_the_copy() -> None:
    original = source()
    branch = original.copy(strategy="selective", nodes=["load"])
    identity = branch.seed.identity
    assert (identity.origin, identity.parent, identity.root, identity.depth) == (Origin.COPIED, "t", "t", 1)
    assert identity.copy_info == {
        "copy_id": "make child",
        "source": "t",
        "copied_at": original.now.isoformat(),
        "strategy": "selective",
        "scope": branch.kept["scope"],
    }
    assert [operation.type for operation in branch.seed.operations] == ["start", "copy"]
    assert branch.answer()["relationship_mapping"] == {
        "t": "child",
        "t/load/1": "child/load/1",
        "t/check/1": "child/check/1",
        "t/note/1": "child/note/1",
    }


def test_a_copy_without_history_maps_only_the_thread() -> None:
    assert source().copy(strategy="partial").answer()["relationship_mapping"] == {"t": "child"}


def test_the_copy_of_a_waiting_thread_starts_its_timer_anew() -> None:
    original = ThreadDriver.begin(flow_of({"nap": {"kind": "wait", "for": "10s", "next": "end"}})).after(8)
    thread = started(original.copy()).rest()
    assert thread.after(8).status == "running"
    assert thread.after(2).status == "completed"


def test_a_copy_never_touches_its_source() -> None:
    original = source()
    before = original.state
    started(original.copy()).rest().complete()
    assert original.state == before


def test_what_a_minimal_fork_let_go_of_is_not_in_a_copy_of_a_part_of_it() -> None:
    branch = source().fork("note", strategy="minimal", include_history=True)
    forked = started(branch).rest()
    selective = started(forked.copy(strategy="selective", nodes=["note"], thread_id="q"))
    assert selective.variables == {"limit": 11, "seen": []}
