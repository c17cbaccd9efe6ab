"""A server that goes away while a client is connected."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking
from tests.integration.stack import running_stack
from tests.servers import TemporalServer
from threadloom import Threadloom, open_threadloom


async def test_every_call_says_so_within_ten_seconds(tmp_path: Path, new_id: str) -> None:
    server = TemporalServer(tmp_path / "server.log")
    try:
        async with running_stack(server.address, tmp_path) as stack:
            loom = Threadloom(stack.client, stack.backend, stack.settings, "ann")
            session, thread = loom.session(new_id), loom.session(new_id).thread("t")
            await asyncio.to_thread(server.stop)
            began = time.monotonic()
            outcomes = await asyncio.gather(
                session.describe(),
                session.threads(),
                session.pause(),
                session.create_thread(asking(), input={"word": "hello"}),
                thread.describe(),
                thread.result(wait=True),
                thread.decide("ask", "yes"),
                loom.start_session(),
                return_exceptions=True,
            )
            assert time.monotonic() - began < 10
            assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["SERVER_UNREACHABLE"] * 8
            assert server.address in str(outcomes[0])
            with pytest.raises(ThreadloomError, match=rf"SERVER_UNREACHABLE.*{server.address}"):
                async with open_threadloom(stack.settings, address=server.address):
                    pass
    finally:
        server.stop()


async def test_a_namespace_that_does_not_exist_is_no_missing_session(
    loom: Threadloom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    with pytest.raises(ThreadloomError, match=r"SERVER_UNREACHABLE.*nowhere"):
        async with open_threadloom(loom.settings, address=loom.client.service_client.config.target_host) as elsewhere:
            await elsewhere.session("s").describe()
