"""The flow that is to run, and the flows that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import bundle, parsed
from domain.flow.loader import load_flow
from domain.thread.program import Program
from domain.values import JsonObject

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
            message = f"{flow.label} needs the flow {reference}: give its file too"
            raise ThreadloomError(Code.FLOW_NOT_FOUND, message, {"flow": reference, "needed_by": flow.label})
        return known[reference]

    return Program(flow, bundle(flow, find))


def _document(source: Source) -> JsonObject:
    if isinstance(source, Mapping):
        return dict(source)
    try:
        text = Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ThreadloomError(Code.FLOW_NOT_FOUND, f"{source}: {reason}", {"file": str(source)}) from error
    loaded = load_flow(text, str(source))
    if loaded.flow is None or loaded.document is None:
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        problems = [asdict(problem) for problem in loaded.problems]
        raise ThreadloomError(Code.FLOW_INVALID, f"{errors[0]}{more}", {"problems": problems})
    return loaded.document
