"""No text and no data make the flow modules raise anything but their own errors."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, ThreadloomError
from domain.flow.expressions import evaluate, is_template, render
from domain.flow.json_schema import InputSchema, schema_problems
from domain.flow.language.environment import FILTERS, compile_tree, parse_expression
from domain.flow.language.predicates import PREDICATES
from domain.flow.language.templates import check_brackets
from domain.flow.loader import load_flow
from domain.flow.parse import digest_of, parse_flow
from domain.flow.structure import KINDS as NODE_KINDS
from domain.values import is_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)

FRAGMENTS = st.sampled_from(
    [
        "flow",
        "version",
        "start",
        "nodes",
        "kind",
        "next",
        "when",
        "to",
        "set",
        "save",
        "activity",
        "end",
        "wait",
        "for",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "!!str ",
        "? ",
        "'",
        '"',
        "#",
        "|",
        ">",
        "%YAML 1.2",
        "---",
        "\t",
        "1",
        "{{ x }}",
        "<<",
        "\ufeff",
    ]
)
WORDS = st.sampled_from(
    [
        "x",
        "rows",
        "1",
        "2.5",
        "'a'",
        '"',
        "'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "{{",
        "}}",
        ":",
        ",",
        ".",
        "|",
        "is",
        "in",
        "not",
        "and",
        "if",
        "else",
        "~",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "==",
        "<",
        "=",
        "range",
        "attribute=",
        "\\",
        *FILTERS,
        *PREDICATES,
    ]
)
KINDS = st.sampled_from([*NODE_KINDS, "x"])
NAMES = st.sampled_from(["a", "b", "c", "a-b", "input", "{{ input }}", "{{ a"])
EDGES = NAMES | st.fixed_dictionaries({"to": NAMES}, optional={"when": NAMES, "priority": st.integers(), "x": JSON})
NODES = st.fixed_dictionaries(
    {"kind": KINDS},
    optional={
        "next": EDGES | st.lists(EDGES) | JSON,
        "on_error": EDGES | st.lists(EDGES),
        "save": NAMES | st.dictionaries(NAMES, NAMES) | JSON,
        "set": st.dictionaries(NAMES, JSON),
        "for": NAMES | st.just("5m"),
        "until": NAMES,
        "timeout": st.just("5m") | JSON,
        "activity": NAMES | JSON,
        "args": JSON,
        "retry": JSON,
        "prompt": NAMES,
        "choices": st.lists(NAMES) | JSON,
        "code": NAMES,
        "append": st.dictionaries(NAMES, st.lists(JSON)),
        "workflow": NAMES,
        "url": NAMES | st.just("http://x/{{ x }}"),
        "headers": st.dictionaries(NAMES, NAMES | st.fixed_dictionaries({"secret": NAMES})),
        "query": JSON,
        "json": JSON,
        "body": JSON,
        "to": JSON,
        "broadcast": st.booleans(),
        "name": NAMES,
        "flow": NAMES | st.just("f@1"),
        "each": JSON | NAMES,
        "over": JSON | NAMES,
        "as": NAMES,
        "id": NAMES,
        "input": JSON,
        "of": NAMES,
        "threads": JSON,
        "need": st.sampled_from(["all", "any", 1, 0, "x"]),
        "enter": NAMES,
        "mode": st.sampled_from(["remote", "local", "inline", "x"]),
        "effect": st.sampled_from(["none", "external", "x"]),
        "compensate": st.fixed_dictionaries({"activity": NAMES}, optional={"args": JSON}) | st.booleans(),
        "schema": JSON,
    },
)
FLOWS = st.fixed_dictionaries(
    {"flow": st.just("f"), "version": st.just("1"), "start": NAMES, "nodes": st.dictionaries(NAMES, NODES)},
    optional={
        "inputs": JSON,
        "variables": st.dictionaries(NAMES, JSON),
        "defaults": JSON,
        "limits": JSON,
        "hooks": JSON,
        "error_policy": JSON,
        "checkpoint": JSON,
        "x": JSON,
    },
)
SCHEMAS = st.recursive(
    st.booleans()
    | st.fixed_dictionaries({}, optional={"type": st.sampled_from(["object", "string", "x"]), "enum": JSON}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.text(), inner),
            "items": inner,
            "allOf": st.lists(inner),
            "not": inner,
            "$ref": st.sampled_from(["#", "#/items", "#/$defs/a", "http://example.com", "x"]),
            "$defs": st.fixed_dictionaries({"a": inner}),
            "pattern": st.text() | JSON,
            "uniqueItems": st.booleans(),
            "multipleOf": st.floats(),
        },
    ),
    max_leaves=8,
)


def expect_expression_error(error: ThreadloomError) -> None:
    assert error.code == Code.EXPRESSION_ERROR


@given(st.text() | st.lists(FRAGMENTS).map("".join), st.sampled_from(["f.yaml", "f.json"]))
def test_any_text_loads_or_has_problems_with_places(text: str, filename: str) -> None:
    loaded = load_flow(text, filename)
    assert loaded.valid == (loaded.flow is not None)
    assert loaded.document is None or is_json(loaded.document)
    for problem in loaded.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert len(str(problem).splitlines()) == 1


@given(JSON | FLOWS)
def test_any_data_parse_or_are_invalid_and_stay_as_they_are(document: Any) -> None:
    before = copy.deepcopy(document)
    try:
        parse_flow(document)
    except ThreadloomError as error:
        assert error.code == Code.FLOW_INVALID
        assert any(problem["severity"] == "error" for problem in error.details["problems"])
        assert is_json(error.details)
    assert document == before


@given(FLOWS)
def test_digests_of_equal_documents_are_equal(document: dict[str, Any]) -> None:
    assert digest_of(document) == digest_of(copy.deepcopy(document))


@given(JSON)
def test_rendering_constants_is_identity(value: Any) -> None:
    if not is_template(value):
        assert render(value, {}) is value


@given(JSON)
def test_a_value_goes_through_an_expression_unchanged(value: Any) -> None:
    try:
        assert render("{{ x }}", {"x": value}) == value
        assert render(["{{ [x, {'y': x}] }}"], {"x": value}) == [[value, {"y": value}]]
    except ThreadloomError as error:
        assert "number is too large" in error.message


@given(st.text() | st.lists(WORDS).map(" ".join) | st.lists(WORDS).map("".join), JSON)
def test_any_expression_gives_json_or_an_expression_error(expression: str, value: Any) -> None:
    scope = {"x": value, "rows": [value, 1, "a", {"a": 1}]}
    before = copy.deepcopy(scope)
    for use in (evaluate, render):
        try:
            assert is_json(use(expression, scope))
        except ThreadloomError as error:
            expect_expression_error(error)
    try:
        render(f"{{{{ {expression} }}}}", scope)
    except ThreadloomError as error:
        expect_expression_error(error)
    assert scope == before


@given(st.lists(WORDS).map(" ".join) | st.lists(WORDS).map("".join))
def test_any_expression_that_a_flow_may_have_can_be_compiled(expression: str) -> None:
    try:
        check_brackets(expression)
        tree = parse_expression(expression)
    except Exception:  # it is refused when the flow is checked
        return
    compile_tree(tree)


@pytest.mark.parametrize("count", range(1, 130, 4))
@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [
        ("1", " + 1", ""),
        ("1", " - 1", ""),
        ("x", ".a", ""),
        ("x", "[0]", ""),
        ("x", "[0:]", ""),
        ("x", "|upper", ""),
        ("x", " and x", ""),
        ("", "not ", "x"),
        ("", "-", "1"),
        ("", "2 ** ", "1"),
        ("1", " < 1", ""),
        ("1", " ~ 1", ""),
        ("", "x if x else ", "x"),
        ("", "[" * 20 + "1" + "]" * 20 + "+", "1"),
        ("", "x|default(" * 20 + "1" + ")" * 20 + "+", "1"),
        ("", "(1 < " * 20 + "1" + ")" * 20 + "+", "1"),
    ],
)
def test_deep_expressions_that_a_flow_may_have_can_be_compiled(count: int, start: str, repeated: str, end: str) -> None:
    expression = start + repeated * count + end
    try:
        check_brackets(expression)
        tree = parse_expression(expression)
    except Exception:  # it is refused when the flow is checked
        return
    compile_tree(tree)


@given(st.sampled_from(sorted(FILTERS)), st.lists(SCALARS, max_size=2), JSON)
def test_any_filter_takes_any_value(name: str, arguments: list[Any], value: Any) -> None:
    scope = {"x": value, **{f"a{index}": argument for index, argument in enumerate(arguments)}}
    written = f"({', '.join(f'a{index}' for index in range(len(arguments)))})" if arguments else ""
    try:
        assert is_json(evaluate(f"x | {name}{written}", scope))
    except ThreadloomError as error:
        expect_expression_error(error)


@given(SCHEMAS | JSON, JSON)
def test_any_schema_is_refused_or_checks_any_value(schema: Any, value: Any) -> None:
    if not schema_problems(schema) and isinstance(schema, dict):
        assert all(message for _, message in InputSchema(schema).problems(value))
