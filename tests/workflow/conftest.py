"""One time-skipping server for each test: its clock is shared by all that runs on it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflow.clockwork import Clockwork, clockwork


@pytest.fixture
async def clock(tmp_path: Path) -> AsyncIterator[Clockwork]:
    """A product whose time is moved by the test."""
    binary = Path(sys.executable).parent / "temporal-test-server"
    async with (
        await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(binary)) as environment,
        clockwork(environment, tmp_path) as running,
    ):
        yield running
