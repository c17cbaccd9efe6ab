"""Fork: what each strategy keeps, what it warns of, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from domain.codec import dump
from domain.errors import Code
from domain.session.operations.base import Branch
from domain.thread.checkpoint import fold
from domain.thread.journal import ExecutionStatus, executions
from domain.thread.state import HoldKind, Origin
from tests.builders import ThreadDriver, activity, flow_of, later, refusal, set_

FLOW = flow_of(
    {
        "load": activity(save="rows", usage={"model": "m", "tokens": 5}, next="check"),
        "check": activity(next="note", on_error="note"),
        "note": set_("send", limit="{{ limit + 1 }}"),
        "send": activity(effect="external", next="ask"),
        "ask": {"kind": "approval", "prompt": "{{ rows }}", "choices": ["y"], "timeout": "1d", "next": "end"},
    },
    variables={"limit": 10},
)


def source(**seed: Any) -> ThreadDriver:
    """Executed: load (completed), check (failed and caught), note; send is in flight."""
    given = {"input": {"path": "/x"}, "context": ["hello"], "metadata": {"team": "a"}, "shared": {"s": 1}}
    thread = ThreadDriver.begin(FLOW, **{**given, **seed}).after(1).complete([1, 2]).after(1).fail("BOOM")
    return thread.send("mail").pause().pause(HoldKind.SESSION)


def codes(branch: Branch) -> list[str]:
    return [warning.code for warning in branch.warnings]


def statuses(branch: Branch) -> dict[str, str]:
    nodes = fold(branch.seed.base, branch.seed.journal).nodes
    return {name: node.status.value for name, node in nodes.items()}


@pytest.mark.parametrize(
    ("strategy", "kept"),
    [
        ("full", ({"limit": 11, "rows": [1, 2]}, ["check", "load", "note"], ["hello"], 3, {"team": "a"})),
        ("partial", ({"limit": 11, "rows": [1, 2]}, ["load", "note"], ["hello"], 3, {})),
        ("minimal", ({"limit": 10}, [], None, 0, {})),
    ],
)
def test_what_each_strategy_keeps(strategy: str, kept: Any) -> None:
    branch = source().fork("send", strategy=strategy)
    thread = ThreadDriver.of_branch(branch)
    state = thread.state
    nodes, history = sorted(statuses(branch)), len(executions(state.journal))
    assert (thread.variables, nodes, state.context, history, state.metadata) == kept
    assert (state.input, state.shared) == ({"path": "/x"}, {"s": 1})
    assert thread.rest().call is not None
    assert thread.call is not None
    assert thread.call.key == "child/send/1"


def test_a_full_fork_keeps_the_failed_state_of_a_node() -> None:
    assert statuses(source().fork("send", strategy="full"))["check"] == ExecutionStatus.FAILED


def test_mail_holds_answers_and_usage_are_never_inherited() -> None:
    thread = ThreadDriver.of_branch(source().fork("send", strategy="full"))
    state = thread.state
    assert (state.mailbox, state.holds, state.active, state.cancellation) == ((), {}, None, None)
    assert state.current.usage == {}, "the source tells its session what it used"
    asked = source().resume().resume(HoldKind.SESSION).complete().pause().answer("ask", "y")
    forked = ThreadDriver.of_branch(asked.fork("ask")).rest()
    assert forked.state.active is not None
    assert forked.state.active.answer is None


def test_a_minimal_fork_forgets_also_the_last_failure() -> None:
    assert fold(source().fork("send", strategy="partial").seed.base, source().state.journal).error is not None
    minimal = source().fork("send", strategy="minimal").seed
    assert fold(minimal.base, minimal.journal).error is None


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({}, []),
        ({"retention": "partial"}, []),
        ({"retention": "full"}, ["RETENTION_DISAGREES"]),
        ({"strategy": "full", "node_states": "reset"}, ["FULL_WITH_RESET"]),
        ({"strategy": "full", "include_history": False}, ["FULL_WITHOUT_HISTORY"]),
        (
            {"retention": "full", "node_states": "reset", "include_history": False},
            ["RETENTION_DISAGREES", "FULL_WITH_RESET", "FULL_WITHOUT_HISTORY"],
        ),
        ({"strategy": "minimal"}, ["VARIABLE_MISSING"]),
        ({"strategy": "minimal", "set": {"rows": []}}, []),
    ],
)
def test_what_a_fork_warns_of(fields: Any, warned: list[str]) -> None:
    thread = ThreadDriver.begin(FLOW).complete([1]).complete()
    assert codes(thread.complete().fork("send", **fields)) == [*warned, "EFFECT_REPEATED"]


def test_a_point_that_is_pending_is_warned_of() -> None:
    branch = source().fork("send")
    assert codes(branch) == ["FORK_POINT_PENDING", "EFFECT_REPEATED"]
    assert branch.kept["fork_point"] == "send#1"


def test_node_states_retention_history_and_metadata_may_be_chosen_apart() -> None:
    branch = source().fork(
        "send", strategy="minimal", retention="full", node_states="copy", include_history=True, include_metadata=True
    )
    assert sorted(statuses(branch)) == ["check", "load", "note"]
    assert branch.seed.context == ["hello"]
    assert branch.seed.metadata == {"team": "a"}
    assert len(executions(branch.seed.journal)) == 3
    assert ThreadDriver.of_branch(branch).variables == {"limit": 11, "rows": [1, 2]}


def test_overrides_are_set_whatever_is_kept() -> None:
    for strategy in ("full", "partial", "minimal"):
        branch = source().fork("note", strategy=strategy, set={"limit": 99, "new": None})
        thread = ThreadDriver.of_branch(branch)
        assert (thread.variables["limit"], thread.variables["new"]) == (99, None)
        assert thread.rest().variables["limit"] == 100


def test_forking_at_a_node_runs_it_again_and_behind_it_does_not() -> None:
    again = ThreadDriver.of_branch(source().fork("note")).rest()
    assert (again.path, again.variables["limit"]) == (["load", "check", "note"], 11)
    assert [entry.inherited for entry in executions(again.state.journal)] == [True, True, False]
    behind = ThreadDriver.of_branch(source().fork("note", resume="after")).rest()
    assert (behind.path, behind.variables["limit"]) == (["load", "check", "note"], 11)
    assert all(entry.inherited for entry in executions(behind.state.journal))


def test_a_fork_goes_on_counting_from_its_point() -> None:
    thread = ThreadDriver.of_branch(source().fork("note")).rest()
    assert [item.seq for item in thread.state.journal] == [1, 2, 3, 4]
    assert executions(thread.state.journal)[-1].visit == 1


def test_a_fork_of_a_fork_can_go_back_to_what_it_inherited() -> None:
    first = ThreadDriver.of_branch(source().fork("note", set={"limit": 50}, thread_id="first")).rest()
    behind_the_override = ThreadDriver.of_branch(first.fork("note", thread_id="second"))
    assert behind_the_override.variables["limit"] == 50
    before_it = ThreadDriver.of_branch(first.fork("check", thread_id="third"))
    assert (before_it.variables["limit"], before_it.path) == (10, ["load"])
    identity = behind_the_override.state.identity
    assert (identity.parent, identity.root, identity.depth) == ("first", "t", 2)


def test_lineage_is_visible_in_the_fork() -> None:
    thread = source()
    branch = thread.fork("note#1", resume="after", strategy="full")
    identity = branch.seed.identity
    assert (identity.origin, identity.parent, identity.root, identity.depth) == (Origin.FORKED, "t", "t", 1)
    assert identity.fork_info == {
        "fork_id": "make child",
        "parent": "t",
        "fork_point": "note#1",
        "resume": "after",
        "forked_at": thread.now.isoformat(),
        "strategy": "full",
    }
    assert branch.seed.operations[-1].type == "fork"
    assert branch.seed.operations[-1].details == {"fork_point": "note#1"}


def test_the_operations_kept_are_those_before_the_point() -> None:
    thread = ThreadDriver.begin(FLOW).after(1).pause().resume().after(1).complete([1]).after(1).cancel().complete()
    assert thread.status == "cancelled"
    kinds = [operation.type for operation in thread.fork("check").seed.operations]
    assert kinds == ["start", "pause", "resume", "fork"]
    assert [operation.type for operation in thread.fork("check", strategy="minimal").seed.operations] == ["fork"]


def test_a_fork_answers_with_its_point_and_new_ids_for_old() -> None:
    answer = source().fork("note").answer()
    assert answer["relationship_mapping"] == {"t": "child", "t/load/1": "child/load/1", "t/check/1": "child/check/1"}
    assert {key: answer[key] for key in ("thread_id", "source", "strategy", "fork_point", "next")} == {
        "thread_id": "child",
        "source": "t",
        "strategy": "partial",
        "fork_point": "note#1",
        "next": "note",
    }
    assert answer["warnings"] == [
        {
            "code": "EFFECT_REPEATED",
            "message": "send was executed in the source and may have its effect again (effect: external)",
        }
    ]


def test_a_fork_of_an_ended_thread_goes_on() -> None:
    failed = ThreadDriver.begin(flow_of({"work": activity()})).fail("BOOM")
    thread = ThreadDriver.of_branch(failed.fork("work")).rest()
    assert thread.complete().status == "completed"
    assert failed.status == "failed"


def test_a_fork_never_touches_its_source() -> None:
    thread = source()
    before = dump(thread.state)
    child = ThreadDriver.of_branch(thread.fork("note", strategy="full", set={"rows": [0]})).rest()
    child.complete()
    assert dump(thread.state) == before


NEXT_VERSION = {**FLOW, "version": "2", "variables": {"limit": 1, "region": "eu"}}


def test_a_fork_may_go_on_with_another_version_of_the_flow() -> None:
    branch = source().fork("note", flow=NEXT_VERSION)
    assert (branch.definition.version, branch.flow) == ("2", NEXT_VERSION)
    assert ThreadDriver.of_branch(branch).variables == {"limit": 10, "region": "eu", "rows": [1, 2]}


def test_another_version_must_have_the_node_where_the_fork_goes_on() -> None:
    without_note = flow_of({"load": activity(next="send"), "send": activity()})
    error = refusal(lambda: source().fork("note", flow=without_note))
    assert (error.code, error.details) == (Code.NODE_NOT_FOUND, {"node": "note"})
    assert source().fork("note", resume="after", flow=without_note).kept["next"] == "send"
    assert refusal(lambda: source().fork("note", flow={"flow": "x"})).code == Code.FLOW_INVALID


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("", Code.FORK_POINT_MISSING),
        ("?", Code.INVALID_ARGUMENT),
        ("nowhere", Code.NODE_NOT_FOUND),
        ("ask", Code.FORK_POINT_NOT_EXECUTED),
        ("load#2", Code.FORK_POINT_NOT_EXECUTED),
        ("@77", Code.FORK_POINT_NOT_EXECUTED),
    ],
)
def test_a_fork_at_no_point_is_refused(at: str, code: str) -> None:
    assert refusal(lambda: source().fork(at)).code == code


def test_a_lineage_may_be_as_deep_as_the_session_allows() -> None:
    child = ThreadDriver.of_branch(source().fork("note", max_depth=1)).rest()
    error = refusal(lambda: child.fork("note", max_depth=1))
    assert (error.code, error.details) == (Code.DEPTH_LIMIT_REACHED, {"limit": 1})


def test_a_repeated_effect_is_warned_of_only_where_it_would_happen_again() -> None:
    thread = ThreadDriver.begin(FLOW).complete([1]).complete().complete()
    assert "EFFECT_REPEATED" in codes(thread.fork("load"))
    assert "EFFECT_REPEATED" not in codes(thread.fork("send", resume="after"))
    assert "EFFECT_REPEATED" not in codes(thread.fork("ask"))


def test_forking_takes_no_time_from_the_sources_clock() -> None:
    thread = source()
    assert ThreadDriver.of_branch(thread.fork("note")).state.identity.created_at == later(2)
