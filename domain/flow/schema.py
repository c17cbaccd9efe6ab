"""JSON Schema, both ways: the schema of flow files for editors, and the check of inputs against a flow's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.descriptions import DESCRIPTIONS
from domain.flow.json_schema import InputSchema
from domain.flow.model import FlowDefinition
from domain.flow.parse import json_path
from domain.values import Json, JsonObject, canonical

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _one_of(*fields: str) -> JsonObject:
    return {"oneOf": [{"required": [field]} for field in fields]}


_TOGETHER: Mapping[str, JsonObject] = {
    "WaitNode": _one_of("for", "until"),
    "JoinNode": _one_of("of", "threads"),
    "Hook": _one_of("call", "set"),
    "SendNode": {
        "oneOf": [{"required": ["to"]}, {"required": ["broadcast"], "properties": {"broadcast": {"const": True}}}]
    },
    "SetNode": {"anyOf": [{"required": ["set"]}, {"required": ["append"]}]},
    "HttpNode": {"not": {"required": ["json", "body"]}},
}
"""How the fields of a model go together, by its name."""


def flow_schema() -> JsonObject:
    """The JSON Schema of flow files, with all the short forms that the loader takes."""
    schema = FlowDefinition.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    for name, definition in definitions.items():
        for field, edge in (("next", "Edge"), ("on_timeout", "Edge"), ("on_error", "ErrorEdge")):
            if name.endswith("Node") and field in definition["properties"]:
                definition["properties"][field] = _edges(edge)
        definition.update(_TOGETHER.get(name, {}))
    action = definitions["ErrorPolicy"]["properties"]["action"]
    schema["properties"]["error_policy"] = {"anyOf": [action, {"$ref": "#/$defs/ErrorPolicy"}]}
    for name, definition in ("FlowDefinition", schema), *definitions.items():
        _describe(name, definition)
    _close(schema)
    return {"$schema": DIALECT, "title": "Threadloom flow", **{k: v for k, v in schema.items() if k != "title"}}


def check_input(flow: FlowDefinition, value: Json) -> None:
    """Check an input against the schema that the flow declares; without one, any JSON fits.

    Raises:
        ThreadloomError: `INPUT_INVALID`; `details["problems"]` has `path` and `message` of each
            problem, the first 20.
    """
    check_value(flow.inputs, value, Code.INPUT_INVALID, f"the input of {flow.label}")


def check_output(flow: FlowDefinition, value: Json) -> None:
    """Check a flow's result against the schema that it declares; without one, any JSON fits.

    Raises:
        ThreadloomError: `OUTPUT_INVALID`, with details as of `check_input`.
    """
    check_value(flow.outputs, value, Code.OUTPUT_INVALID, f"the result of {flow.label}")


def check_value(schema: JsonObject | None, value: Json, code: Code, what: str) -> None:
    """Check a value against a schema; without one, any JSON fits.

    Raises:
        ThreadloomError: The code, with details as of `check_input`.
    """
    if schema is None:
        return
    problems = [
        {"path": json_path(path), "message": message} for path, message in _compiled(_Key(schema)).problems(value)
    ]
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        message = f"{what} does not fit: {problems[0]['path']}: {problems[0]['message']}{more}"
        raise ThreadloomError(code, message, {"problems": problems})


class _Key:
    """A schema as a key of a cache."""

    def __init__(self, schema: JsonObject) -> None:
        self.schema = schema
        self._canonical = canonical(schema)

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._canonical == other._canonical


@lru_cache(maxsize=256)
def _compiled(key: _Key) -> InputSchema:
    return InputSchema(key.schema)


def _describe(model: str, definition: JsonObject) -> None:
    for name, field in definition.get("properties", {}).items():
        if "description" not in field:
            field["description"] = DESCRIPTIONS.get(f"{model}.{name}") or DESCRIPTIONS[name]


def _close(part: Any) -> None:
    """Refuse, in all objects below, the keys whose form is wrong: pydantic describes only the others."""
    if isinstance(part, dict):
        if "patternProperties" in part:
            part["additionalProperties"] = False
        for member in part.values():
            _close(member)
    elif isinstance(part, list):
        for item in part:
            _close(item)


def _edges(name: str) -> JsonObject:
    edge = {"anyOf": [{"type": "string", "description": "The id of a node"}, {"$ref": f"#/$defs/{name}"}]}
    return {"anyOf": [*edge["anyOf"], {"type": "array", "items": edge, "minItems": 1}]}
