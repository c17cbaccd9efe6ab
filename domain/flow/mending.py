"""Mending broken documents, so that the rest of what they mean can be checked in the same pass.

Fields nobody knows and values that do not fit are dropped; what is required and missing gets a
stand-in that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.flow.diagnostics import Path
from domain.flow.model import FlowDefinition
from domain.flow.places import fit, value_at
from domain.values import Json, JsonObject

_EDGE_FIELDS = ("next", "on_timeout", "on_error")
_REPAIRS: Mapping[str, JsonObject] = {
    "wait": {"for": "1s", "until": None},
    "set": {"set": {"x": None}, "append": {}},
    "http": {"body": None},
    "send": {"to": "x", "broadcast": False},
    "join": {"threads": [], "of": None},
}
"""What lets a node pass whose fields do not go together, by its kind."""
_ROUNDS = 5
"""A dropped value may leave a required field missing, and a stand-in may not fit: each needs a round."""


def mended(document: JsonObject, details: list[ErrorDetails]) -> tuple[FlowDefinition | None, bool]:
    """The flow that the document would be without its mistakes, and whether edges changed on the way.

    Args:
        document: A document with an object of nodes. It is not changed.
        details: What the models complained about.

    Returns:
        The flow, or None when it could not be mended; and whether edges were dropped or replaced.
    """
    document = _copy(document)
    edges = False
    for _ in range(_ROUNDS):
        # A node with a bad id is dropped, so what is to be mended in it comes first.
        for detail in sorted(details, key=lambda each: each["loc"][-1:] == ("[key]",)):
            location = detail["loc"]
            repair = _repair(location, detail["type"])
            edges = edges or _touches_edges(detail)
            if repair:
                document["nodes"][location[1]].update(repair)
            else:
                _mend(document, fit(document, location), detail["type"], is_key=location[-1:] == ("[key]",))
        try:
            return FlowDefinition.model_validate(document), edges
        except ValidationError as error:
            details = error.errors(include_url=False)
    return None, edges


def _repair(location: tuple[str | int, ...], kind: str) -> JsonObject | None:
    """What mends the node at the location, when the complaint is about how its fields go together."""
    if kind != "value_error" or location[:1] != ("nodes",) or len(location) != 3:
        return None
    return _REPAIRS.get(str(location[2]))


def _touches_edges(detail: ErrorDetails) -> bool:
    location = detail["loc"]
    if location[:1] == ("start",):
        return True
    if location[:1] != ("nodes",) or _repair(location, detail["type"]):
        return False
    whole_node = len(location) <= 3
    return whole_node or (detail["type"] != "extra_forbidden" and any(name in location for name in _EDGE_FIELDS))


def _mend(document: Any, path: Path, kind: str, *, is_key: bool) -> None:
    if kind == "missing":
        value_at(document, path[:-1])[path[-1]] = _stand_in(document, path)
        return
    if path[:1] == ("nodes",) and len(path) == 2 and not is_key:
        document["nodes"][path[1]] = {"kind": "end"}
        return
    while path:
        holder = value_at(document, path[:-1])
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
            return
        path = path[:-1]


def _stand_in(document: Any, path: Path) -> Json:
    """A value that lets a field that is missing pass, and says nothing."""
    node = path[1] if len(path) > 1 else next(iter(document.get("nodes", ())), "x")
    stand_ins: dict[str | int, Json] = {
        "next": node,
        "to": node,
        "start": node,
        "choices": ["x"],
        "set": {"x": None},
        "nodes": {"x": {"kind": "end"}},
        "enter": node,
        "url": "https://x",
        "over": [],
    }
    return stand_ins.get(path[-1], "x")


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
