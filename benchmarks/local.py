"""Work beside the workflow: local nodes, fused and not, and inline ones, beside hand-written local activities."""

from __future__ import annotations

from functools import partial

from benchmarks import flows, hand
from benchmarks.common import Outcome, Size, take_turns
from benchmarks.stage import stage

BY_HAND = "by hand, local activities"
UNFUSED = "flow, local"
FUSED = "flow, local and fused"
INLINE = "flow, inline"


async def measure(size: Size) -> Outcome:
    """`local_ratio` (unfused), `fused_ratio` and `inline_ratio`, all in throughput: higher is better."""
    async with stage(size) as on:
        session = await on.start_session()
        run_flow = partial(on.run_flow, session, result=size.steps)
        contenders = {
            BY_HAND: partial(on.run_by_hand, hand.LocalJob.run, size.steps, result=size.steps),
            UNFUSED: partial(run_flow, flows.chain(size.steps, "local", name="chain-unfused", fused=1)),
            FUSED: partial(run_flow, flows.chain(size.steps, "local")),
            INLINE: partial(run_flow, flows.chain(size.steps, "inline")),
        }
        outcome = await take_turns(size.runs, contenders)
    outcome.ratios = {
        "local_ratio": outcome.ratio("seconds", BY_HAND, UNFUSED),
        "fused_ratio": outcome.ratio("seconds", BY_HAND, FUSED),
        "inline_ratio": outcome.ratio("seconds", BY_HAND, INLINE),
    }
    return outcome
