"""What benchmarks make of their samples."""

from __future__ import annotations

import io

from rich.console import Console

from benchmarks.common import Outcome, Sample, Size, take_turns
from benchmarks.report import as_json, as_markdown, print_tables

OURS, THEIRS = "flow", "by hand"


def outcome(**ratios: float) -> Outcome:
    return Outcome(samples={OURS: [{"seconds": 2.0, "events": 12}]}, ratios=ratios)


async def test_contenders_are_measured_in_turn_and_none_is_always_the_first() -> None:
    order: list[str] = []

    def contender(name: str) -> Sample:
        order.append(name)
        return {"seconds": float(len(order))}

    async def ours() -> Sample:
        return contender(OURS)

    async def theirs() -> Sample:
        return contender(THEIRS)

    found = await take_turns(3, {OURS: ours, THEIRS: theirs})
    assert order == [OURS, THEIRS, OURS, THEIRS, THEIRS, OURS, OURS, THEIRS]
    assert found.samples == {
        OURS: [{"seconds": 3.0}, {"seconds": 6.0}, {"seconds": 7.0}],
        THEIRS: [{"seconds": 4.0}, {"seconds": 5.0}, {"seconds": 8.0}],
    }


def test_a_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() -> None:
    slow, fast = [2.0, 30.0, 4.0], [1.0, 10.0, 5.0]
    found = Outcome(samples={THEIRS: [{"seconds": each} for each in slow], OURS: [{"seconds": each} for each in fast]})
    assert found.ratio("seconds", THEIRS, OURS) == 2.0
    assert found.medians() == {THEIRS: {"seconds": 4.0}, OURS: {"seconds": 5.0}}


def test_the_document_has_every_ratio_and_tells_which_were_missed() -> None:
    found = {"remote": outcome(remote_throughput_ratio=0.95, remote_events_ratio=1.05), "local": outcome(local_ratio=2)}
    document = as_json(Size(), found)
    assert document["ratios"] == {
        "remote_throughput_ratio": 0.95,
        "remote_events_ratio": 1.05,
        "local_ratio": 2,
        "fused_ratio": None,
        "fused_vs_best_peer": None,
        "parallel_ratio": None,
        "loop_last_vs_first": None,
        "idle_memory_ratio": None,
        "session_threads_ratio": None,
        "session_events_per_thread": None,
        "command_latency_ratio": None,
    }
    assert document["missed"] == ["remote_events_ratio"]
    assert document["benchmarks"]["remote"]["runs"] == {OURS: [{"seconds": 2.0, "events": 12}]}


def test_a_history_of_the_loop_that_is_too_long_is_a_miss_too() -> None:
    document = as_json(Size(), {"loop": outcome(loop_last_vs_first=1.0, loop_peak_events=4_097.0)})
    assert document["missed"] == ["loop_peak_events"]
    assert document["besides"] == {"loop_peak_events": 4_097.0}


def test_people_see_the_ratios_that_were_measured() -> None:
    shown = io.StringIO()
    print_tables(Size(), {"remote": outcome(remote_throughput_ratio=0.5)}, Console(file=shown, width=100))
    assert "remote_throughput_ratio" in shown.getvalue()
    assert "missed" in shown.getvalue()
    assert "parallel_ratio" not in shown.getvalue()


def test_the_tables_of_the_page_say_the_same() -> None:
    lines = as_markdown({"remote": outcome(remote_throughput_ratio=0.5, another=2.0)}).splitlines()
    assert "| `remote_throughput_ratio` | 0.5 | ≥ 0.95 | missed |" in lines
    assert "| `another` | 2 |  |  |" in lines
    assert "| `remote` | flow | seconds 2, events 12 |" in lines
