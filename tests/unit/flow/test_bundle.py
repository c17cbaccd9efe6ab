"""Flows that name flows."""

from __future__ import annotations

import pytest

from domain.errors import Code
from domain.flow.bundle import bundle, missing, named_by, parsed
from domain.values import JsonObject
from tests.builders import flow_of, refusal

INNER = flow_of({"again": {"kind": "subflow", "flow": "inner", "next": "end"}})
OUTER = flow_of(
    {
        "call": {"kind": "subflow", "flow": "inner", "next": "start"},
        "start": {"kind": "spawn", "flow": "worker@2", "next": "split"},
        "split": {"kind": "fork", "flow": "inner", "enter": "again", "next": "here"},
        "here": {"kind": "fork", "enter": "end", "next": "end"},
    }
)
WORKER = flow_of({"end": {"kind": "end"}})


def test_a_flow_names_what_its_nodes_do_each_once() -> None:
    assert named_by(parsed(OUTER)) == ["inner", "worker@2"]


@pytest.mark.parametrize(
    ("flows", "absent"),
    [
        ({}, ["inner", "worker@2"]),
        ({"worker@2": OUTER}, ["inner"]),
        ({"inner": flow_of({"x": {"kind": "subflow", "flow": "deep", "next": "end"}})}, ["worker@2", "deep"]),
        ({"inner": INNER, "worker@2": WORKER, "unrelated": WORKER}, []),
    ],
)
def test_what_is_missing_is_found_through_the_flows_that_are_there(
    flows: dict[str, JsonObject], absent: list[str]
) -> None:
    assert missing(parsed(OUTER), flows) == absent


def test_a_document_that_is_no_flow_is_refused_by_its_reference() -> None:
    error = refusal(lambda: missing(parsed(OUTER), {"inner": {"flow": "inner"}}))
    assert (error.code, error.details["flow"]) == (Code.FLOW_INVALID, "inner")
    assert error.message.startswith("inner: ")


def test_a_bundle_has_every_flow_that_can_be_reached_even_in_a_circle() -> None:
    registered = {"inner": INNER, "worker@2": WORKER, "other": OUTER}
    assert bundle(parsed(OUTER), registered.__getitem__) == {"inner": INNER, "worker@2": WORKER}
