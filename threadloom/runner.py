"""The workflow runner: Temporal's own, with what would make a workflow's task fail for ever kept from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from threadloom.converter import WorkflowPayloadConverter
from threadloom.local_order import LocalOrder
from threadloom.payloads import TOO_LARGE_ENCODING

OWN = ("SessionWorkflow", "ThreadWorkflow", "ResourcePoolWorkflow")
"""The product's workflows, by type. They run without the sandbox: see docs/adr/0020."""


class ThreadloomRunner(WorkflowRunner):
    """Drops updates whose arguments are too large, and has a workflow replayed whose order is in doubt.

    The server lets an update of 2 to 4 MiB through. Whether the workflow accepts or rejects it, its
    answer repeats the arguments, and over an answer that large the server fails the workflow's task
    or even terminates the workflow. An update that the worker does not answer at all, the server
    refuses by itself, to its sender alone.

    An end of a local activity that may have come in another order than a replay will give it (see
    `threadloom.local_order`) fails the task once: the next attempt begins from the history.

    The product's own workflows are told of a payload that nobody can read; those of a team fail over
    it as they are used to.

    Args:
        runner: Runs the workflows.
    """

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: workflow._Definition) -> None:
        """See the base class."""
        self._runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """See the base class."""
        self._runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See the base class."""
        if det.info.workflow_type in OWN:
            det = replace(det, payload_converter_factory=WorkflowPayloadConverter)
        return _Guarded(self._runner.create_instance(det))


class _Guarded(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self._order = LocalOrder()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        kept = [job for job in act.jobs if not _too_large(job)]
        if len(kept) < len(act.jobs):
            copies = [WorkflowActivationJob.FromString(job.SerializeToString()) for job in kept]
            del act.jobs[:]
            act.jobs.extend(copies)
        if self._order.doubtful(act):
            return _again(act)
        completion = self._instance.activate(act)
        self._order.answered(completion)
        return completion

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> workflow.Info:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()


def _again(act: WorkflowActivation) -> WorkflowActivationCompletion:
    """Fail the task, so that the workflow is replayed."""
    completion = WorkflowActivationCompletion(run_id=act.run_id)
    completion.failed.failure.message = "a query was answered while a local activity ended; the history tells the order"
    completion.failed.force_cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE
    return completion


def _too_large(job: WorkflowActivationJob) -> bool:
    if not job.HasField("do_update"):
        return False
    return any(payload.metadata.get("encoding") == TOO_LARGE_ENCODING for payload in job.do_update.input)
