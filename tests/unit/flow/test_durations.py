from __future__ import annotations

from datetime import timedelta

import pytest

from domain.flow.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7_200),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1h30m", 5_400),
        ("1.5h", 5_400),
        ("0s", 0),
        ("PT5M", 300),
        ("P1DT12H", 129_600),
        ("P2W", 1_209_600),
        ("PT0.5S", 0.5),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "m", "-5m", "5x", "P", "PT", "P1Y", "5m ", "5m\n", "1" * 70 + "s", "٣s"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write 250ms"):
        parse_duration(text)


def test_durations_have_an_end() -> None:
    with pytest.raises(ValueError, match="longer than 36500 days"):
        parse_duration("36501d")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (5_400, "1h30m"), (0.25, "250ms"), (90_061.5, "1d1h1m1s500ms"), (0.0001, "0s")]
)
def test_durations_are_written_as_flows_write_them(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text
