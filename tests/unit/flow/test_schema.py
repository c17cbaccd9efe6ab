from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.errors import Code, ThreadloomError
from domain.flow.json_schema import InputSchema, schema_problems
from domain.flow.loader import load_flow
from domain.flow.model import FlowDefinition
from domain.flow.parse import analyse, parse_flow
from domain.flow.schema import check_input, flow_schema
from domain.flow.structure import KINDS


def flow_taking(schema: Any) -> FlowDefinition:
    document = {"flow": "f", "version": "1", "start": "a", "nodes": {"a": {"kind": "end"}}}
    return parse_flow(document if schema is None else {**document, "inputs": schema})


def test_without_a_schema_any_json_fits() -> None:
    values: list[Any] = [None, 1, "x", [], {"a": [1]}]
    for value in values:
        check_input(flow_taking(None), value)


def test_an_input_that_does_not_fit_is_refused_with_the_places() -> None:
    schema = {
        "type": "object",
        "required": ["path"],
        "properties": {"path": {"type": "string"}, "sizes": {"items": {"$ref": "#/$defs/size"}}},
        "$defs": {"size": {"type": "integer", "minimum": 0}},
    }
    check_input(flow_taking(schema), {"path": "x", "sizes": [1, 2]})
    with pytest.raises(ThreadloomError) as caught:
        check_input(flow_taking(schema), {"path": 1, "sizes": [1, -2, "x"]})
    assert caught.value.code == Code.INPUT_INVALID
    assert [problem["path"] for problem in caught.value.details["problems"]] == ["$.path", "$.sizes[1]", "$.sizes[2]"]
    assert caught.value.details["problems"][1]["message"] == "-2 is less than the minimum of 0"


def test_two_flows_with_different_schemas_are_checked_each_by_its_own() -> None:
    numbers, texts = flow_taking({"type": "number"}), flow_taking({"type": "string"})
    check_input(numbers, 1)
    check_input(texts, "x")
    with pytest.raises(ThreadloomError):
        check_input(texts, 1)


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({"type": "objct"}, ("type",), "'objct' is no type"),
        ({"type": ["string", 5]}, ("type",), "5 is no type"),
        ({"type": ["null", "null"]}, ("type",), "each once"),
        ({"properties": {"type": "objct"}}, ("properties", "type"), "not of type 'object'"),
        ({"required": "x"}, ("required",), "not of type 'array'"),
        ({"$ref": "https://example.com/schema.json"}, ("$ref",), "no schema in this document"),
        ({"$ref": "file:///etc/passwd"}, ("$ref",), "no schema in this document"),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, ("properties", "a", "$ref"), "no schema in this document"),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, ("$ref",), "no schema in this document"),
        ({"items": {"pattern": "("}}, ("items", "pattern"), "malformed"),
        ({"pattern": "(?=a)b"}, ("pattern",), "look-around"),
        ({"pattern": r"(a)\1"}, ("pattern",), "back-references"),
        ({"pattern": "a" * 501}, ("pattern",), "at most 500"),
        ({"pattern": "((a{1,999}){1,999}){1,999}"}, ("pattern",), "repeats too often"),
        ({"patternProperties": {"(a+)+$": {}}}, ("patternProperties",), "not supported"),
        ({"not": {"unevaluatedProperties": False}}, ("not", "unevaluatedProperties"), "not supported"),
        ({"$defs": {"a": {"$id": "x"}}}, ("$defs", "a", "$id"), "at the top only"),
    ],
)
def test_bad_and_unsafe_schemas_are_refused(schema: Any, path: tuple[str, ...], said: str) -> None:
    (problem,) = schema_problems(schema)
    assert problem[0] == path
    assert said in problem[1]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$id": "https://example.com/flow", "$ref": "#/$defs/a", "$defs": {"a": True}},
        {"properties": {"$ref": {"type": "string"}, "pattern": {}, "patternProperties": {}}},
        {"allOf": [{"type": "object"}], "properties": {"a": {"$ref": "#/allOf/0"}, "b": {"$ref": "#"}}},
        {"$defs": {"a/b~c": {}}, "$ref": "#/$defs/a~1b~0c"},
        {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "enum": [{"pattern": "("}]},
    ],
)
def test_ordinary_schemas_are_accepted(schema: Any) -> None:
    assert schema_problems(schema) == []


