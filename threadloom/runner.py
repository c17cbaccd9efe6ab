"""The workflow runner: Temporal's sandbox, with our modules passed through and no update too large to answer."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from threadloom.payloads import TOO_LARGE_ENCODING


class ThreadloomRunner(SandboxedWorkflowRunner):
    """Drops updates whose arguments are too large, before the workflow sees them.

    The server lets an update of 2 to 4 MiB through. Whether the workflow accepts or rejects it, its
    answer repeats the arguments, and over an answer that large the server fails the workflow's task
    or even terminates the workflow. An update that the worker does not answer at all, the server
    refuses by itself, to its sender alone.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See the base class."""
        return _Guarded(super().create_instance(det))


class _Guarded(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        kept = [job for job in act.jobs if not _too_large(job)]
        if len(kept) < len(act.jobs):
            copies = [WorkflowActivationJob.FromString(job.SerializeToString()) for job in kept]
            del act.jobs[:]
            act.jobs.extend(copies)
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> workflow.Info:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()


def _too_large(job: WorkflowActivationJob) -> bool:
    if not job.HasField("do_update"):
        return False
    return any(payload.metadata.get("encoding") == TOO_LARGE_ENCODING for payload in job.do_update.input)
