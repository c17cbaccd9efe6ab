"""A secret is recognised in whatever way a server writes it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.redaction import Redactor

WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded in part": quote,
    "percent-encoded in small letters": lambda value: quote(value, safe="").replace("%2F", "%2f"),
    "as a form": quote_plus,
    "as JSON": lambda value: json.dumps(value)[1:-1],
    "as JSON in Unicode": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "as HTML": html.escape,
}
secrets = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@pytest.mark.parametrize("way", WAYS)
@given(value=secrets)
def test_no_way_of_writing_it_hides_it(way: str, value: str) -> None:
    assert Redactor({"KEY": value}).text(WAYS[way](value)) == "[secret KEY]"


@given(value=secrets)
def test_it_is_recognised_inside_bytes(value: str) -> None:
    assert b"[secret KEY]" in Redactor({"KEY": value}).binary(b"\xff" + value.encode() + b"\xff")


def test_of_two_secrets_the_longer_is_named() -> None:
    assert Redactor({"SHORT": "abc", "LONG": "abcdef"}).text("abcdef abc") == "[secret LONG] [secret SHORT]"


def test_without_secrets_nothing_changes() -> None:
    redactor = Redactor({})
    assert (redactor.text("abc"), redactor.binary(b"\xff"), redactor.finds("abc")) == ("abc", b"\xff", False)
    assert redactor.json({"a": [1, 2.5, True, None, "x"]}) == {"a": [1, 2.5, True, None, "x"]}


def test_numbers_that_quote_a_secret_become_text_and_others_stay_numbers() -> None:
    assert Redactor({"PIN": "4815"}).json([4815, 14815.5, 99, True]) == ["[secret PIN]", "1[secret PIN].5", 99, True]