def test_all_that_is_wrong_with_a_schema_is_found_at_once() -> None:
    schema = {
        "required": "x",
        "properties": {"a": {"pattern": "("}, "b": {"$ref": "#/nowhere"}, "c": {"type": "strng"}, "d": 5},
        "allOf": {"$ref": 5, "pattern": 5},
        "$anchor": "not one",
    }
    assert {problem.path for problem in schema_problems(schema)} == {
        ("required",),
        ("properties", "a", "pattern"),
        ("properties", "b", "$ref"),
        ("properties", "c", "type"),
        ("properties", "d"),
        ("allOf",),
        ("$anchor",),
    }
    assert len(schema_problems(schema)) == 7


def test_a_type_that_is_none_gives_the_nearest_and_all() -> None:
    (problem,) = schema_problems({"type": ["null", "objct"]})
    assert problem.hint == "did you mean 'object'? types are array, boolean, integer, null, number, object, string"
    (problem,) = schema_problems({"type": None})
    assert problem.hint == "types are array, boolean, integer, null, number, object, string"


def test_remote_references_are_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert schema_problems({"$schema": "https://example.com/meta", "$ref": "https://example.com/s"})
    assert InputSchema({"$ref": "https://example.com/s"}).problems(1)


def test_patterns_search_and_cannot_hang() -> None:
    assert InputSchema({"pattern": "b"}).problems("abc") == []
    assert InputSchema({"pattern": "^b"}).problems("abc")
    assert InputSchema({"pattern": "(a+)+$"}).problems("a" * 9_999 + "b")
    assert InputSchema({"pattern": "a"}).problems(1) == []
    (problem,) = InputSchema({"pattern": "a"}).problems("a" * 10_001)
    assert "10,000 characters" in problem[1]


def test_schemas_that_double_at_each_level_are_given_up() -> None:
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(30)}
    schema = {"$ref": "#/$defs/l0", "$defs": {**levels, "l30": {"type": "number"}}}
    assert schema_problems(schema) == []
    (problem,) = InputSchema(schema).problems(1)
    assert "given up" in problem[1]


def test_schemas_that_refer_to_themselves_at_once_fit_nothing() -> None:
    (problem,) = InputSchema({"$ref": "#"}).problems(1)
    assert "nests too deeply" in problem[1]


def test_trees_may_nest_and_very_deep_ones_are_refused() -> None:
    tree = InputSchema({"properties": {"children": {"items": {"$ref": "#"}}}})

    def nested(depth: int) -> Any:
        return {"children": [nested(depth - 1)]} if depth else {}

    assert tree.problems(nested(25)) == []
    (problem,) = tree.problems(nested(60))
    assert "nests too deeply" in problem[1]


def test_schemas_with_very_many_parts_are_refused() -> None:
    (problem,) = schema_problems({"properties": {f"p{n}": {} for n in range(2_000)}})
    assert "at most 2,000 objects" in problem[1]


def test_patterns_are_bounded_by_what_their_repeats_come_to() -> None:
    uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    assert schema_problems({"pattern": uuid}) == []
    assert schema_problems({"pattern": r"^(\({1,9}|[)}]{3,}){2}$"}) == []
    for pattern in ("(a{1,50}){1,50}", "(a{50,}){50}", "a{9}{9}{9}{9}"):
        (problem,) = schema_problems({"pattern": pattern})
        assert "repeats too often" in problem[1]


def test_long_lists_of_alternatives_are_not_deep() -> None:
    numbers = InputSchema({"items": {"if": {"type": "string"}, "then": False}})
    assert numbers.problems([1] * 1_000) == []


