"""Recorded histories replay: a worker of this version can take over what earlier ones began."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

import tests.replay.scenarios  # noqa: F401 registers the inline functions that the histories call
from threadloom.converter import ThreadloomPayloadConverter
from threadloom.runner import ThreadloomRunner
from workflows.resource_pool.workflow import ResourcePoolWorkflow
from workflows.session.workflow import SessionWorkflow
from workflows.thread.workflow import ThreadWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*/*.json"))


def replayer(*workflows: type, data_converter: DataConverter | None = None) -> Replayer:
    return Replayer(
        workflows=list(workflows),
        data_converter=data_converter
        or replace(DataConverter.default, payload_converter_class=ThreadloomPayloadConverter),
        unsandboxed_workflow_runner=ThreadloomRunner(UnsandboxedWorkflowRunner()),
    )


def recorded(path: Path) -> WorkflowHistory:
    stored = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(stored["workflow_id"], stored["history"])


def test_there_are_histories_of_all_workflows_and_of_later_runs() -> None:
    names = {path.name for path in HISTORIES}
    assert {"pools-pool-1.json", "pools-pool-2.json"} <= names
    assert {"branches-session-1.json", "runs-session-2.json", "troubles-session-1.json"} <= names
    assert any("thread" in name and name.endswith("-2.json") for name in names)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    await replayer(SessionWorkflow, ThreadWorkflow, ResourcePoolWorkflow).replay_workflow(recorded(path))


@workflow.defn(name="ThreadWorkflow", sandboxed=False)
class Changed:
    """Thread code that was changed without a patch: it begins with a timer."""

    @workflow.run
    async def run(self, *args: Any) -> Any:
        await workflow.sleep(1)


async def test_a_history_does_not_replay_on_code_that_does_something_else() -> None:
    path = next(path for path in HISTORIES if path.name.startswith("branches-") and "thread" in path.name)
    with pytest.raises(workflow.NondeterminismError):
        await replayer(SessionWorkflow, Changed).replay_workflow(recorded(path))


def test_the_histories_tell_nothing_of_the_machine_that_made_them() -> None:
    for path in HISTORIES:
        text = path.read_text(encoding="utf-8")
        assert '"identity": "recorder"' in text
        assert not re.search(r"\d+@\w", text)
