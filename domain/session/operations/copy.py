"""Copy: a new thread that is what another one is, whole or in part.

| strategy | history | metadata | reset | scope |
|---|---|---|---|---|
| full | yes | yes | no | all nodes, variables, node states, context |
| partial | no | no | yes | completed and skipped nodes, and the variables they set |
| selective | yes | yes | no | the chosen nodes, and the variables they set |

A copy goes on where its source stands; a full copy of an ended thread is ended. With `reset` it
starts over, with the input and the variables in scope. A selective copy keeps the work of the
chosen nodes and runs again from the first other node that the source executed.

A copy of a thread without a flow of its own has none either. What is said of nodes is of those of the flow
that it executes; what earlier ones left, their variables, is kept whatever the strategy.
"""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from domain.errors import Code, ThreadloomError
from domain.messages import CopyThread
from domain.session.operations.ahead import missing_variables, repeated_effects
from domain.session.operations.base import Branch, BranchWarning, Child, check_depth, inherited, program_at
from domain.thread.checkpoint import Checkpoint
from domain.thread.executing import needed
from domain.thread.journal import (
    EXECUTED_FLOW,
    FINISHED,
    Begin,
    Change,
    JournalEntry,
    JournalItem,
    Rebase,
    executions,
)
from domain.thread.program import Program
from domain.thread.snapshot import Seed, Snapshot
from domain.thread.state import Identity, Operation, Origin
from domain.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyStrategy:
    """What a copy keeps, after type and separate choices are put together."""

    type: str
    nodes: frozenset[str] | None
    history: bool
    metadata: bool
    reset: bool


_DEFAULTS = {"full": (True, True, False), "partial": (False, False, True), "selective": (True, True, False)}


def choose_strategy(snapshot: Snapshot, request: CopyThread) -> tuple[CopyStrategy, list[BranchWarning]]:
    """The strategy that the request amounts to, and what is odd about it.

    Raises:
        ThreadloomError: `COPY_WITHOUT_NODES`, or `NODE_NOT_FOUND` for a chosen node that is missing.
    """
    history, metadata, reset = _DEFAULTS[request.strategy]
    strategy = CopyStrategy(
        type=request.strategy,
        nodes=_nodes(snapshot, request),
        history=history if request.include_history is None else request.include_history,
        metadata=metadata if request.include_metadata is None else request.include_metadata,
        reset=reset if request.reset is None else request.reset,
    )
    warnings = []
    if snapshot.outcome is None:
        message = (
            f"{snapshot.identity.thread_id} is {snapshot.status.value}; the copy is a cut behind its last execution"
        )
        warnings.append(BranchWarning("SOURCE_RUNNING", message))
    if strategy.type == "full" and strategy.reset:
        warnings.append(BranchWarning("FULL_WITH_RESET", "everything is copied and starts over"))
    if strategy.type == "partial" and not strategy.reset:
        warnings.append(BranchWarning("PARTIAL_WITHOUT_RESET", "a part is copied and goes on where the source stands"))
    if strategy.type == "selective" and not strategy.history:
        warnings.append(BranchWarning("SELECTIVE_WITHOUT_HISTORY", "chosen nodes are copied without their history"))
    return strategy, warnings


def prepare_copy(snapshot: Snapshot, request: CopyThread, child: Child) -> Branch:
    """The copy of the snapshot's thread.

    Raises:
        ThreadloomError: `COPY_WITHOUT_NODES`, `NODE_NOT_FOUND`, `DEPTH_LIMIT_REACHED`.
    """
    check_depth(snapshot, child)
    program = program_at(snapshot, snapshot.current())
    executed = {entry.node for entry in executions(snapshot.journal)}
    had = {snapshot.active.node} if snapshot.active else set()
    if request.strategy != "full" or request.reset:
        snapshot = _between_nodes(snapshot)
        had |= executed - {entry.node for entry in executions(snapshot.journal)}
    strategy, warnings = choose_strategy(snapshot, request)
    current = snapshot.current()
    next_node, again = _goes_on(snapshot, current, strategy, program)
    rebase = _rebase(snapshot, current, strategy, child, next_node)
    start = current.apply(rebase)
    outcome = snapshot.outcome if again is None else None
    if outcome is None:
        warnings += missing_variables(program, start)
        warnings += repeated_effects(program, start, had | (again or set()))
    keeps_context = strategy.type != "partial" or not strategy.reset
    scope = {
        "nodes": sorted(current.nodes if strategy.nodes is None else strategy.nodes),
        "variables": sorted(start.variables),
        "node_states": sorted(start.nodes),
        "context": keeps_context,
    }
    copy_info = {
        "copy_id": child.command_id,
        "source": snapshot.identity.thread_id,
        "copied_at": child.at.isoformat(),
        "strategy": strategy.type,
        "scope": scope,
    }
    operation = Operation(type="copy", actor=request.actor, reason=request.reason, at=child.at)
    base: Checkpoint = snapshot.base if strategy.history else start
    journal: tuple[JournalItem, ...] = (*inherited(snapshot.journal), rebase) if strategy.history else ()
    seed = Seed(
        identity=_identity(snapshot.identity, child, copy_info),
        input=snapshot.input,
        context=snapshot.context if keeps_context else None,
        metadata=snapshot.metadata if strategy.metadata else {},
        shared=snapshot.shared,
        base=base,
        journal=journal,
        operations=(*(snapshot.operations if strategy.history else ()), operation),
        outcome=outcome,
        library=needed(snapshot.library, base, journal),
    )
    return Branch(
        flow=snapshot.flow,
        flows=snapshot.flows,
        definition=None if snapshot.identity.flowless else program.flow,
        seed=seed,
        strategy=strategy.type,
        kept={"scope": scope, "next": start.next_path},
        warnings=tuple(warnings),
    )


