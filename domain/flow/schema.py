"""JSON Schema, both ways: the schema of flow files for editors, and the check of inputs against a flow's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.json_schema import InputSchema
from domain.flow.model import FlowDefinition
from domain.flow.parse import json_path
from domain.values import Json, JsonObject, canonical

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def flow_schema() -> JsonObject:
    """The JSON Schema of flow files, with all the short forms that the loader takes."""
    schema = FlowDefinition.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    for name, definition in definitions.items():
        for field, edge in (("next", "Edge"), ("on_timeout", "Edge"), ("on_error", "ErrorEdge")):
            if field in definition.get("properties", {}):
                definition["properties"][field] = _edges(edge)
        if name == "WaitNode":
            definition["oneOf"] = [{"required": ["for"]}, {"required": ["until"]}]
    return {"$schema": DIALECT, "title": "Threadloom flow", **{k: v for k, v in schema.items() if k != "title"}}


def check_input(flow: FlowDefinition, value: Json) -> None:
    """Check an input against the schema that the flow declares; without one, any JSON fits.

    Raises:
        ThreadloomError: `INPUT_INVALID`; `details["problems"]` has `path` and `message` of each
            problem, the first 20.
    """
    if flow.inputs is None:
        return
    problems = [
        {"path": json_path(path), "message": message} for path, message in _compiled(_Key(flow)).problems(value)
    ]
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        message = f"the input of {flow.label} does not fit: {problems[0]['path']}: {problems[0]['message']}{more}"
        raise ThreadloomError(Code.INPUT_INVALID, message, {"problems": problems})


class _Key:
    """A flow as a key of a cache: by its schema, as flows are compared in depth and cannot be hashed."""

    def __init__(self, flow: FlowDefinition) -> None:
        self.schema: JsonObject = flow.inputs or {}
        self._canonical = canonical(self.schema)

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._canonical == other._canonical


@lru_cache(maxsize=256)
def _compiled(key: _Key) -> InputSchema:
    return InputSchema(key.schema)


def _edges(name: str) -> JsonObject:
    edge = {"anyOf": [{"type": "string", "description": "The id of a node"}, {"$ref": f"#/$defs/{name}"}]}
    return {"anyOf": [*edge["anyOf"], {"type": "array", "items": edge, "minItems": 1}]}
