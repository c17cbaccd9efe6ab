"""Without a cache every step of a workflow replays it from its start: the same scenarios, the same ends."""

from __future__ import annotations

import pytest

from tests.integration.stack import Stack
from tests.replay.scenarios import ACTIVITIES, SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_runs_when_every_step_replays(stack: Stack, name: str) -> None:
    async with stack.worker(*ACTIVITIES, max_cached_workflows=0):
        for workflow_id in await SCENARIOS[name](stack):
            history = await stack.bare.get_workflow_handle(workflow_id).fetch_history()
            assert not [
                event.workflow_task_failed_event_attributes.failure.message
                for event in history.events
                if event.HasField("workflow_task_failed_event_attributes")
                and event.workflow_task_failed_event_attributes.failure.message != "UnhandledCommand"
            ]
