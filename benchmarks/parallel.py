"""Fifty threads of one spawn beside fifty child workflows of one hand-written parent, the same job in each."""

from __future__ import annotations

from functools import partial

from benchmarks import flows, hand
from benchmarks.common import Outcome, Size, take_turns
from benchmarks.stage import stage

BY_HAND = "by hand, child workflows"
FLOW = "flow, spawn and join"


async def measure(size: Size) -> Outcome:
    """`parallel_ratio`, in throughput from the parent's start to its end: higher is better."""
    results = [size.child_steps] * size.children
    async with stage(size) as on:
        session = await on.start_session()
        await on.loom.flows.register(flows.chain(size.child_steps, "remote", name="child"))
        parent = flows.parallel(size.children, "child@1")
        contenders = {
            BY_HAND: partial(on.run_by_hand, hand.ParallelJob.run, size.children, size.child_steps, result=results),
            FLOW: partial(on.run_flow, session, parent, result=results),
        }
        outcome = await take_turns(size.runs, contenders)
    outcome.ratios = {"parallel_ratio": outcome.ratio("seconds", BY_HAND, FLOW)}
    return outcome
