"""Places in a document, as paths of keys and indices."""

from __future__ import annotations

from domain.flow.diagnostics import Path
from domain.values import Json


def fit(document: Json, location: tuple[str | int, ...]) -> Path:
    """The path in the document of a location in the models.

    Models know a tag for the kind of a node, a list where the file has one edge, an object where it
    has a node's id. Steps that the document has not are left out; the last one stays, as it may be
    the name of a field that is missing.
    """
    steps = [step for step in location if step != "[key]"]
    if len(steps) > 2 and steps[0] == "nodes":
        del steps[2]
    path: list[str | int] = []
    value = document
    for index, step in enumerate(steps):
        if _has(value, step):
            value = value[step]
        elif not (index == len(steps) - 1 and isinstance(value, dict) and isinstance(step, str)):
            continue
        path.append(step)
    return tuple(path)


def value_at(document: Json, path: Path) -> Json:
    """The value at the path; None when there is none."""
    for step in path:
        if not _has(document, step):
            return None
        document = document[step]
    return document


def _has(value: Json, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)
