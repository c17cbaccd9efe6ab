"""Activities on a task queue, one after the other: a flow beside a hand-written workflow."""

from __future__ import annotations

from functools import partial

from benchmarks import flows, hand
from benchmarks.common import Outcome, Size, take_turns
from benchmarks.stage import stage

BY_HAND = "by hand"
FLOW = "flow"


async def measure(size: Size) -> Outcome:
    """`remote_throughput_ratio` (higher is better) and `remote_events_ratio` (lower is better)."""
    async with stage(size) as on:
        session = await on.start_session()
        contenders = {
            BY_HAND: partial(on.run_by_hand, hand.RemoteJob.run, size.steps, result=size.steps),
            FLOW: partial(on.run_flow, session, flows.chain(size.steps, "remote"), result=size.steps),
        }
        outcome = await take_turns(size.runs, contenders)
    outcome.ratios = {
        "remote_throughput_ratio": outcome.ratio("seconds", BY_HAND, FLOW),
        "remote_events_ratio": outcome.ratio("events", FLOW, BY_HAND),
    }
    return outcome
