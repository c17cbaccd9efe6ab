"""Every benchmark still runs, and says what it should: tiny sizes, and no figure is judged."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.report import TARGETS

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
"""Seconds after which a benchmark that does not end fails its test."""

NEEDS = {"peers": pytest.mark.skipif(not peers.installed(), reason="`make bench` installs what it compares with")}

MEASURES = {
    "remote": {"remote_throughput_ratio", "remote_events_ratio"},
    "local": {"local_ratio", "fused_ratio"},
    "peers": {"fused_vs_best_peer"},
    "parallel": {"parallel_ratio"},
    "loop": {"loop_last_vs_first"},
    "memory": {"idle_memory_ratio"},
    "session": {"session_threads_ratio", "session_events_per_thread", "command_latency_ratio"},
}


@pytest.mark.parametrize("name", [pytest.param(each, marks=NEEDS.get(each, ())) for each in MEASURES])
async def test_a_benchmark_prints_one_document_with_its_ratios(name: str) -> None:
    document = await measured("--smoke", "--json", "--only", name)
    ratios = document["ratios"]
    assert {each for each in TARGETS if ratios[each] is not None} == MEASURES[name]
    assert [len(runs) for runs in document["benchmarks"][name]["runs"].values()] == [1] * len(
        document["benchmarks"][name]["medians"]
    )


async def measured(*arguments: str) -> Any:
    """What the benchmarks print: nothing but one JSON document."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()[-2000:]
    return json.loads(output)
