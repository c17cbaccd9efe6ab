"""What a job's own history says: how long it took, and how many events."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from benchmarks.common import Sample


@dataclass(frozen=True, kw_only=True)
class Job:
    """A workflow that has ended, over all its runs.

    Attributes:
        seconds: From its start to its end, by the server's clock.
        events: Of each run, in order.
        last_input: What its last run started with.
    """

    seconds: float
    events: list[int]
    last_input: list[Payload]

    def sample(self, wall_seconds: float) -> Sample:
        """Its figures, with the time that its starter saw."""
        return {"seconds": self.seconds, "wall_seconds": wall_seconds, "events": sum(self.events)}


async def read_job(client: Client, workflow_id: str) -> Job:
    """Read the histories of a workflow's runs, from the last one back to the first."""
    runs: list[list[HistoryEvent]] = []
    run_id: str | None = None
    while run_id != "":
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        runs.insert(0, list(history.events))
        run_id = runs[0][0].workflow_execution_started_event_attributes.continued_execution_run_id
    return Job(
        seconds=_time(runs[-1][-1]) - _time(runs[0][0]),
        events=[len(run) for run in runs],
        last_input=list(runs[-1][0].workflow_execution_started_event_attributes.input.payloads),
    )


def _time(event: HistoryEvent) -> float:
    return event.event_time.ToMicroseconds() / 1e6
