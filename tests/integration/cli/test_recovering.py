"""A session whose workflow is lost, recovered from a shell."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from temporalio.client import Client

from tests.integration.cli.conftest import CommandLine, eventually

FLOW = {
    "flow": "patient",
    "version": "1",
    "start": "hear",
    "nodes": {"hear": {"kind": "receive", "name": "go", "next": "done"}, "done": {"kind": "end"}},
}


async def terminate(address: str, session_id: str) -> None:
    client = await Client.connect(address)
    await client.get_workflow_handle(f"session/{session_id}").terminate(reason="by mistake")


def test_a_session_that_was_ended_by_force_goes_on(cli: CommandLine, tmp_path: Path) -> None:
    flow = tmp_path / "patient.json"
    flow.write_text(json.dumps(FLOW))
    assert cli("session", "recover", "night").status == 1
    cli.json("session", "start", "night", "--title", "Night")
    for thread in ("one", "two"):
        cli.json("thread", "start", "night", flow, "--id", thread)
    runs = cli("session", "recover", "night", "--json")
    assert (runs.status, runs.json["error"]["code"]) == (1, "ILLEGAL_TRANSITION")
    assert "session sync" in runs.err

    asyncio.run(terminate(cli.env["TEMPORAL_ADDRESS"], "night"))
    assert cli.json("session", "show", "night")["status"] == "terminated"
    how = ("session", "recover", "night", "--command-id", "back", "--actor", "ann", "--reason", "a mistake", "--wait")
    back = cli.json(*how)
    assert set(back) == {"session_id", "status", "source", "threads", "adopted", "ended", "lost"}
    assert (back["status"], back["source"]) == ("active", "state")
    assert (back["adopted"], back["ended"], back["lost"]) == (2, 0, [])
    assert back["threads"]["running"] == 2
    assert cli.json(*how) == back
    said = cli("session", "recover", "night", "--command-id", "back", "--actor", "ann", "--reason", "a mistake").out
    assert "2 threads go on" in said

    cli.json("thread", "send", "night", "one", "1", "--name", "go")
    cli.json("thread", "cancel", "night", "two")
    shown = eventually(
        lambda: cli.json("session", "show", "night"),
        lambda seen: seen["threads"]["completed"] == seen["threads"]["cancelled"] == 1,
    )
    assert (shown["title"], shown["status"]) == ("Night", "active")
    (record,) = cli.json("session", "history", "night", "--type", "session_restored")["records"]
    assert (record["actor"], record["reason"], record["details"]["adopted"]) == ("ann", "a mistake", 2)
    cli.json("session", "close", "night", "--wait")
    closed = cli("session", "recover", "night", "--json")
    assert (closed.status, closed.json["error"]["code"]) == (1, "ILLEGAL_TRANSITION")
