"""A flow with the flows that it names: what a thread is given when it is created, so that it needs no look-ups.

A flow names others by reference, `name` or `name@version`; those may name others again, and each
other, and themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache

from domain.errors import Code, ThreadloomError
from domain.flow.model import FlowDefinition, ForkNode, SpawnNode, SubflowNode
from domain.flow.parse import parse_flow, runnable_flow
from domain.values import JsonObject, canonical


def named_by(flow: FlowDefinition) -> list[str]:
    """The references of the flow's own nodes, each once, in the nodes' order."""
    nodes = (node for node in flow.nodes.values() if isinstance(node, SubflowNode | SpawnNode | ForkNode))
    return list({node.flow: None for node in nodes if node.flow is not None})


def missing(flow: FlowDefinition, flows: Mapping[str, JsonObject]) -> list[str]:
    """References that can be reached from the flow, and that `flows` has no document for.

    Raises:
        ThreadloomError: `FLOW_INVALID`, naming the reference whose document is no flow.
    """
    found = dict.fromkeys(named_by(flow))
    waiting = list(found)
    absent = []
    while waiting:
        reference = waiting.pop(0)
        if reference not in flows:
            absent.append(reference)
            continue
        further = [other for other in named_by(_named(reference, flows[reference], runnable)) if other not in found]
        found.update(dict.fromkeys(further))
        waiting += further
    return absent


def require_complete(document: JsonObject, flows: Mapping[str, JsonObject]) -> None:
    """Every flow that can be reached from the document must have come with it.

    Raises:
        ThreadloomError: `FLOW_NOT_FOUND`, `FLOW_INVALID`.
    """
    if absent := missing(runnable(document), flows):
        raise ThreadloomError(
            Code.FLOW_NOT_FOUND,
            f"the flow names {', '.join(absent)[:500]}, which did not come with it",
            {"flow": absent[0], "missing": absent},
        )


def bundle(flow: FlowDefinition, lookup: Callable[[str], JsonObject]) -> dict[str, JsonObject]:
    """The documents of all flows that can be reached from the flow, by reference.

    Args:
        flow: Where to begin.
        lookup: Gives the document of a reference, or raises.

    Raises:
        ThreadloomError: `FLOW_INVALID`, naming the reference; what `lookup` raises.
    """
    flows: dict[str, JsonObject] = {}
    while absent := missing(flow, flows):
        flows |= {reference: lookup(reference) for reference in absent}
    return flows


def require_valid(document: JsonObject, flows: Mapping[str, JsonObject]) -> None:
    """Every rule that this version has for flows, and so none that may decide what a replay repeats.

    Raises:
        ThreadloomError: `FLOW_INVALID`, naming the reference whose document is no flow.
    """
    parsed(document)
    for reference, other in flows.items():
        _named(reference, other, parsed)


def parsed(document: JsonObject) -> FlowDefinition:
    """The flow of a document, parsed once for equal documents.

    Raises:
        ThreadloomError: `FLOW_INVALID`.
    """
    return _parsed(canonical(document))


def runnable(document: JsonObject) -> FlowDefinition:
    """The flow of a thread's document, valid by the rules of the version that created it; parsed once.

    Raises:
        ThreadloomError: `FLOW_INVALID`.
    """
    return _runnable(canonical(document))


def shared(document: JsonObject) -> JsonObject:
    """The document, the same object for equal ones: threads of one flow keep it once. Nobody may change it."""
    return _shared(json.dumps(document))


@lru_cache(maxsize=128)
def _shared(document: str) -> JsonObject:
    return dict(json.loads(document))


@lru_cache(maxsize=128)
def _parsed(document: bytes) -> FlowDefinition:
    return parse_flow(json.loads(document))


@lru_cache(maxsize=128)
def _runnable(document: bytes) -> FlowDefinition:
    return runnable_flow(json.loads(document))


def _named(reference: str, document: JsonObject, read: Callable[[JsonObject], FlowDefinition]) -> FlowDefinition:
    try:
        return read(document)
    except ThreadloomError as error:
        raise ThreadloomError(
            error.code, f"{reference}: {error.message}", {**error.details, "flow": reference}
        ) from error
