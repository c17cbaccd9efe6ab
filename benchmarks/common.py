"""Pairs and medians: how every benchmark measures, and what it hands to the report."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

Sample = dict[str, float]
"""One run's figures by name: `seconds`, `wall_seconds`, `events`, …"""

Contender = Callable[[], Awaitable[Sample]]
"""Does a job once and measures it."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much the benchmarks do.

    Attributes:
        runs: Measured runs of each contender.
        steps: Activities of a job.
        children: Threads, or child workflows, in parallel; each has `child_steps` activities.
        threads: Of a session that gets them done.
        visits: Of the loop; the first and the last tenth of them are compared.
        idle: Threads, or workflows, that wait.
        throttled: Whether the server looks for new tasks 20 times a second, as it does by itself.
    """

    runs: int = 5
    steps: int = 100
    children: int = 50
    child_steps: int = 20
    threads: int = 200
    visits: int = 10_000
    idle: int = 1_000
    throttled: bool = True


SMOKE = Size(runs=1, steps=5, children=3, child_steps=2, threads=10, visits=200, idle=50)
"""Only shows that every benchmark still runs: its figures mean nothing."""


@dataclass(kw_only=True)
class Outcome:
    """What a benchmark found.

    Attributes:
        samples: Of each contender, in the order of the runs: those at one place were measured in turn.
        ratios: Medians over the runs.
        notes: What else a reader should know.
    """

    samples: dict[str, list[Sample]]
    ratios: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def medians(self) -> dict[str, Sample]:
        """The median of every figure, by contender."""
        return {
            name: {figure: median(run[figure] for run in runs) for figure in runs[0]}
            for name, runs in self.samples.items()
        }

    def ratio(self, figure: str, upper: str, lower: str) -> float:
        """The median over the runs of one contender's figure divided by another's."""
        pairs = zip(self.samples[upper], self.samples[lower], strict=True)
        return median(one[figure] / other[figure] for one, other in pairs)


async def take_turns(runs: int, contenders: Mapping[str, Contender], *, warm_up: bool = True) -> Outcome:
    """Measure every contender `runs` times, in turn.

    What else the machine does then falls on all alike, and so does coming first: the order is
    turned round from one run to the next.

    Args:
        runs: How often.
        contenders: By name.
        warm_up: Run each once before, for nothing: the first job of a process pays for what is imported late.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for name in contenders if warm_up else ():
        progress(f"warming up: {name}")
        await contenders[name]()
    names = list(contenders)
    for run in range(1, runs + 1):
        for name in names:
            sample = await contenders[name]()
            samples[name].append(sample)
            progress(f"run {run}/{runs}: {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in sample.items()))
        names.reverse()
    return Outcome(samples=samples)


def progress(text: str) -> None:
    """Tell people how far it is; standard output belongs to the result."""
    print(text, file=sys.stderr, flush=True)