def test_equal_items_are_found_as_json_compares_and_quickly() -> None:
    unique = InputSchema({"uniqueItems": True})
    assert unique.problems([{"a": n} for n in range(20_000)]) == []
    assert unique.problems([1, True, "1", [1], [True], {"a": 1}]) == []
    assert unique.problems([1, 1.0])
    assert unique.problems([{"a": 1, "b": 2}, {"b": 2, "a": 1}])
    assert InputSchema({"uniqueItems": False}).problems([1, 1]) == []


def test_long_lists_of_problems_and_long_values_are_cut() -> None:
    problems = InputSchema({"items": {"type": "number"}}).problems(["x" * 1_000] * 100)
    assert len(problems) == 20
    assert all(len(message) <= 200 for _, message in problems)


ROOT = Path(__file__).parents[3]
VALID = [*sorted((ROOT / "examples").glob("*/flow.yaml")), *sorted((ROOT / "tests" / "data").glob("*.yaml"))]


@pytest.mark.parametrize("path", VALID, ids=[f"{path.parent.name}/{path.name}" for path in VALID])
def test_the_schema_for_editors_takes_valid_flows_and_so_does_the_loader(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    loaded = load_flow(text, path.name)
    assert [str(problem) for problem in loaded.problems] == []
    assert list(Draft202012Validator(flow_schema()).iter_errors(loaded.document)) == []


def test_one_flow_has_every_kind_and_nearly_every_field() -> None:
    (document,) = [
        load_flow(path.read_text(encoding="utf-8"), path.name).document for path in VALID if path.stem == "every_kind"
    ]
    assert document is not None
    nodes = document["nodes"].values()
    assert {node["kind"] for node in nodes} == set(KINDS)
    unused = {
        f"{kind}.{name}"
        for kind, model in KINDS.items()
        for name in (field.alias or name for name, field in model.model_fields.items())
        if not any(node["kind"] == kind and name in node for node in nodes)
    }
    shared = ("title", "description", "max_visits", "on_error", "on_timeout", "timeout", "save")
    assert {field for field in unused if not field.endswith(shared)} == {
        "fork.flow",
        "http.body",
        "map.allowed",
        "map.compensate",
        "map.heartbeat",
        "map.mode",
        "map.priority",
        "map.retry",
        "map.schedule_to_start",
        "map.start_to_close",
        "map.task_queue",
        "activity.retry",
        "activity.task_queue",
    }


def test_the_schema_for_editors_takes_what_the_loader_takes() -> None:
    validator = Draft202012Validator(flow_schema())
    Draft202012Validator.check_schema(flow_schema())
    head = {"flow": "f", "version": "1", "start": "a"}
    for edges in ("b", {"to": "b"}, ["b", {"to": "b", "when": "x"}]):
        step = {"kind": "wait", "for": "1s", "next": edges, "on_timeout": edges, "on_error": edges}
        document = {**head, "nodes": {"a": step, "b": {"kind": "end"}}}
        assert list(validator.iter_errors(document)) == []
    for bad in (
        {"kind": "wait", "next": "b"},
        {"kind": "wait", "for": "1s", "until": "x", "next": "b"},
        {"kind": "decision", "next": []},
        {"kind": "decision", "next": {"to": "b", "codes": ["X"]}},
        {"kind": "nosuch"},
        {"kind": "end", "next": "b"},
        {"kind": "join", "next": "b"},
        {"kind": "join", "of": "b", "threads": [], "next": "b"},
        {"kind": "join", "of": "b", "need": "most", "next": "b"},
        {"kind": "join", "of": "b", "need": 0, "next": "b"},
        {"kind": "send", "name": "x", "next": "b"},
        {"kind": "send", "name": "x", "to": "x", "broadcast": True, "next": "b"},
        {"kind": "set", "next": "b"},
        {"kind": "set", "append": {"x": 1}, "next": "b"},
        {"kind": "set", "set": {"a-b": 1}, "next": "b"},
        {"kind": "http", "url": "http://x", "json": 1, "body": "x", "next": "b"},
        {"kind": "http", "url": "http://x", "headers": {"x": {"secret": "a b"}}, "next": "b"},
        {"kind": "map", "activity": "x", "next": "b"},
        {"kind": "map", "activity": "x", "over": [], "as_": "x", "next": "b"},
        {"kind": "activity", "activity": "x", "mode": "near", "next": "b"},
        {"kind": "spawn", "flow": "a b", "next": "b"},
        {"kind": "spawn", "flow": "g", "on_parent_end": "x", "next": "b"},
        {"kind": "fork", "next": "b"},
        {"kind": "subflow", "flow": 5, "next": "b"},
        {"kind": "receive", "timeout": "5 minutes", "next": "b"},
        {"kind": "receive", "timeout": "0s", "next": "b"},
        {"kind": "http", "url": "http://x", "start_to_close": "PT0S", "next": "b"},
        {"kind": "http", "url": "http://x", "retry": {"maximum_attempts": 10**9 + 1}, "next": "b"},
        {"kind": "http", "url": "http://x", "retry": {"initial_interval": "0ms"}, "next": "b"},
    ):
        assert list(validator.iter_errors({**head, "nodes": {"a": bad, "b": {"kind": "end"}}})) != []
    nodes = {"a": {"kind": "end"}}
    for good in (
        {"error_policy": "skip"},
        {"error_policy": {"action": "retry", "interval": "1s"}},
        {"hooks": {"on_error": {"call": {"activity": "x"}}}},
        {"checkpoint": {"nodes": 1, "time": "1s"}},
    ):
        assert list(validator.iter_errors({**head, "nodes": nodes, **good})) == []
    mistakes: list[dict[str, Any]] = [
        {"error_policy": "stpo"},
        {"error_policy": {"maximum_attempts": 0}},
        {"hooks": {"on_error": {}}},
        {"hooks": {"on_error": {"call": {"activity": "x"}, "set": {"x": 1}}}},
        {"hooks": {"before": {"set": {"x": 1}}}},
        {"checkpoint": {"nodes": 0}},
        {"checkpoint": {"time": "0s"}},
        {"limits": {"max_duration": "soon"}},
        {"nodes": {"a-b": {"kind": "end"}}},
    ]
    for wrong in mistakes:
        assert list(validator.iter_errors({**head, "nodes": nodes, **wrong})) != []


@pytest.mark.parametrize("text", ["250ms", "1.5h", "1h30m", "PT5M", "P1DT12H", "P2W", "0s", "0.5s", "10s", "PT0.5S"])
def test_the_schema_for_editors_takes_the_durations_that_the_loader_takes(text: str) -> None:
    nodes = {"a": {"kind": "receive", "timeout": text, "next": "b"}, "b": {"kind": "end"}}
    document = {"flow": "f", "version": "1", "start": "a", "nodes": nodes}
    errors = list(Draft202012Validator(flow_schema()).iter_errors(document))
    assert bool(errors) == bool(analyse(document).problems) == (text == "0s")


def test_the_schema_for_editors_says_what_each_field_means() -> None:
    schema = flow_schema()
    for definition in (schema, *schema["$defs"].values()):
        for name, field in definition.get("properties", {}).items():
            assert field["description"], name
    assert schema["$defs"]["SpawnNode"]["properties"]["priority"] != schema["$defs"]["Edge"]["properties"]["priority"]


def test_the_loader_reports_each_problem_of_a_schema_at_its_place() -> None:
    text = 'flow: f\nversion: "1"\nstart: a\nnodes: {a: {kind: end}}\ninputs:\n  properties:\n    a: {type: txt}\n'
    (problem,) = load_flow(text, "f.yaml").problems
    assert (problem.line, problem.column, problem.code) == (7, 15, "BAD_SCHEMA")
