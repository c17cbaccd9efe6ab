"""The airline delays example on made data: records that make no sense, formats, ranking, report."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.airline_delays import tasks

Call = Callable[..., Any]
FLIGHTS: list[dict[str, Any]] = [
    {"date": "2001/01/01 06:55", "delay": -19, "distance": 1797, "origin": "LAX", "destination": "BNA"},
    {"date": "2001/01/01 08:47", "delay": 0, "distance": 1609, "origin": "SJC", "destination": "IAH"},
    {"date": "2001/01/01 09:24", "delay": 45.5, "distance": 1117, "origin": "LAX", "destination": "PIT"},
    {"date": "2001/01/02", "delay": 16, "distance": 102, "origin": "SJC", "destination": "LIH"},
    {"date": "2001/01/03 10:00", "delay": 15, "distance": 102, "origin": "SJC", "destination": "LIH"},
]


def write_json(path: Path, rows: Any) -> str:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return str(path)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def validated(call: Call, path: str) -> Any:
    return call(tasks.validate_flights, call(tasks.load_flights, path))


def airport(code: str, flights: int, mean: float, late: float = 0.0) -> dict[str, Any]:
    figures = {"mean_delay": mean, "median_delay": mean, "max_delay": mean, "late_share": late}
    return {"airport": code, "flights": flights, **figures}


# --- loading ----------------------------------------------------------------------------------------


def test_csv_and_json_give_the_same_figures(tmp_path: Path, call: Call) -> None:
    from_json = validated(call, write_json(tmp_path / "flights.json", FLIGHTS))
    from_csv = validated(call, write_csv(tmp_path / "flights.csv", FLIGHTS))

    assert from_csv == from_json
    assert len(from_json["flights"]) == len(FLIGHTS)


def test_the_content_decides_whatever_the_extension_says(tmp_path: Path, call: Call) -> None:
    right = validated(call, write_json(tmp_path / "flights.json", FLIGHTS))

    assert validated(call, write_json(tmp_path / "flights.csv", FLIGHTS)) == right
    assert validated(call, write_json(tmp_path / "flights", FLIGHTS)) == right
    assert validated(call, write_csv(tmp_path / "flights.txt", FLIGHTS)) == right


def test_a_byte_order_mark_and_untidy_column_names_are_read(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "flights.csv"
    path.write_bytes("\ufeffOrigin , DELAY\nlax, 20\n".encode())

    assert validated(call, str(path))["flights"] == [{"origin": "LAX", "delay": 20.0}]


def test_tables_without_rows_are_no_error(tmp_path: Path, call: Call) -> None:
    header = tmp_path / "flights.csv"
    header.write_text("origin,delay\n")

    assert call(tasks.load_flights, str(header)) == []
    assert call(tasks.load_flights, write_json(tmp_path / "flights.json", [])) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("flights.json", b""),
        ("flights.csv", b""),
        ("flights.json", b'[{"origin": "LAX"'),
        ("flights.json", b'{"origin": "LAX", "delay": 1}'),
        ("flights.json", b"origin,delay\nLAX,1\n"),
        ("flights.json", b"[" * 100_000),
        ("flights.csv", b"city,minutes\nLAX,1\n"),
        ("flights.csv", b'origin,delay\n"LAX,1\n'),
        ("flights.csv", b"origin,delay\n\xff\xfe,1\n"),
    ],
    ids=["empty json", "empty csv", "cut json", "no array", "no json", "deep", "columns", "open quote", "no utf-8"],
)
def test_what_is_no_table_is_a_bad_file(tmp_path: Path, refusal: Call, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    assert refusal(tasks.load_flights, str(tmp_path / name)) == ("BAD_FILE", False)


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path, refusal: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_json(tmp_path / "flights.json", FLIGHTS)
    monkeypatch.setattr(tasks, "MAX_BYTES", 10)

    assert refusal(tasks.load_flights, path) == ("BAD_FILE", False)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path, refusal: Call) -> None:
    assert refusal(tasks.load_flights, str(tmp_path / "none.json")) == ("FILE_NOT_FOUND", False)
    assert refusal(tasks.load_flights, str(tmp_path)) == ("BAD_FILE", False)


# --- validating -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": None}, "origin missing"),
        ({"origin": "  "}, "origin missing"),
        ({"origin": "Los Angeles"}, "origin is no airport code"),
        ({"origin": 7}, "origin is no airport code"),
        ({"destination": "?"}, "destination is no airport code"),
        ({"delay": None}, "delay missing"),
        ({"delay": "late"}, "delay is no number of minutes"),
        ({"delay": True}, "delay is no number of minutes"),
        ({"delay": [5]}, "delay is no number of minutes"),
        ({"delay": "1_0"}, "delay is no number of minutes"),
        ({"delay": "nan"}, "delay is no number of minutes"),
        ({"delay": 10**9}, "delay is no number of minutes"),
        ({"distance": -1}, "distance is no distance"),
        ({"distance": "far"}, "distance is no distance"),
        ({"date": "2001/13/01"}, "date is no date, year first"),
        ({"date": 5}, "date is no date, year first"),
    ],
)
def test_a_record_that_makes_no_sense_is_left_out(call: Call, change: dict[str, Any], reason: str) -> None:
    result = call(tasks.validate_flights, [FLIGHTS[0], FLIGHTS[1] | change])

    assert result["flights"] == [{"origin": "LAX", "delay": -19.0}]
    assert result["invalid"] == {"count": 1, "reasons": {reason: 1}, "examples": [{"record": 2, "reason": reason}]}


def test_only_origin_and_delay_are_needed(call: Call) -> None:
    result = call(tasks.validate_flights, [{"origin": "LAX", "delay": 3}, {"origin": "LAX", "delay": 4, "date": ""}])

    assert [flight["delay"] for flight in result["flights"]] == [3.0, 4.0]


def test_each_invalid_record_counts_once_and_only_the_first_are_described(call: Call) -> None:
    rows: list[Any] = [None, "LAX", {}, *[{"origin": "LAX"}] * 20]

    invalid = call(tasks.validate_flights, rows)["invalid"]

    assert invalid["count"] == 23
    assert invalid["reasons"] == {"not an object": 2, "origin missing": 1, "delay missing": 20}
    assert [one["record"] for one in invalid["examples"]] == list(range(1, 11))


def test_numbers_that_json_does_not_know_cost_their_record_only(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "flights.json"
    odd = ["NaN", "-Infinity", "1e999", "9" * 5_000]
    path.write_text("[" + ",".join(f'{{"origin": "LAX", "delay": {delay}}}' for delay in [*odd, "7"]) + "]")

    rows = call(tasks.load_flights, str(path))
    result = call(tasks.validate_flights, rows)

    json.dumps(rows, allow_nan=False)  # raises unless every value is JSON
    assert result["flights"] == [{"origin": "LAX", "delay": 7.0}]
    assert result["invalid"]["reasons"] == {"delay is no number of minutes": 4}


def test_csv_lines_of_odd_length_cost_their_record_only(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "flights.csv"
    path.write_text("origin,delay\nLAX\nLAX,5,6\nLAX,7\n")

    result = validated(call, str(path))

    assert result["flights"] == [{"origin": "LAX", "delay": 7.0}]
    assert result["invalid"]["reasons"] == {"delay missing": 1, "more cells than columns": 1}


# --- figures ----------------------------------------------------------------------------------------


def test_a_flight_is_late_beyond_the_limit_and_not_at_it(call: Call) -> None:
    flights = [{"origin": "SJC", "delay": delay} for delay in (0, 15, 16)]

    assert call(tasks.summarise_delays, flights, 15) == [
        {
            "airport": "SJC",
            "flights": 3,
            "mean_delay": 31 / 3,
            "median_delay": 15.0,
            "max_delay": 16.0,
            "late_share": 1 / 3,
            "name": None,
            "city": None,
            "state": None,
            "country": None,
        }
    ]


def test_no_flights_give_no_airports(call: Call) -> None:
    assert call(tasks.summarise_delays, [], 15) == []
    assert call(tasks.rank_airports, [], 5, None) == {"minimum_flights": 10, "ranked": 0, "worst": []}


def test_one_bad_flight_does_not_win(call: Call) -> None:
    airports = [airport("AAA", 1, 500.0), airport("BBB", 40, 12.0), airport("CCC", 40, 9.0)]

    ranking = call(tasks.rank_airports, airports, 2, None)

    assert ranking["minimum_flights"] == 10
    assert [one["airport"] for one in ranking["worst"]] == ["BBB", "CCC"]


def test_a_small_file_still_has_a_ranking(call: Call) -> None:
    airports = [airport("AAA", 1, 500.0), airport("BBB", 4, 12.0), airport("CCC", 4, 9.0)]

    ranking = call(tasks.rank_airports, airports, 2, None)

    assert ranking["minimum_flights"] == 3
    assert [one["airport"] for one in ranking["worst"]] == ["BBB", "CCC"]


def test_ties_are_broken_the_same_way_every_time(call: Call) -> None:
    airports = [
        airport("DDD", 10, 8.0, 0.2),
        airport("CCC", 10, 8.0, 0.2),
        airport("BBB", 20, 8.0, 0.2),
        airport("EEE", 10, 8.0, 0.5),
    ]

    ranking = call(tasks.rank_airports, airports, 4, 1)

    assert [one["airport"] for one in ranking["worst"]] == ["EEE", "BBB", "CCC", "DDD"]
    assert ranking == call(tasks.rank_airports, airports[::-1], 4, 1)


@pytest.mark.parametrize(("worst", "minimum"), [(0, None), (-1, 1), (1, 0)])
def test_counts_below_one_are_refused(refusal: Call, worst: int, minimum: int | None) -> None:
    assert refusal(tasks.rank_airports, [airport("AAA", 1, 1.0)], worst, minimum) == ("BAD_INPUT", False)


# --- names and report -------------------------------------------------------------------------------


def test_airports_get_their_names_and_unknown_ones_stay_without(tmp_path: Path, call: Call) -> None:
    places = [
        {"iata": "aaa", "name": "Field, North", "city": "Anytown", "state": "", "country": "USA"},
        {"iata": "AAA", "name": "a second one", "city": "Elsewhere", "state": "", "country": "USA"},
    ]
    ranking = call(tasks.rank_airports, [airport("AAA", 1, 2.0), airport("ZZZ", 1, 1.0)], 2, 1)

    for table in (write_csv(tmp_path / "airports.csv", places), write_json(tmp_path / "airports.json", places)):
        first, second = call(tasks.name_airports, ranking, table)["worst"]
        assert (first["name"], first["city"], first["state"], first["country"]) == (
            "Field, North",
            "Anytown",
            None,
            "USA",
        )
        assert (second["airport"], second["name"]) == ("ZZZ", None)


def test_a_table_of_airports_must_be_one(tmp_path: Path, refusal: Call) -> None:
    ranking = {"minimum_flights": 1, "ranked": 0, "worst": []}

    assert refusal(tasks.name_airports, ranking, str(tmp_path / "none.csv")) == ("FILE_NOT_FOUND", False)
    assert refusal(tasks.name_airports, ranking, write_csv(tmp_path / "a.csv", FLIGHTS)) == ("BAD_FILE", False)


def request(folder: Path, **changes: Any) -> dict[str, Any]:
    airports = [airport("AAA", 4, 2.25, 0.25), airport("BBB", 6, 1.0)]
    return {
        "name": "airline-delays-s-t",
        "folder": str(folder),
        "source": "/data/flights|1.json",
        "late_after": 15,
        "invalid": {"count": 2, "reasons": {"delay missing": 2}, "examples": []},
        "airports": airports,
        "ranking": {"minimum_flights": 1, "ranked": 2, "worst": [airports[0] | {"name": "Field", "city": "Anytown"}]},
    } | changes


def test_the_report_says_what_was_found(tmp_path: Path, call: Call) -> None:
    path = Path(call(tasks.write_delays_report, request(tmp_path / "new" / "folder"))["path"])

    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "new" / "folder" / "airline-delays-s-t.md"
    assert "10 flights from 2 airports; 2 invalid records left out." in text
    assert "| AAA | Field, Anytown | 4 | 2.2 | 2.25 | 2.25 | 25.0% |" in text
    assert "| delay missing | 2 |" in text
    assert r"flights\|1.json" in text


def test_writing_the_report_again_changes_nothing_and_leaves_nothing_behind(tmp_path: Path, call: Call) -> None:
    first = Path(call(tasks.write_delays_report, request(tmp_path))["path"]).read_bytes()
    second = Path(call(tasks.write_delays_report, request(tmp_path))["path"]).read_bytes()

    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["airline-delays-s-t.md"]


def test_a_report_cannot_leave_its_folder(tmp_path: Path, refusal: Call) -> None:
    assert refusal(tasks.write_delays_report, request(tmp_path, name="../out")) == ("BAD_INPUT", False)


def test_whoever_reads_the_old_report_reads_it_to_its_end(tmp_path: Path, call: Call) -> None:
    old = Path(call(tasks.write_delays_report, request(tmp_path))["path"])
    before = old.read_bytes()

    with old.open("rb") as reader:
        call(tasks.write_delays_report, request(tmp_path, source="another.json"))

        assert reader.read() == before
        assert b"another.json" in old.read_bytes()


def test_a_report_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path, refusal: Call) -> None:
    (tmp_path / "airline-delays-s-t.md").mkdir()

    assert refusal(tasks.write_delays_report, request(tmp_path)) == ("REPORT_UNWRITABLE", True)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path, refusal: Call) -> None:
    (tmp_path / "file").write_text("in the way")

    assert refusal(tasks.write_delays_report, request(tmp_path / "file")) == ("REPORT_UNWRITABLE", True)
