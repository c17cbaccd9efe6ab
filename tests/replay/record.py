"""Records the histories that the replay tests keep: `python -m tests.replay.record VERSION [SCENARIO...]`.

Run it once per release, before anything changes, and for a new scenario when what it shows is done.
Histories that are there stay.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tests.integration.stack import running_stack
from tests.replay.scenarios import ACTIVITIES, SCENARIOS
from tests.servers import TemporalServer

HISTORIES = Path(__file__).parent / "histories"
_OF_A_MACHINE = {"identity": "recorder", "stackTrace": "", "sdkName": None, "sdkVersion": None, "workerVersion": None}


_PROCESS = re.compile(r"\d+@")
"""How the SDK names a process, and its sticky task queue: `PID@HOST`."""


async def record(version: str, *names: str) -> None:
    """Run the scenarios, all by default, on a server of their own and write the histories of each run they leave."""
    folder = HISTORIES / version
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        server = TemporalServer(Path(temporary) / "server.log")
        try:
            # Inline, whatever their size: a history that is kept must not need a database that is not.
            running = running_stack(server.address, Path(temporary), payload_threshold=10_000_000)
            async with running as stack, stack.worker(*ACTIVITIES):
                for name, scenario in SCENARIOS.items():
                    if names and name not in names:
                        continue
                    for workflow_id in await scenario(stack):
                        kind = (
                            workflow_id.split("/", 2)[-1].replace("/", "-") if "/thread/" in workflow_id else "session"
                        )
                        for number, history in enumerate(await _runs(stack.bare, workflow_id), start=1):
                            text = json.dumps({"workflow_id": workflow_id, "history": history}, indent=None)
                            (folder / f"{name}-{kind}-{number}.json").write_text(text + "\n", encoding="utf-8")
        finally:
            server.stop()


async def _runs(client: Client, workflow_id: str) -> list[dict[str, Any]]:
    """The histories of the workflow's runs, the first run first, without what tells of this machine."""
    found: list[dict[str, Any]] = []
    run_id: str | None = None
    while True:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        found.insert(0, _scrubbed(history.to_json_dict()))
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run_id:
            return found


def _scrubbed(part: Any) -> Any:
    if isinstance(part, list):
        return [_scrubbed(item) for item in part]
    if isinstance(part, dict):
        return {
            name: _OF_A_MACHINE[name] if name in _OF_A_MACHINE else _scrubbed(value)
            for name, value in part.items()
            if not (name in _OF_A_MACHINE and _OF_A_MACHINE[name] is None)
        }
    return "recorder" if isinstance(part, str) and _PROCESS.match(part) else part


if __name__ == "__main__":
    asyncio.run(record(*sys.argv[1:]))