def _between_nodes(snapshot: Snapshot) -> Snapshot:
    """The snapshot as it was before the node of the thread's own flow that is being executed.

    What is copied in part, or starts over, are nodes of that flow; what a subflow has done so far goes with its node.
    """
    current = snapshot.current()
    if not current.callers:
        return snapshot
    begun = (*current.callers, current)[1].begun
    if snapshot.base.seq >= begun:
        raise ThreadloomError(
            Code.JOURNAL_INCOMPLETE, f"{snapshot.identity.thread_id} does not remember how {current.path} began"
        )
    return replace(snapshot, journal=tuple(item for item in snapshot.journal if item.seq < begun))


def _nodes(snapshot: Snapshot, request: CopyThread) -> frozenset[str] | None:
    if request.nodes and request.strategy != "selective":
        message = f"a {request.strategy} copy takes no choice of nodes; a selective one does"
        raise ThreadloomError(Code.INVALID_ARGUMENT, message, {"strategy": request.strategy})
    if request.strategy == "full":
        return None
    nodes = snapshot.current().nodes
    if request.strategy == "partial":
        return frozenset(name for name, node in nodes.items() if node.status in FINISHED)
    if not request.nodes:
        raise ThreadloomError(Code.COPY_WITHOUT_NODES, "a selective copy names the nodes to keep")
    missing = sorted(set(request.nodes) - set(nodes))
    if missing:
        raise ThreadloomError(
            Code.NODE_NOT_FOUND,
            f"{snapshot.identity.thread_id} has no execution of {', '.join(missing)}",
            {"missing": missing, "executed": sorted(nodes)},
        )
    return frozenset(request.nodes)


def _goes_on(
    snapshot: Snapshot, current: Checkpoint, strategy: CopyStrategy, program: Program
) -> tuple[str | None, AbstractSet[str] | None]:
    """The node where the copy goes on, and what it executes again; None when it stands where its source does."""
    if program.main is None:
        return None, frozenset[str]() if strategy.reset else None
    if strategy.reset:
        return program.flow.start, {current.path_of(node) for node in current.nodes} | {
            entry.node for entry in executions(snapshot.journal)
        }
    if strategy.type == "selective" and strategy.nodes is not None:
        executed = executions(snapshot.journal)
        for place, entry in enumerate(executed):
            parent, _, node = entry.node.rpartition("/")
            if parent == current.path and entry.kind != EXECUTED_FLOW and node not in strategy.nodes:
                return node, {later.node for later in executed[place:]}
    return current.next, None


def _rebase(
    snapshot: Snapshot, current: Checkpoint, strategy: CopyStrategy, child: Child, next_node: str | None
) -> Rebase:
    seq = current.seq + 1
    if strategy.nodes is None:
        dropped_nodes = tuple(current.nodes) if strategy.reset else ()
        return Rebase(seq=seq, at=child.at, next=next_node, drop_nodes=dropped_nodes, keep_visits=strategy.history)
    kept = _variables(snapshot, {current.path_of(node) for node in strategy.nodes})
    return Rebase(
        seq=seq,
        at=child.at,
        next=next_node,
        drop_nodes=tuple(name for name in current.nodes if strategy.reset or name not in strategy.nodes),
        drop_variables=tuple(name for name in current.variables if name not in kept),
        drop_error=strategy.reset,
        keep_visits=strategy.history,
        set={
            name: value
            for name, value in kept.items()
            if name not in current.variables or current.variables[name] is not value
        },
    )


def _variables(snapshot: Snapshot, nodes: Container[str]) -> JsonObject:
    """What the source began with, as the chosen nodes and the forks before them left it."""
    state = snapshot.base
    kept = dict(state.variables)
    for item in snapshot.journal:
        match item:
            case Begin() | JournalEntry(kind="flow"):
                kept = dict(state.apply(item).variables)
            case Rebase() if not state.callers:
                kept.update(item.set)
                for name in item.drop_variables:
                    kept.pop(name, None)
            case JournalEntry() if item.node in nodes:
                kept.update(item.variables())
                kept.update({name: [*kept.get(name, []), *items] for name, items in item.appended.items()})
            case Change() if item.node in nodes:
                kept.update(item.set)
        state = state.apply(item)
    return kept


def _identity(source: Identity, child: Child, copy_info: JsonObject) -> Identity:
    return Identity(
        session_id=source.session_id,
        thread_id=child.thread_id,
        created_at=child.at,
        origin=Origin.COPIED,
        parent=source.thread_id,
        root=source.root,
        depth=source.depth + 1,
        copy_info=copy_info,
        priority=source.priority,
        title=source.title,
        description=source.description,
        flowless=source.flowless,
    )
