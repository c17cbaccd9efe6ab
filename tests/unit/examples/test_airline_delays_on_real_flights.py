"""The airline delays example on the shared flights: every figure against one computed here by other means."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from examples.airline_delays import tasks

Call = Callable[..., Any]
DATA = Path(__file__).parents[4] / "shared" / "data"
# The data do not belong to the repository: where they are missing, there is nothing to run.
FLIGHTS = [path for path in [DATA / "flights-2k.json"] if path.exists()]
BOTH = [(path, DATA / "airports.csv") for path in FLIGHTS if (DATA / "airports.csv").exists()]


def delays_by_origin(path: Path) -> dict[str, list[int]]:
    delays: dict[str, list[int]] = {}
    for row in json.loads(path.read_bytes()):
        delays[row["origin"]] = sorted([*delays.get(row["origin"], []), row["delay"]])
    return delays


def median(ordered: list[int]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mean(values: list[int]) -> Fraction:
    total = 0
    for value in values:
        total += value
    return Fraction(total, len(values))


def late(values: list[int]) -> Fraction:
    return Fraction(len([value for value in values if value >= 16]), len(values))


def summary(call: Call, path: Path) -> Any:
    flights = call(tasks.validate_flights, call(tasks.load_flights, str(path)))["flights"]
    return call(tasks.summarise_delays, flights, 15)


@pytest.mark.parametrize("path", FLIGHTS)
def test_every_record_is_valid(call: Call, path: Path) -> None:
    result = call(tasks.validate_flights, call(tasks.load_flights, str(path)))

    expected = [(row["origin"], row["delay"]) for row in json.loads(path.read_bytes())]
    assert [(flight["origin"], flight["delay"]) for flight in result["flights"]] == expected
    assert result["invalid"] == {"count": 0, "reasons": {}, "examples": []}


@pytest.mark.parametrize("path", FLIGHTS)
def test_every_figure_of_every_airport(call: Call, path: Path) -> None:
    expected = delays_by_origin(path)

    found = summary(call, path)

    assert [one["airport"] for one in found] == sorted(expected)
    for one in found:
        delays = expected[one["airport"]]
        assert one["flights"] == len(delays)
        assert math.isclose(one["mean_delay"], mean(delays), rel_tol=1e-12, abs_tol=1e-12)
        assert one["median_delay"] == median(delays)
        assert one["max_delay"] == delays[-1]
        assert math.isclose(one["late_share"], late(delays), rel_tol=1e-12)


@pytest.mark.parametrize(("path", "airports"), BOTH)
@pytest.mark.parametrize("worst", [1, 5, 1_000])
def test_the_worst_airports_and_their_names(call: Call, path: Path, airports: Path, worst: int) -> None:
    ranking = call(tasks.rank_airports, summary(call, path), worst, None)
    named = call(tasks.name_airports, ranking, str(airports))

    frequent = {code: delays for code, delays in delays_by_origin(path).items() if len(delays) >= 10}
    order = sorted(
        frequent, key=lambda code: (-mean(frequent[code]), -late(frequent[code]), -len(frequent[code]), code)
    )
    with airports.open(encoding="utf-8", newline="") as stream:
        names = {line[0]: line[1] for line in csv.reader(stream)}
    assert named["minimum_flights"] == 10
    assert named["ranked"] == len(frequent)
    assert [one["airport"] for one in named["worst"]] == order[:worst]
    assert [one["name"] for one in named["worst"]] == [names.get(code) for code in order[:worst]]


@pytest.mark.parametrize("path", FLIGHTS)
def test_the_same_flights_as_csv_give_the_same_figures(call: Call, path: Path, tmp_path: Path) -> None:
    rows = json.loads(path.read_bytes())
    table = tmp_path / "flights.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([list(rows[0]), *(list(row.values()) for row in rows)])

    assert summary(call, table) == summary(call, path)
