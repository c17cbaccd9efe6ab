"""The runner doubts an end of a local activity only when its marker may be in the task before."""

from __future__ import annotations

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from threadloom.local_order import LocalOrder


def activation(length: int, *kinds: str) -> WorkflowActivation:
    act = WorkflowActivation(history_length=length)
    for kind in kinds:
        job = act.jobs.add()
        name, _, seq = kind.partition(":")
        if name == "local":
            job.resolve_activity.seq = int(seq)
            job.resolve_activity.is_local = True
        else:
            getattr(job, name).SetInParent()
    return act


def answer(*kinds: str) -> WorkflowActivationCompletion:
    completion = WorkflowActivationCompletion()
    completion.successful.SetInParent()
    for kind in kinds:
        command = completion.successful.commands.add()
        name, _, more = kind.partition(":")
        field = getattr(command, name)
        field.SetInParent()
        if name == "schedule_local_activity":
            field.seq = int(more)
        elif more:
            getattr(field, more).SetInParent()
    return completion


def order(*commands: str, asked: bool = True) -> LocalOrder:
    """A workflow at event 5 that has a local activity 1 running, and was asked meanwhile."""
    following = LocalOrder()
    assert not following.doubtful(activation(5, "initialize_workflow", "signal_workflow"))
    following.answered(answer("schedule_local_activity:1", *commands))
    if asked:
        assert not following.doubtful(activation(5, "query_workflow"))
        following.answered(answer("respond_to_query"))
    return following


def test_an_end_within_its_task_is_where_it_belongs() -> None:
    assert not order().doubtful(activation(5, "local:1"))


def test_an_end_whose_marker_is_yet_to_come_is_where_it_belongs() -> None:
    # Completed, two commands, a signal, scheduled, started.
    following = order("schedule_activity", "modify_workflow_properties")
    assert not following.doubtful(activation(11, "signal_workflow", "local:1"))


@pytest.mark.parametrize("jobs", [(), ("signal_workflow",), ("signal_workflow", "resolve_activity")])
def test_an_event_more_than_explained_is_the_marker(jobs: tuple[str, ...]) -> None:
    explained = 5 + 3 + 1 + sum(2 if job == "resolve_activity" else 1 for job in jobs)
    assert not order("start_timer").doubtful(activation(explained, *jobs, "local:1"))
    assert order("start_timer").doubtful(activation(explained + 1, *jobs, "local:1"))


def test_nobody_asked_so_nothing_is_doubted() -> None:
    assert not order("start_timer", asked=False).doubtful(activation(40, "signal_workflow", "local:1"))


@pytest.mark.parametrize(
    ("commands", "jobs"), [(("set_patch_marker",), ()), ((), ("resolve_nexus_operation",))], ids=["command", "job"]
)
def test_what_cannot_be_counted_is_doubted(commands: tuple[str, ...], jobs: tuple[str, ...]) -> None:
    assert order(*commands).doubtful(activation(9 + len(jobs), *jobs, "local:1"))


@pytest.mark.parametrize(("outcome", "events"), [("accepted", 1), ("completed", 1), ("rejected", 0)])
def test_what_an_update_leaves_behind(outcome: str, events: int) -> None:
    assert not order(f"update_response:{outcome}").doubtful(activation(8 + events, "local:1"))


def test_markers_of_others_in_the_same_task_are_explained() -> None:
    following = LocalOrder()
    following.doubtful(activation(3, "initialize_workflow"))
    following.answered(answer("schedule_local_activity:1"))
    assert not following.doubtful(activation(3, "local:1"))
    following.answered(answer("schedule_local_activity:2"))
    assert not following.doubtful(activation(3, "query_workflow"))
    assert not following.doubtful(activation(7, "local:2"))


def test_each_task_is_counted_by_itself() -> None:
    following = order("start_timer")
    assert not following.doubtful(activation(9, "query_workflow"))
    following.answered(answer("respond_to_query"))
    assert not following.doubtful(activation(12, "local:1"))
    following = order("start_timer")
    following.doubtful(activation(9, "query_workflow"))
    following.answered(answer("respond_to_query"))
    assert following.doubtful(activation(13, "local:1"))
