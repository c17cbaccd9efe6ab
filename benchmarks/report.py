"""What was found, for people and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.common import Outcome, Sample, Size

AT_LEAST, AT_MOST = "≥", "≤"
REACHED, MISSED = "reached", "missed"

TARGETS = {
    "remote_throughput_ratio": (AT_LEAST, 0.95),
    "remote_events_ratio": (AT_MOST, 1.04),
    "local_ratio": (AT_LEAST, 0.9),
    "fused_ratio": (AT_LEAST, 4.0),
    "fused_vs_best_peer": (AT_LEAST, 1.0),
    "parallel_ratio": (AT_LEAST, 0.9),
    "loop_last_vs_first": (AT_MOST, 1.2),
    "idle_memory_ratio": (AT_MOST, 1.3),
    "session_threads_ratio": (AT_LEAST, 0.9),
    "session_events_per_thread": (AT_MOST, 8.0),
    "command_latency_ratio": (AT_MOST, 1.5),
}
"""What each ratio is to reach."""

BESIDES = {"loop_peak_events": (AT_MOST, 4_096.0), "session_events_with_pause": (AT_MOST, 14.0)}
"""What else is to hold: how long a run's history may become, and what a thread costs its session that is paused."""


def as_json(size: Size, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """One document: `ratios` (null where not measured), `besides`, `targets`, `missed`, and every run's figures."""
    found = _found(outcomes)
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "temporalio": version("temporalio"),
        },
        "size": vars(size),
        "ratios": {name: found.get(name) for name in TARGETS},
        "besides": {name: value for name, value in found.items() if name not in TARGETS},
        "targets": {name: f"{bound} {value:g}" for name, (bound, value) in (TARGETS | BESIDES).items()},
        "missed": sorted(name for name, value in found.items() if not _reached(name, value)),
        "benchmarks": {
            name: {"medians": outcome.medians(), "runs": outcome.samples, "notes": outcome.notes}
            for name, outcome in outcomes.items()
        },
    }


def print_tables(size: Size, outcomes: Mapping[str, Outcome], console: Console) -> None:
    """The figures of each contender, then the ratios."""
    console.print(_figures(size, outcomes))
    ratios = Table(title="Ratios", title_justify="left")
    ratios.add_column("ratio")
    ratios.add_column("measured", justify="right")
    ratios.add_column("to reach", justify="right")
    ratios.add_column()
    for name, measured, target, verdict in _verdicts(outcomes):
        ratios.add_row(name, measured, target, f"[red]{verdict}[/red]" if verdict == MISSED else verdict)
    console.print(ratios)
    for name, outcome in outcomes.items():
        for note in outcome.notes:
            console.print(f"{name}: {note}")


def as_markdown(outcomes: Mapping[str, Outcome]) -> str:
    """The same as two tables in Markdown, for `docs/performance.md`."""
    lines = ["| ratio | measured | to reach | |", "|---|---|---|---|"]
    lines += [f"| `{row[0]}` | {' | '.join(row[1:])} |" for row in _verdicts(outcomes)]
    lines += ["", "| benchmark | how | figures |", "|---|---|---|"]
    for name, outcome in outcomes.items():
        lines += [f"| `{name}` | {how} | {_shown(figures)} |" for how, figures in outcome.medians().items()]
    return "\n".join(lines)


def _figures(size: Size, outcomes: Mapping[str, Outcome]) -> Table:
    table = Table(title=f"Medians of {size.runs} run{'s' * (size.runs != 1)}", title_justify="left")
    table.add_column("benchmark")
    table.add_column("how")
    table.add_column("figures")
    for name, outcome in outcomes.items():
        for place, (contender, figures) in enumerate(outcome.medians().items()):
            table.add_row(name if place == 0 else "", contender, _shown(figures))
        table.add_section()
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 1_000 else f"{value:.3g}"


def _shown(figures: Sample) -> str:
    return ", ".join(f"{figure.replace('_', ' ')} {_number(value)}" for figure, value in figures.items())


def _verdicts(outcomes: Mapping[str, Outcome]) -> list[tuple[str, str, str, str]]:
    """Name, figure, target and verdict of what was found; the last two are empty where there is no target."""
    rows = []
    for name, value in _found(outcomes).items():
        bound, wanted = (TARGETS | BESIDES).get(name, ("", None))
        target = "" if wanted is None else f"{bound} {_number(wanted)}"
        verdict = "" if wanted is None else REACHED if _reached(name, value) else MISSED
        rows.append((name, _number(value), target, verdict))
    return rows


def _found(outcomes: Mapping[str, Outcome]) -> dict[str, float]:
    return {name: value for outcome in outcomes.values() for name, value in outcome.ratios.items()}


def _reached(name: str, value: float) -> bool:
    bound, wanted = (TARGETS | BESIDES).get(name, (AT_LEAST, value))
    return value >= wanted if bound == AT_LEAST else value <= wanted
