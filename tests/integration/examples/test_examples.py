"""The examples on a real server, through the client library, and the tour as a newcomer runs it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from tests.integration.stack import PATIENCE, Stack
from threadloom import Threadloom
from threadloom.tasks import load_tasks

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
DATA = ROOT.parent / "shared" / "data"
MADE = [
    {"date": "2001/01/01 06:20", "delay": delay, "distance": 400, "origin": origin, "destination": "XYZ"}
    for origin, delays in {"AAA": [50, 40, 45], "BBB": [5, 10, 0], "CCC": [-5, 90, 20]}.items()
    for delay in delays
]


def made_flights(folder: Path) -> tuple[Path, Path]:
    flights, airports = folder / "flights.json", folder / "airports.csv"
    flights.write_text(json.dumps(MADE), encoding="utf-8")
    airports.write_text("iata,name\nAAA,Alpha\nBBB,Beta\nCCC,Gamma\n", encoding="utf-8")
    return flights, airports


@pytest.mark.parametrize("source", ["made", *(["real"] if (DATA / "flights-2k.json").exists() else [])])
async def test_airline_delays_on_the_users_data(stack: Stack, tmp_path: Path, source: str) -> None:
    flights, airports = (
        made_flights(tmp_path) if source == "made" else (DATA / "flights-2k.json", DATA / "airports.csv")
    )
    loom = Threadloom(stack.client, stack.backend, stack.settings, "tester")
    async with stack.worker(*load_tasks([str(EXAMPLES / "airline_delays" / "tasks.py")])):
        session = loom.session((await loom.start_session()).session_id)
        given = {"path": str(flights), "airports": str(airports), "worst": 3, "report": str(tmp_path)}
        started = await session.create_thread(str(EXAMPLES / "airline_delays" / "flow.yaml"), input=given)
        thread = session.thread(started.thread_id)
        await thread.wait_until(
            lambda view: view.waiting is not None and view.waiting.kind == "approval", timeout=PATIENCE
        )
        await thread.decide("review", "publish")
        ended = await thread.result(wait=True, timeout=PATIENCE)
    assert ended.status == "completed"
    result = ended.result
    assert result["verdict"] == "publish"
    assert Path(result["report"]).stat().st_size  # noqa: ASYNC240 a look at one small file
    check_figures(result, json.loads(flights.read_text(encoding="utf-8")), airports)


def check_figures(result: dict[str, Any], rows: list[dict[str, Any]], airports: Path) -> None:
    """Every figure of the result, computed anew from the file by other means."""
    delays: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        delays[row["origin"]].append(row["delay"])
    with airports.open(newline="", encoding="utf-8") as file:
        names = {row["iata"]: row["name"] for row in csv.DictReader(file)}
    assert result["flights"] == len(rows)
    assert result["invalid"]["count"] == 0
    assert result["airports"] == len(delays)
    least = min(10, len(rows) // len(delays))
    counted = {origin: values for origin, values in delays.items() if len(values) >= least}
    expected = sorted(counted, key=lambda origin: -fmean(counted[origin]))[:3]
    assert [row["airport"] for row in result["ranking"]["worst"]] == expected
    for row in result["ranking"]["worst"]:
        values = delays[row["airport"]]
        assert row["name"] == names[row["airport"]]
        assert row["flights"] == len(values)
        assert row["mean_delay"] == pytest.approx(fmean(values), abs=0.01)
        assert row["median_delay"] == pytest.approx(median(values))
        assert row["max_delay"] == max(values)
        assert row["late_share"] == pytest.approx(sum(value > 15 for value in values) / len(values), abs=0.001)


def test_the_tour_shows_the_product_and_ends_by_itself(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "THREADLOOM_"))
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "starter.py"), "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for shown in (
        "Pause the session in mid-run",
        "The session is paused, and nothing is in flight",
        "Resume",
        "Fork `everything`",
        "Copy `everything` selectively",
        "Compare the source and its fork",
        "forked at classify#1",
        "thread_forked",
        "Session audit is closed",
    ):
        assert shown in done.stdout
    assert "\x1b[" not in done.stdout
