"""`docs/flows.md` says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.flow.diagnostics import EXPLANATIONS, WARNINGS, DiagnosticCode
from domain.flow.expressions import evaluate
from domain.flow.language.environment import FILTERS
from domain.flow.language.predicates import PREDICATES
from domain.flow.loader import load_flow
from domain.flow.model import FlowDefinition
from domain.flow.names import RESERVED
from domain.flow.parse import analyse
from domain.flow.reader import read_source
from domain.flow.structure import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "flows.md").read_text(encoding="utf-8")
EXAMPLES = [tuple(map(str.strip, line.split(" → "))) for line in PAGE.splitlines() if " → " in line]


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_examples_give_what_the_page_says(expression: str, expected: str) -> None:
    assert json.dumps(evaluate(expression, {})) == json.dumps(json.loads(expected))


def test_every_filter_and_test_has_an_example() -> None:
    written = "\n".join(expression for expression, _ in EXAMPLES)
    assert {name for name in FILTERS if not re.search(rf"\| {name}\b", written)} == set()
    assert {name for name in PREDICATES if not re.search(rf" is {name}\b", written)} == set()


def test_every_code_is_listed_with_its_severity_and_meaning() -> None:
    rows = [line for line in PAGE.partition("## Problems")[2].splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{code}` | {'warning' if code in WARNINGS else 'error'} | {EXPLANATIONS[code]} |" for code in DiagnosticCode
    ]


def test_every_kind_and_field_is_listed() -> None:
    rows = {match[1]: line for line in PAGE.splitlines() if (match := re.match(r"\| `(\w+)` \|", line))}
    shared = {"kind", "title", "description", "max_visits", "next", "on_error", "save", "timeout", "on_timeout"}
    for kind, model in KINDS.items():
        fields = {field.alias or name for name, field in model.model_fields.items()} - shared
        assert {field for field in fields if f"`{field}" not in rows[kind]} == set()


def test_every_reserved_name_is_listed() -> None:
    (paragraph,) = [line for line in PAGE.splitlines() if line.startswith("Ids of nodes and names of variables")]
    assert set(re.findall(r"`(\w+)`", paragraph)) == RESERVED


WHOLE, *FRAGMENTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
VARIABLES = ("rows", "orders", "customer", "total", "log", "steps")
TARGETS = ("done", "empty", "broken", "declined", "pay")


def test_the_example_flow_is_valid() -> None:
    assert [str(problem) for problem in load_flow(WHOLE, "flows.md").problems] == []


@pytest.mark.parametrize("text", FRAGMENTS, ids=[fragment.partition(":")[0] for fragment in FRAGMENTS])
def test_parts_of_flows_are_valid_where_they_belong(text: str) -> None:
    source = read_source(text, as_json=False)
    assert source.root is not None
    fragment = source.root.value
    if not set(fragment) <= FlowDefinition.model_fields.keys():
        fragment = {"nodes": fragment}
    shown = fragment.pop("nodes", {})
    every = {**{name: {"kind": "end"} for name in TARGETS}, **shown}
    ways = [{"when": f"input == '{name}'", "to": name} for name in every]
    start = {"kind": "decision", "next": [*ways, "done"]}
    variables: dict[str, list[str]] = {name: [] for name in VARIABLES}
    flow = {"flow": "f", "version": "1", "start": "go", "nodes": {"go": start, **every}, "variables": variables}
    assert [str(problem.message) for problem in analyse({**flow, **fragment}).problems] == []
