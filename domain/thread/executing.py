"""Threads without a flow of their own: flows get in line, begin, and end, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import require_complete, runnable, shared
from domain.flow.schema import check_input
from domain.thread.checkpoint import Checkpoint
from domain.thread.events import (
    CloseRequested,
    FlowBegan,
    FlowDropped,
    FlowEnded,
    FlowRequested,
    ThreadEnded,
    ThreadEvent,
)
from domain.thread.inputs import Close, Execute
from domain.thread.journal import (
    EXECUTED_FLOW,
    Begin,
    Execution,
    ExecutionStatus,
    Failure,
    JournalEntry,
    JournalItem,
    Rebase,
)
from domain.thread.snapshot import initial_variables
from domain.thread.state import LINE_LIMIT, Outcome, Requested, ThreadState, ThreadStatus
from domain.values import JsonObject, digest


def requested(state: ThreadState, input: Execute) -> list[ThreadEvent]:
    """A flow gets in line. All that may be wrong with it is found here, so that it can begin at any time.

    Raises:
        ThreadloomError: `ILLEGAL_TRANSITION` when the thread takes no flows, `LINE_FULL`, `FLOW_INVALID`,
            `FLOW_NOT_FOUND`, `INPUT_INVALID`, `EXPRESSION_ERROR`.
    """
    thread_id = state.identity.thread_id
    require_flowless(thread_id, flowless=state.identity.flowless)
    if state.closing or state.cancellation:
        raise ThreadloomError(Code.ILLEGAL_TRANSITION, f"thread {thread_id} is about to end and takes no more flows")
    if len(state.line) >= LINE_LIMIT:
        message = f"{len(state.line)} flows wait in line for thread {thread_id}, as many as may"
        raise ThreadloomError(Code.LINE_FULL, message, {"limit": LINE_LIMIT})
    require_complete(input.flow, input.flows)
    flow = runnable(input.flow)
    check_input(flow, input.input)
    documents = {digest(document): document for document in (input.flow, *input.flows.values())}
    execution = Execution(
        number=state.current.executed + len(state.line) + 1,
        id=input.id,
        flow=flow.flow,
        version=flow.version,
        document=digest(input.flow),
        flows={reference: digest(document) for reference, document in input.flows.items()},
    )
    in_line = Requested(
        execution=execution,
        input=input.input,
        variables=initial_variables(flow, input.input),
        next=flow.start,
        actor=input.actor,
        reason=input.reason,
        at=input.now,
    )
    new = {name: shared(document) for name, document in documents.items() if name not in state.library}
    return [FlowRequested(requested=in_line, documents=new)]


def require_flowless(thread_id: str, *, flowless: bool) -> None:
    """Refuse a thread that has a flow of its own: `ILLEGAL_TRANSITION`."""
    if not flowless:
        message = f"thread {thread_id} has a flow of its own; one that was created without executes those it is given"
        raise ThreadloomError(Code.ILLEGAL_TRANSITION, message, {"thread": thread_id})


def close(state: ThreadState, input: Close) -> list[ThreadEvent]:
    """The thread takes no more flows; nothing follows when it takes none already.

    Raises:
        ThreadloomError: `ILLEGAL_TRANSITION` when it has a flow of its own.
    """
    require_flowless(state.identity.thread_id, flowless=state.identity.flowless)
    if state.closing:
        return []
    return [CloseRequested(actor=input.actor, reason=input.reason, at=input.now)]


def next_flow(state: ThreadState, now: datetime) -> list[ThreadEvent]:
    """What an idle thread does: begin the next flow, end if it is to, or nothing."""
    if not state.line:
        ended = ThreadEnded(outcome=Outcome(status=ThreadStatus.COMPLETED), at=now)
        return [ended] if state.closing else []
    first = state.line[0]
    begin = Begin(
        seq=state.current.seq + 1,
        at=now,
        execution=first.execution,
        input=first.input,
        variables={name: value for name, value in first.variables.items() if name not in state.current.variables},
        next=first.next,
    )
    known = needed(state.library, state.base, state.journal)
    documents = {name: state.library[name] for name in first.execution.documents if name not in known}
    return [FlowBegan(begin=begin, documents=documents, actor=first.actor, reason=first.reason)]


def ended(state: ThreadState, outcome: Outcome, now: datetime) -> list[ThreadEvent]:
    """The end of what the outcome is of: the thread, or the flow that a thread without one executes.

    A cancelled flow is one whose thread was cancelled.
    """
    events: list[ThreadEvent] = []
    if state.identity.flowless and state.current.execution is not None:
        execution = state.current.execution
        events.append(FlowEnded(execution=execution, entry=_entry(state, execution, outcome, now)))
        if outcome.status is not ThreadStatus.CANCELLED:
            return events
    failure = outcome.error or Failure(code=Code.CANCELLED, message="the thread ended")
    dropped = [FlowDropped(requested=waiting, failure=failure, at=now) for waiting in state.line]
    return [*events, *dropped, ThreadEnded(outcome=outcome, at=now)]


def _entry(state: ThreadState, execution: Execution, outcome: Outcome, now: datetime) -> JournalEntry:
    frame = state.current.outermost
    return JournalEntry(
        seq=state.current.seq + 1,
        node=execution.path,
        kind=EXECUTED_FLOW,
        visit=1,
        status=ExecutionStatus(outcome.status.value),
        started_at=frame.started_at or now,
        ended_at=now,
        result=outcome.result,
        error=outcome.error,
        begun=frame.begun,
    )


def needed(
    library: Mapping[str, JsonObject],
    base: Checkpoint,
    journal: Iterable[JournalItem],
    line: Iterable[Requested] = (),
) -> dict[str, JsonObject]:
    """The documents of the flows that a thread is executing, was, as far as it remembers, or will."""
    if not library:
        return {}
    executions = [
        base.execution,
        *(item.execution for item in journal if isinstance(item, Begin | Rebase)),
        *(waiting.execution for waiting in line),
    ]
    names = {name for execution in executions if execution is not None for name in execution.documents}
    return {name: document for name, document in library.items() if name in names}
