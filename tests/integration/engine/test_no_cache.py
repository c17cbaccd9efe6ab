"""Without a cache every step of a workflow replays it from its start: the same scenarios, the same ends."""

from __future__ import annotations

import pytest

from tests.integration.hostile.odd import HARMLESS, failed_tasks
from tests.integration.stack import Stack
from tests.replay.scenarios import ACTIVITIES, SCENARIOS


# Without a cache the SDK's core evicts a workflow while a local activity of it runs, and cancels that when it
# may have ended already.
@pytest.mark.filterwarnings("ignore:Cannot find activity to cancel")
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_runs_when_every_step_replays(stack: Stack, name: str) -> None:
    async with stack.worker(*ACTIVITIES, max_cached_workflows=0):
        for workflow_id in await SCENARIOS[name](stack):
            assert set(await failed_tasks(stack.bare.get_workflow_handle(workflow_id))) <= HARMLESS
