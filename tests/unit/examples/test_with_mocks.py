"""The airline example as a team tests a flow of its own: what it does, without flights and without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from threadloom.testing import Fail, FlowRun, run_flow

FLIGHTS = [{"origin": "ORD", "delay": 40}, {"origin": "SEA", "delay": 2}]
MOCKS = {
    "load": FLIGHTS,
    "validate": lambda rows: {"flights": rows, "invalid": 0},
    "summarise": [{"airport": "ORD", "mean": 40}, {"airport": "SEA", "mean": 2}],
    "rank": lambda delays, worst, minimum: {"worst": delays[:worst]},
    "report": {"path": "delays.md"},
}


@pytest.fixture
def flow(examples: Path) -> Path:
    return examples / "airline_delays" / "flow.yaml"


def run(flow: Path, **mocks: Any) -> FlowRun:
    return run_flow(flow, {"path": "flights.json", "worst": 1}, mocks={**MOCKS, **mocks})


def test_a_report_is_written_when_somebody_publishes(flow: Path) -> None:
    ended = run(flow, review="publish")
    assert ended.result["report"] == "delays.md"
    assert ended.result["ranking"] == {"worst": [{"airport": "ORD", "mean": 40}]}


def test_nothing_is_published_when_nobody_answers_for_two_days(flow: Path) -> None:
    ended = run(flow)
    assert ended.result["verdict"] == "timeout"
    assert "report" not in ended.path
    assert (ended.ended_at - ended.started_at).days == 2


def test_a_file_that_cannot_be_read_is_tried_three_times(flow: Path) -> None:
    ended = run(flow, load=Fail("UNREADABLE"))
    assert ended.error is not None
    assert ended.error.code == "UNREADABLE"
    assert [(call.node, call.attempts) for call in ended.calls] == [("load", 3)]
