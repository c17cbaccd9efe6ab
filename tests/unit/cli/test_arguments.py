"""How values on the command line are read, and which are refused."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from commands.arguments import confirm, duration, hold_end, instant, json_object, json_value, settings_of
from domain.errors import Code, ThreadloomError
from domain.values import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ('"plain"', "plain"),
        ("null", None),
        ('{"a": [1.5, true]}', {"a": [1.5, True]}),
        ('"@home"', "@home"),
    ],
)
def test_a_literal_is_json(text: str, value: Json) -> None:
    assert json_value(text) == value


def test_an_at_sign_names_a_file_with_json(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"allow": ["MIT", "许可"]}', encoding="utf-8")
    assert json_value(f"@{tmp_path}/policy.json") == {"allow": ["MIT", "许可"]}


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("[1, 2]"))
    assert json_value("-") == [1, 2]


@pytest.mark.parametrize("text", ["plain", "NaN", "[Infinity]", "{", "", "'x'"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no JSON"):
        json_value(text)


def test_text_without_quotes_is_shown_with_them() -> None:
    with pytest.raises(typer.BadParameter, match="text is written in quotes: '\"plain\"'"):
        json_value("plain")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=r"nope\.json: No such file"):
        json_value(f"@{tmp_path}/nope.json")


def test_an_object_is_wanted_where_only_that_makes_sense() -> None:
    with pytest.raises(typer.BadParameter, match="JSON object"):
        json_object("[1]")


def test_settings_are_names_and_values(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1]")
    assert settings_of(["n=5", 'text="a=b"', f"list=@{tmp_path}/x.json", "n=6"]) == {"n": 6, "text": "a=b", "list": [1]}


@pytest.mark.parametrize("pair", ["name", "=5", "name=plain"])
def test_a_setting_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(typer.BadParameter):
        settings_of([pair])


def test_durations_are_those_of_flow_files() -> None:
    assert duration("1h30m") == timedelta(minutes=90)
    with pytest.raises(typer.BadParameter, match="no duration"):
        duration("soon")


def test_an_instant_names_its_zone() -> None:
    assert instant("2030-01-31T08:00+02:00") == datetime(2030, 1, 31, 6, tzinfo=UTC)
    for text in ("2030-01-31T08:00", "tomorrow"):
        with pytest.raises(typer.BadParameter):
            instant(text)


def test_a_hold_ends_at_a_time_or_after_one() -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    assert hold_end(end, None) == end
    assert hold_end(None, None) is None
    ends = hold_end(None, timedelta(hours=1))
    assert ends is not None
    assert timedelta(minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=1)
    with pytest.raises(typer.BadParameter):
        hold_end(end, timedelta(hours=1))


class Terminal(io.StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


def test_what_destroys_wants_the_id_from_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("tour\n"))
    confirm("session", "tour")


@pytest.mark.parametrize(
    "stdin", [Terminal("yes\n"), Terminal(""), io.StringIO("tour\n")], ids=["other", "end", "pipe"]
)
def test_what_destroys_is_refused_without_it(stdin: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(ThreadloomError) as caught:
        confirm("session", "tour")
    assert caught.value.code == Code.CONFIRMATION_REQUIRED
