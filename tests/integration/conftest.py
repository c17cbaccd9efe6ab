"""Fixtures of the tests on a real Temporal server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.servers import TemporalServer, temporal_server

__all__ = ["temporal_server"]


@pytest.fixture
async def stack(temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Stack]:
    """A product of its own for the test."""
    async with running_stack(temporal_server.address, tmp_path) as running:
        yield running
