"""A long loop: it gets no slower, no history grows long, and what a run hands to the next stays small."""

from __future__ import annotations

import uuid
from statistics import median

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from benchmarks import flows
from benchmarks.common import Outcome, Sample, Size, progress
from benchmarks.history import read_job
from benchmarks.stage import Stage, stage
from domain.ids import thread_workflow_id
from threadloom.session import SessionHandle

BALLAST = 50_000
"""Characters of a variable that the thread carries along and never changes."""

LOOP = "flow, a local node and a decision"


async def measure(size: Size) -> Outcome:
    """`loop_last_vs_first`: the time of the last tenth of the visits, divided by that of the first tenth."""
    samples = []
    async with stage(size) as on:
        session = await on.start_session()
        # The first of a process pays for what is imported late.
        await on.run_flow(session, flows.loop(size.visits // 10, BALLAST), result=size.visits // 10)
        for run in range(1, size.runs + 1):
            samples.append(await _run(on, session, size.visits))
            progress(f"run {run}/{size.runs}: " + ", ".join(f"{key} {value:.4g}" for key, value in samples[-1].items()))
    ratio = median(sample["last_seconds"] / sample["first_seconds"] for sample in samples)
    peak = max(sample["peak_events"] for sample in samples)
    return Outcome(samples={LOOP: samples}, ratios={"loop_last_vs_first": ratio, "loop_peak_events": peak})


async def _run(on: Stage, session: SessionHandle, visits: int) -> Sample:
    thread_id = f"t-{uuid.uuid4().hex}"
    await session.create_thread(flows.loop(visits, BALLAST), thread_id=thread_id)
    thread = session.thread(thread_id)
    await thread.result(wait=True)
    executions = [each for each in (await thread.executions()).executions if each.node == "work"]
    if len(executions) != visits:
        raise RuntimeError(f"{len(executions)} visits were recorded instead of {visits}")
    times = [each.started_at.timestamp() for each in executions]
    job = await read_job(on.bare, thread_workflow_id(session.session_id, thread_id))
    tenth = visits // 10
    return {
        "seconds": job.seconds,
        "first_seconds": times[tenth] - times[0],
        "last_seconds": times[-1] - times[-1 - tenth],
        "events": sum(job.events),
        "peak_events": max(job.events),
        "runs": len(job.events),
        "state_bytes": await _size(on.loom.client, job.last_input),
    }


async def _size(client: Client, payloads: list[Payload]) -> int:
    """Bytes of what a run started with, fetched from the payload store where it was put there."""
    values = await client.data_converter.decode(payloads, [RawValue] * len(payloads))
    return sum(len(value.payload.data) for value in values)
