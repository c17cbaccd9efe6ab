"""The flow that is to run, and the flows that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import bundle, parsed
from domain.flow.language.nearby import did_you_mean
from domain.thread.program import Program
from domain.values import JsonObject
from threadloom.flows import document_of_file

Source: TypeAlias = str | Path | Mapping[str, Any]
"""A flow's file, or its document."""


def load_program(source: Source, others: Iterable[Source]) -> Program:
    """The flow with all flows that it names.

    Args:
        source: The flow; it may name itself.
        others: Flows that it names, or that those name, each known as `name` and `name@version`.

    Raises:
        ThreadloomError: `FLOW_NOT_FOUND` for a file or a flow that is not there; `FLOW_INVALID`.
    """
    document = _document(source)
    known: dict[str, JsonObject] = {}
    for each in (document, *map(_document, others)):
        flow = parsed(each)
        known.setdefault(flow.flow, each)
        known[flow.label] = each
    flow = parsed(document)

    def find(reference: str) -> JsonObject:
        if reference not in known:
            near = did_you_mean(reference, list(known))
            message = f"{flow.label} needs the flow {reference}: give its file too{near}"
            raise ThreadloomError(Code.FLOW_NOT_FOUND, message, {"flow": reference, "needed_by": flow.label})
        return known[reference]

    return Program(flow, bundle(flow, find))


def _document(source: Source) -> JsonObject:
    if isinstance(source, Mapping):
        return dict(source)
    return document_of_file(Path(source))
