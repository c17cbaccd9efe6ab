"""The plugin that puts Threadloom into a Temporal client or worker: the product's own, or a team's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, DefaultPayloadConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import ReplayerConfig, UnsandboxedWorkflowRunner, Worker, WorkerConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.branching import BranchingActivities
from activities.local import LocalActivities
from activities.messaging import MessagingActivities
from activities.records import RecordActivities
from activities.recovering import RecoveryActivities
from activities.supervision import SupervisionActivities
from domain.ports import Secrets
from threadloom import search_attributes
from threadloom.backend import Backend
from threadloom.converter import ThreadloomPayloadConverter
from threadloom.payloads import ForgivingDataConverter, external_storage
from threadloom.runner import ThreadloomRunner
from threadloom.secrets import EnvironmentSecrets
from workflows.resource_pool.workflow import ResourcePoolWorkflow
from workflows.session.workflow import SessionWorkflow
from workflows.thread.workflow import ThreadWorkflow

PASSED_THROUGH = (
    # What a team's workflows may import of the product: imported anew for each of them it would cost a hundred
    # kibibytes. The product's own workflows run without a sandbox.
    "activities",
    "domain",
    "threadloom",
    "workflows",
    # What that uses: pure libraries whose import is slow.
    "attrs",
    "jinja2",
    "jsonschema",
    "jsonschema_specifications",
    "markupsafe",
    "referencing",
    "rpds",
)
"""Modules that a workflow sandbox takes from outside instead of importing them again."""


class ThreadloomPlugin(SimplePlugin):
    """Adds the workflows, their activities and the data converter.

    Give it to `Client.connect(plugins=[…])`; workers made with that client take it over. An existing
    data converter keeps its codec and failure converter.

    Args:
        backend: The database behind records and payloads; see `threadloom.backend`.
        payload_threshold: Bytes from which a payload goes to the payload store.
        secrets: What `http` nodes refer to; the process's environment variables by default.
    """

    def __init__(self, backend: Backend, *, payload_threshold: int = 32 * 1024, secrets: Secrets | None = None) -> None:
        self._backend = backend
        self._secrets = secrets or EnvironmentSecrets()
        self._threshold = payload_threshold

        @asynccontextmanager
        async def upgraded() -> AsyncIterator[None]:
            await backend.upgrade()
            yield

        super().__init__(
            "threadloom.ThreadloomPlugin",
            data_converter=self._data_converter,
            workflows=[SessionWorkflow, ThreadWorkflow, ResourcePoolWorkflow],
            workflow_runner=_runner,
            run_context=upgraded,
        )

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Add the product's activities, which need the worker's own client."""
        # Late: clients that run no worker need no HTTP client, and it takes a tenth of a second to import.
        from activities.http import HttpActivities

        config = super().configure_worker(config)
        config["unsandboxed_workflow_runner"] = _own_runner(config.get("unsandboxed_workflow_runner"))
        # The SDK's own check of sizes would fail a workflow's task until somebody gives up; what is too large
        # is kept out (see `ThreadloomRunner`) or refused by the server in one go.
        config["disable_payload_error_limit"] = True
        client = config["client"]
        branching = BranchingActivities(client, self._backend.records)
        messaging = MessagingActivities(client, self._backend.records)
        records = RecordActivities(self._backend.records)
        recovery = RecoveryActivities(client, self._backend.records)
        supervision = SupervisionActivities(client)
        functions = list(config.get("activities", []))
        converter = client.data_converter.payload_converter
        config["activities"] = [
            *functions,
            LocalActivities(functions, converter, config.get("activity_executor")).run,
            branching.prepare,
            messaging.deliver,
            messaging.outcomes,
            records.record_batch,
            recovery.recover,
            supervision.reconcile,
            supervision.terminate,
            supervision.find_holders,
            supervision.turn,
            HttpActivities(self._secrets).request,
        ]
        return config

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        """Replay as a worker runs; see the base class."""
        config = super().configure_replayer(config)
        config["unsandboxed_workflow_runner"] = _own_runner(config.get("unsandboxed_workflow_runner"))
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """Run the worker, its search attributes registered; then close its HTTP connections; see the base class."""
        from activities.http import HttpActivities

        await search_attributes.register(worker.client)
        try:
            await super().run_worker(worker, next)
        finally:
            owners = [getattr(each, "__self__", None) for each in worker.config(active_config=True)["activities"]]
            for owner in owners:
                if isinstance(owner, HttpActivities):
                    await owner.close()

    def _data_converter(self, existing: DataConverter | None) -> DataConverter:
        existing = existing or DataConverter.default
        replaceable = (DefaultPayloadConverter, PydanticPayloadConverter, ThreadloomPayloadConverter)
        if existing.payload_converter_class not in replaceable:
            name = existing.payload_converter_class.__name__
            raise ValueError(f"ThreadloomPlugin needs its own payload converter and cannot replace {name}")
        return ForgivingDataConverter(
            payload_converter_class=ThreadloomPayloadConverter,
            payload_codec=existing.payload_codec,
            failure_converter_class=existing.failure_converter_class,
            external_storage=external_storage(self._backend.payload_driver, self._threshold),
        )


def _runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    """For a team's workflows, in the sandbox that it has chosen."""
    if existing is None or isinstance(existing, SandboxedWorkflowRunner):
        sandbox = existing or SandboxedWorkflowRunner()
        existing = replace(sandbox, restrictions=sandbox.restrictions.with_passthrough_modules(*PASSED_THROUGH))
    return ThreadloomRunner(existing)


def _own_runner(existing: WorkflowRunner | None) -> WorkflowRunner:
    """For workflows without a sandbox: the product's, and those that a team has taken out of it."""
    return ThreadloomRunner(existing or UnsandboxedWorkflowRunner())
