"""Whether the end of a local activity comes where a replay will put it.

The SDK's core (1.35) answers a query while a local activity is running, and completes the workflow task
with the answer. When the activity ends between the two, the completion carries its marker, but the workflow
hears of the end only in its next task, behind what else has come: a replay reads the marker where it is
and hears of the end before that. The workflow has then gone another way than its history says, and no
worker can replay it. Measured with the bare SDK, docs/adr/0019.
"""

from __future__ import annotations

from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

_TASK_EVENTS = 3
"""Of each workflow task: the last one completed, this one scheduled and started."""

_JOB_EVENTS = {
    "cancel_workflow": 1,
    "do_update": 0,
    "fire_timer": 1,
    "query_workflow": 0,
    "resolve_activity": 2,
    "resolve_child_workflow_execution": 1,
    "resolve_child_workflow_execution_start": 1,
    "resolve_request_cancel_external_workflow": 1,
    "resolve_signal_external_workflow": 1,
    "signal_workflow": 1,
    "update_random_seed": 0,
}
"""Events of history behind what a task brings."""

_COMMAND_EVENTS = {
    "cancel_child_workflow_execution": 1,
    "cancel_timer": 1,
    "modify_workflow_properties": 1,
    "request_cancel_activity": 1,
    "request_cancel_external_workflow_execution": 1,
    "request_cancel_local_activity": 0,
    "respond_to_query": 0,
    "schedule_activity": 1,
    "schedule_local_activity": 0,
    "signal_external_workflow_execution": 1,
    "start_child_workflow_execution": 1,
    "start_timer": 1,
    "upsert_workflow_search_attributes": 1,
}
"""Events that a workflow's commands become when its task is completed."""


class LocalOrder:
    """Follows one workflow's activations, and tells the one whose order a replay may not repeat.

    A task that was answered while local activities were running has as many events behind it as its
    commands and the next one's jobs explain. One more is a marker: the activity had ended before. What
    cannot be counted is taken for that as well, since to ask the history costs little.
    """

    def __init__(self) -> None:
        self._task = 0
        self._events: int | None = 0
        self._running: dict[int, bool] = {}

    def doubtful(self, act: WorkflowActivation) -> bool:
        """Whether the workflow has to be replayed instead of being given this activation."""
        local = [job.resolve_activity.seq for job in act.jobs if _is_local(job)]
        asked = True in [self._running.pop(seq, False) for seq in local]
        new = act.history_length - self._task
        explained = _sum([self._events, _TASK_EVENTS, *map(_of_job, act.jobs)])
        if self._running and any(job.HasField("query_workflow") for job in act.jobs):
            self._running = dict.fromkeys(self._running, True)
        if new:
            self._task, self._events = act.history_length, 0
        self._events = _sum([self._events, len(local)])
        return asked and bool(new) and new != explained

    def answered(self, completion: WorkflowActivationCompletion) -> None:
        """The workflow has answered the activation with these commands."""
        commands = completion.successful.commands
        self._events = _sum([self._events, *map(_of_command, commands)])
        for command in commands:
            if command.HasField("schedule_local_activity"):
                self._running[command.schedule_local_activity.seq] = False


def _is_local(job: WorkflowActivationJob) -> bool:
    return job.HasField("resolve_activity") and job.resolve_activity.is_local


def _of_job(job: WorkflowActivationJob) -> int | None:
    return 0 if _is_local(job) else _JOB_EVENTS.get(job.WhichOneof("variant") or "")


def _of_command(command: WorkflowCommand) -> int | None:
    kind = command.WhichOneof("variant") or ""
    if kind == "update_response":
        return 0 if command.update_response.HasField("rejected") else 1
    return _COMMAND_EVENTS.get(kind)


def _sum(counts: list[int | None]) -> int | None:
    """All together; None when one of them is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
