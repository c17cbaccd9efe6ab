"""What lies ahead of a point in a thread: what will be read, and what will run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from domain.flow.expressions import expression_references, references
from domain.flow.model import Effectful, FlowDefinition, NodeBase, SubflowNode
from domain.flow.names import RESERVED, written_by
from domain.flow.templated import sites_of
from domain.flow.ways import edges_of
from domain.session.operations.base import BranchWarning
from domain.thread.checkpoint import Checkpoint
from domain.thread.frame import Frame
from domain.thread.program import Program


def reachable(flow: FlowDefinition, start: str | None) -> list[str]:
    """Nodes that can be entered from `start` on, itself included, nearest first."""
    found = {start: None} if start is not None and start in flow.nodes else {}
    waiting = list(found)
    for node_id in waiting:
        new = [target for target in _targets(flow.nodes[node_id]) if target not in found]
        found.update(dict.fromkeys(new))
        waiting += dict.fromkeys(new)
    return waiting


def missing_variables(program: Program, start: Checkpoint) -> list[BranchWarning]:
    """A warning for each variable that a node ahead reads, and that nothing has set or may set before."""
    warnings: dict[str, BranchWarning] = {}
    for frame, nodes in _ahead(program, start):
        set_ahead = frozenset[str]().union(*(written_by(node) for node in nodes.values()))
        if frame is not start and frame.next is not None:
            set_ahead |= written_by(program.at(frame).nodes[frame.next])  # the subflow that the branch is in
        for node_id, node in nodes.items():
            for name in sorted(_reads(node) - RESERVED - set(frame.variables) - set_ahead):
                message = f"{frame.path_of(node_id)} reads {name}, which the new thread does not have"
                warnings.setdefault(frame.path_of(name), BranchWarning("VARIABLE_MISSING", message))
    return list(warnings.values())


def repeated_effects(program: Program, start: Checkpoint, had: AbstractSet[str]) -> list[BranchWarning]:
    """A warning for each node ahead with an effect outside that the source has had, or is having.

    Args:
        program: The flows that go on.
        start: Where they go on.
        had: Paths of the nodes that the source executed, or executes, and the new thread does not take as done.
    """
    return [
        BranchWarning(
            "EFFECT_REPEATED", f"{path} was executed in the source and may have its effect again (effect: external)"
        )
        for frame, nodes in _ahead(program, start)
        for node_id, ahead in nodes.items()
        for path, node in _with_inner(program, frame.path_of(node_id), ahead, had)
        if path in had and isinstance(node, Effectful) and node.declared_effect == "external"
    ]


def _ahead(program: Program, start: Checkpoint) -> Iterator[tuple[Frame, Mapping[str, NodeBase]]]:
    """Of each flow in execution, the innermost first, the nodes that can be entered from here on."""
    for frame in (start, *reversed(start.callers)) if program.main is not None else ():
        flow = program.at(frame)
        nodes = reachable(flow, frame.next)
        if frame is not start and frame.next is not None:
            # Its subflow is being executed: it is entered again only where the way comes back to it.
            ways = (reachable(flow, target) for target in _targets(flow.nodes[frame.next]))
            nodes = list(dict.fromkeys(node_id for way in ways for node_id in way))
        yield frame, {node_id: flow.nodes[node_id] for node_id in nodes}


def _with_inner(program: Program, path: str, node: NodeBase, had: AbstractSet[str]) -> Iterator[tuple[str, NodeBase]]:
    """The node and, where it is a subflow that the source has executed, the nodes in it."""
    yield path, node
    if isinstance(node, SubflowNode) and any(other.startswith(f"{path}/") for other in had):
        flow = program.named(node.flow)
        for node_id in reachable(flow, flow.start):
            yield from _with_inner(program, f"{path}/{node_id}", flow.nodes[node_id], had)


def _targets(node: NodeBase) -> list[str]:
    return list(dict.fromkeys(edge.to for _, edges in edges_of(node) for edge in edges))


def _reads(node: NodeBase) -> frozenset[str]:
    found = (
        (expression_references(site.value) if site.bare else references(site.value)) - site.names
        for site in sites_of(node)
    )
    return frozenset[str]().union(*found)
