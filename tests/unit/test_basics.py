"""Ids, values, errors, answers, instants and the codec."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import ANSWERS_KEPT, Answered, accepted, refused, remember, require_same
from domain.codec import dump, load
from domain.errors import MESSAGE_LIMIT, Code, ThreadloomError
from domain.explanations import EXPLANATIONS
from domain.ids import (
    ID_PATTERN,
    execution_key,
    is_id,
    is_name,
    parse_thread_workflow_id,
    require_id,
    session_workflow_id,
    thread_workflow_id,
)
from domain.instants import as_utc
from domain.messages import PauseSession
from domain.values import canonical, digest, is_json, size
from tests.builders import refusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


IDS = st.from_regex(ID_PATTERN, fullmatch=True)


@pytest.mark.parametrize("value", ["a", "A-b_c.9", "9", "x" * 64])
def test_ids_that_people_may_choose(value: str) -> None:
    assert is_id(value)
    assert require_id("thread", value) == value


@pytest.mark.parametrize("value", ["", ".a", "-", "_a", "a/b", "a b", "x" * 65, "a\n", "é", 1, None])
def test_ids_that_nobody_may_choose(value: Any) -> None:
    assert not is_id(value)
    error = refusal(lambda: require_id("session", value))
    assert (error.code, error.details) == (Code.INVALID_ID, {"kind": "session"})


def test_names_are_what_an_expression_can_write() -> None:
    assert [is_name(value) for value in ("a", "_", "a1", "1a", "a-b", "a\n", "", 1)] == [True] * 3 + [False] * 5


@given(IDS, IDS)
def test_a_workflow_id_tells_session_and_thread(session: str, thread: str) -> None:
    assert parse_thread_workflow_id(thread_workflow_id(session, thread)) == (session, thread)
    assert parse_thread_workflow_id(session_workflow_id(session)) is None


@pytest.mark.parametrize("text", ["session/a/thread/", "session/a/thread/b/c", "session//thread/b", "x/a/thread/b"])
def test_what_is_no_threads_workflow_id(text: str) -> None:
    assert parse_thread_workflow_id(text) is None


def test_an_execution_has_a_key_of_its_own() -> None:
    assert execution_key("t", "load", 2) == "t/load/2"


@given(JSON)
def test_json_has_one_canonical_form(value: Any) -> None:
    assert is_json(value)
    assert canonical(copy.deepcopy(value)) == canonical(value)
    assert size(value) > 0


def test_the_order_of_keys_makes_no_difference_and_types_do() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert len({digest(value) for value in (1, 1.5, "1", True, None, [1], {"a": 1})}) == 7


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {1: 2}, {"a": {1}}, (1,), b"x", object()])
def test_what_is_no_json(value: Any) -> None:
    assert not is_json(value)


def test_text_that_is_no_unicode_has_a_digest_too() -> None:
    assert digest("\ud800") != digest("\ud801")


def test_every_code_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Code)
    assert all(explanation.meaning and explanation.remedy for explanation in EXPLANATIONS.values())


def test_an_error_keeps_its_code_and_cuts_a_long_message() -> None:
    error = ThreadloomError(Code.NO_EDGE, "x" * 5_000, {"a": 1})
    assert len(error.message) == MESSAGE_LIMIT
    assert error.message.endswith("…")
    assert error.visible() == {"code": "NO_EDGE", "message": error.message, "details": {"a": 1}}
    assert str(ThreadloomError(Code.NO_EDGE, "why")) == "NO_EDGE: why"
    assert pickle.loads(pickle.dumps(error)).visible() == error.visible()


def test_the_first_answer_is_known_again_and_other_arguments_are_refused() -> None:
    command = PauseSession(command_id="c", actor="ann")
    first = accepted(command, {"ok": True})
    require_same(PauseSession(command_id="c", actor="ann"), first.digest)
    error = refusal(lambda: require_same(PauseSession(command_id="c", actor="eve"), first.digest))
    assert error.code == Code.COMMAND_ID_REUSED
    no = refused(command, ThreadloomError(Code.FORBIDDEN, "no"))
    assert (no.result, no.error) == (None, {"code": "FORBIDDEN", "message": "no", "details": {}})


def test_the_oldest_answers_are_forgotten() -> None:
    answers: dict[str, Answered] = {}
    for number in range(ANSWERS_KEPT + 2):
        answers = remember(answers, str(number), Answered(digest="d"))
    assert len(answers) == ANSWERS_KEPT
    assert next(iter(answers)) == "2"


@pytest.mark.parametrize(
    ("given_instant", "wanted"),
    [
        (datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 12, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 1, 10, tzinfo=UTC)),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_all_time_is_utc(given_instant: datetime, wanted: datetime) -> None:
    assert as_utc(given_instant) == wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    name: str
    at: datetime | None = None
    items: tuple[int, ...] = ()
    rest: Any = None


@given(st.text(), st.datetimes(timezones=st.just(UTC)) | st.none(), st.lists(st.integers()), JSON)
def test_what_is_dumped_loads_as_it_was(name: str, at: datetime | None, items: list[int], rest: Any) -> None:
    box = Box(name=name, at=at, items=tuple(items), rest=rest)
    data = dump(box)
    assert is_json(data)
    assert load(Box, data) == box


def test_unknown_fields_are_ignored_and_wrong_ones_told() -> None:
    assert load(Box, {"name": "a", "colour": "red"}) == Box(name="a")
    error = refusal(lambda: load(Box, {"at": "never", "items": ["x"]}))
    assert error.code == Code.INVALID_ARGUMENT
    assert [problem["at"] for problem in error.details["problems"]] == ["name", "at", "items.0"]
    assert error.message.startswith("Box: name: ")
    assert refusal(lambda: load(Box, None)).details["problems"][0]["at"] == "Box"
