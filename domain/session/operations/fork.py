"""Fork: a new thread from a point that another one has passed.

| strategy | variables | node states | context | history | metadata |
|---|---|---|---|---|---|
| full | of that moment | all (copy) | yes | yes | yes |
| partial | of that moment | completed and skipped (inherit) | yes | yes | no |
| minimal | the flow's initial ones | none (reset) | no | no | no |

The source is never touched. Never inherited: mail, timers, holds, answers to approvals, flows in line.

A fork of a thread without a flow of its own has none either: it goes on in the execution that the point
is in, if it is in one, and then waits for flows. Only the branch of a fork node ends with the flow that it
is a branch of, because a join waits for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.errors import Code, ThreadloomError
from domain.flow.language.nearby import did_you_mean
from domain.flow.model import FlowDefinition
from domain.messages import ForkThread
from domain.session.operations.ahead import missing_variables, repeated_effects
from domain.session.operations.base import (
    Branch,
    BranchWarning,
    Child,
    check_depth,
    check_standing,
    inherited,
    path_exists,
    program_at,
)
from domain.thread.checkpoint import Checkpoint
from domain.thread.executing import needed
from domain.thread.journal import FINISHED, JournalItem, Rebase, executions
from domain.thread.program import Program
from domain.thread.snapshot import Cut, Seed, Snapshot, cut, initial_variables, parse_point
from domain.thread.state import Identity, Operation, Origin
from domain.values import JsonObject, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkStrategy:
    """What a fork keeps, after type and separate choices are put together."""

    type: str
    retention: str
    node_states: str
    history: bool
    metadata: bool
    overrides: JsonObject = field(default_factory=dict)


_DEFAULTS = {
    "full": ("copy", True, True),
    "partial": ("inherit", True, False),
    "minimal": ("reset", False, False),
}


def choose_strategy(request: ForkThread) -> tuple[ForkStrategy, list[BranchWarning]]:
    """The strategy that the request amounts to, and what is odd about it."""
    node_states, history, metadata = _DEFAULTS[request.strategy]
    strategy = ForkStrategy(
        type=request.strategy,
        retention=request.retention or request.strategy,
        node_states=request.node_states or node_states,
        history=history if request.include_history is None else request.include_history,
        metadata=metadata if request.include_metadata is None else request.include_metadata,
        overrides=request.set,
    )
    warnings = []
    if strategy.retention != strategy.type:
        message = f"the type is {strategy.type} and {strategy.retention} retention was chosen"
        warnings.append(BranchWarning("RETENTION_DISAGREES", message))
    if strategy.retention == "full" and strategy.node_states == "reset":
        warnings.append(BranchWarning("FULL_WITH_RESET", "all variables are kept and all node states are reset"))
    if strategy.retention == "full" and not strategy.history:
        warnings.append(BranchWarning("FULL_WITHOUT_HISTORY", "everything is kept but the history"))
    return strategy, warnings


def prepare_fork(snapshot: Snapshot, request: ForkThread, child: Child) -> Branch:
    """The fork of the snapshot's thread at the point that the request names.

    Raises:
        ThreadloomError: `FORK_POINT_MISSING`, `FORK_POINT_NOT_EXECUTED`, `NODE_NOT_FOUND`,
            `DEPTH_LIMIT_REACHED`, `FLOW_INVALID`.
    """
    check_depth(snapshot, child)
    point = parse_point(request.at)
    if point.node is not None and snapshot.flow is not None:
        _require_node(Program.of(snapshot.flow, snapshot.flows), point.node)
    strategy, warnings = choose_strategy(request)
    found = cut(snapshot, point, after=request.resume == "after")
    document, flows, library = snapshot.flow, snapshot.flows, snapshot.library
    if request.flow is None:
        program = program_at(snapshot, found.checkpoint)
    else:
        program = Program.of(request.flow, request.flows)
        if snapshot.flow is not None:
            document, flows = request.flow, request.flows
        else:
            found, library = _in_another(found, program.flow, request, library)
    if request.enter is not None:
        found = replace(found, checkpoint=replace(found.checkpoint, next=request.enter))
    elif found.pending:
        warnings.append(
            BranchWarning("FORK_POINT_PENDING", f"{snapshot.identity.thread_id} has not finished {found.point}")
        )
    check_standing(program, found.checkpoint)
    base, journal, start = _rebase(snapshot, program, found, strategy, child, other=request.flow is not None)
    flowless = snapshot.identity.flowless and request.enter is None
    warnings += missing_variables(program, start)
    behind = {entry.node for entry in executions(snapshot.journal) if entry.seq > found.checkpoint.seq}
    if snapshot.active is not None:
        behind.add(snapshot.active.node)
    warnings += repeated_effects(program, start, behind)
    fork_info = {
        "fork_id": child.command_id,
        "parent": snapshot.identity.thread_id,
        "fork_point": found.point,
        "resume": request.resume,
        "forked_at": child.at.isoformat(),
        "strategy": strategy.type,
    }
    operation = Operation(
        type="fork", actor=request.actor, reason=request.reason, at=child.at, details={"fork_point": found.point}
    )
    seed = Seed(
        identity=_identity(snapshot.identity, child, fork_info, flowless=flowless),
        input=snapshot.input,
        context=None if strategy.retention == "minimal" else snapshot.context,
        metadata=snapshot.metadata if strategy.metadata else {},
        shared=snapshot.shared,
        base=base,
        journal=journal,
        operations=(*(_until(found, snapshot.operations) if strategy.history else ()), operation),
        library=needed(library, base, journal),
    )
    return Branch(
        flow=document,
        flows=flows,
        definition=None if flowless else program.flow,
        seed=seed,
        strategy=strategy.type,
        kept={"fork_point": found.point, "next": start.next_path, "variables": sorted(start.variables)},
        warnings=tuple(warnings),
    )


def _in_another(
    found: Cut, flow: FlowDefinition, request: ForkThread, library: Mapping[str, JsonObject]
) -> tuple[Cut, Mapping[str, JsonObject]]:
    """The cut in an execution, which goes on in another flow, and the library with that flow's documents.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` when the cut is in no execution.
    """
    execution, document = found.checkpoint.execution, request.flow
    if execution is None or document is None:
        raise ThreadloomError(
            Code.INVALID_ARGUMENT, f"nothing is executed behind {found.point}, so no other flow can be"
        )
    other = replace(
        execution,
        flow=flow.flow,
        version=flow.version,
        document=digest(document),
        flows={reference: digest(named) for reference, named in request.flows.items()},
    )
    begins = found.checkpoint.begun == found.checkpoint.seq  # the execution as a whole is the point
    checkpoint = replace(found.checkpoint, execution=other, next=flow.start if begins else found.checkpoint.next)
    more = {digest(each): each for each in (document, *request.flows.values())}
    return replace(found, checkpoint=checkpoint), {**library, **more}


def _rebase(
    snapshot: Snapshot, program: Program, found: Cut, strategy: ForkStrategy, child: Child, *, other: bool
) -> tuple[Checkpoint, tuple[JournalItem, ...], Checkpoint]:
    """The fork's base and journal, and the state they amount to."""
    checkpoint = found.checkpoint
    initial = {}
    if program.main is not None:
        given = checkpoint.input if checkpoint.path else snapshot.input
        initial = initial_variables(program.at(checkpoint), given)
    if strategy.retention == "minimal":
        variables = {**initial, **strategy.overrides}
        dropped = tuple(name for name in checkpoint.variables if name not in variables)
    else:
        # Another version of the flow may begin with variables that the source never had.
        new = {name: value for name, value in initial.items() if name not in checkpoint.variables}
        variables, dropped = {**new, **strategy.overrides}, ()
    kept = {"copy": None, "inherit": FINISHED, "reset": frozenset[str]()}[strategy.node_states]
    rebase = Rebase(
        seq=checkpoint.seq + 1,
        at=child.at,
        next=checkpoint.next,
        drop_nodes=tuple(
            name for name, node in checkpoint.nodes.items() if kept is not None and node.status not in kept
        ),
        drop_variables=dropped,
        drop_error=strategy.retention == "minimal",
        keep_visits=strategy.history,
        set=variables,
        execution=checkpoint.execution if other else None,
    )
    start = checkpoint.apply(rebase)
    if not strategy.history:
        return start, (), start
    return snapshot.base, (*inherited(found.items), rebase), start


def _require_node(program: Program, path: str) -> None:
    exists, nodes = path_exists(program, path)
    if not exists:
        message = f"the flow has no node {path}{did_you_mean(path.rpartition('/')[2], nodes)}"
        raise ThreadloomError(Code.NODE_NOT_FOUND, message, {"node": path, "nodes": nodes})


def _until(found: Cut, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The operations on the source up to the fork point."""
    return tuple(operation for operation in operations if found.at is None or operation.at <= found.at)


def _identity(parent: Identity, child: Child, fork_info: JsonObject, *, flowless: bool) -> Identity:
    return Identity(
        session_id=parent.session_id,
        thread_id=child.thread_id,
        created_at=child.at,
        origin=Origin.FORKED,
        parent=parent.thread_id,
        root=parent.root,
        depth=parent.depth + 1,
        fork_info=fork_info,
        priority=parent.priority,
        title=parent.title,
        description=parent.description,
        flowless=flowless,
    )
