"""What a session allows: checked before a command is accepted, and again when its turn comes.

The order is the seeds': session active, resources, source; permission (a port) comes before all.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import require_complete, require_valid, runnable
from domain.flow.schema import check_input
from domain.messages import (
    AllocateResources,
    CancelFlow,
    CloseSession,
    Command,
    ConfigureSession,
    CopyThread,
    CreateThread,
    CreateThreads,
    DestroyThread,
    ExecuteFlow,
    ForkThread,
    ManageThread,
    PauseSession,
    PrioritiseThread,
    ReleaseResources,
    ResumeSession,
    SpawnThread,
    SyncSession,
    TerminateSession,
)
from domain.resources import units
from domain.session.config import make_config
from domain.session.entries import ThreadEntry
from domain.session.state import SessionState, SessionStatus
from domain.thread.executing import require_flowless
from domain.thread.snapshot import initial_variables

TRANSITIONS: Mapping[str, frozenset[SessionStatus]] = {
    "pause": frozenset({SessionStatus.ACTIVE, SessionStatus.PAUSING, SessionStatus.PAUSED}),
    "resume": frozenset({SessionStatus.ACTIVE, SessionStatus.PAUSING, SessionStatus.PAUSED}),
    "close": frozenset({SessionStatus.ACTIVE, SessionStatus.CLOSING}),
    "terminate": frozenset(SessionStatus) - {SessionStatus.CLOSED, SessionStatus.TERMINATED},
}
"""From which statuses an action is legal; where it changes nothing it is a no-op."""


def check(state: SessionState, command: Command) -> None:
    """Let the command pass, or refuse it.

    Raises:
        ThreadloomError: With the code of the first rule that the command breaks.
    """
    if state.status.terminal:
        raise _not_active(state)
    match command:
        case CreateThread():
            _new_thread(state, command)
        case ForkThread() | CopyThread():
            _branch(state, command)
        case ExecuteFlow():
            _execution(state, command)
        case ManageThread() | DestroyThread() | PrioritiseThread():
            _on_thread(state, command)
        case ConfigureSession():
            require_active(state)
            make_config(command.config, base=state.config)
        case CreateThreads() | AllocateResources():
            require_active(state)
        case PauseSession() | ResumeSession() | CloseSession() | TerminateSession():
            if state.status not in TRANSITIONS[command.operation]:
                raise ThreadloomError(
                    Code.ILLEGAL_TRANSITION,
                    f"session {state.session_id} is {state.status.value}: it cannot {command.operation}",
                    {"status": state.status.value},
                )
        case CancelFlow() | ReleaseResources() | SyncSession():
            pass
        case _:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"a session takes no {type(command).__name__}")


def _new_thread(state: SessionState, command: CreateThread) -> None:
    require_active(state)
    _require_new(state, command.thread_id)
    if isinstance(command, SpawnThread):
        _require_depth(state, require_thread(state, command.spawned_by))
    if command.flow is not None:
        require_complete(command.flow, command.flows)
        check_input(runnable(command.flow), command.input)
    elif command.input is not None or command.flows:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a thread without a flow takes no input: `execute` does")


def _branch(state: SessionState, command: ForkThread | CopyThread) -> None:
    if not command.plan:
        require_active(state)
        _require_new(state, command.thread_id)
    if command.source in state.queue:
        raise ThreadloomError(
            Code.THREAD_NOT_STARTED, f"thread {command.source} has not started yet", {"thread": command.source}
        )
    # Of a thread that left memory, whoever reads the source knows.
    if state.find(command.source) is not None or not state.forgotten:
        _require_depth(state, require_thread(state, command.source))
    if isinstance(command, ForkThread) and command.flow is not None:
        require_complete(command.flow, command.flows)


def _execution(state: SessionState, command: ExecuteFlow) -> None:
    require_active(state)
    entry = require_thread(state, command.thread_id)
    _require_alive(entry)
    if entry.thread_id in state.launching:
        raise ThreadloomError(Code.SESSION_BUSY, f"thread {entry.thread_id} is being started; send it again")
    if not entry.started:
        message = f"thread {entry.thread_id} has not started yet"
        raise ThreadloomError(Code.THREAD_NOT_STARTED, message, {"thread": entry.thread_id})
    require_flowless(entry.thread_id, flowless=entry.flow is None)
    require_complete(command.flow, command.flows)
    flow = runnable(command.flow)
    check_input(flow, command.input)
    initial_variables(flow, command.input)
    for name, needed in flow.requires.items():
        if units(entry.requires.get(name, 0)) < units(needed):
            message = f"{flow.label} requires {needed:g} of {name}, and thread {entry.thread_id} was not given it"
            raise ThreadloomError(Code.RESOURCES_INSUFFICIENT, message, {"resource": name, "needed": needed})


def _on_thread(state: SessionState, command: ManageThread | DestroyThread | PrioritiseThread) -> None:
    entry = require_thread(state, command.thread_id)
    status = entry.status.value
    match command:
        case DestroyThread() if entry.alive:
            message = f"thread {entry.thread_id} is {status}; cancel it before destroying it"
            raise ThreadloomError(Code.ILLEGAL_TRANSITION, message, {"status": status})
        case PrioritiseThread() if entry.thread_id not in state.queue:
            message = f"thread {entry.thread_id} is {status}; its priority counts until it starts"
            raise ThreadloomError(Code.ILLEGAL_TRANSITION, message, {"status": status})
        case ManageThread(action=action):
            if entry.thread_id in state.launching and entry.alive:
                raise ThreadloomError(Code.SESSION_BUSY, f"thread {entry.thread_id} is being started; send it again")
            _require_alive(entry)
            if action == "close":
                require_flowless(entry.thread_id, flowless=entry.flow is None)


def examine(command: Command) -> None:
    """What is asked of a command while it can still be refused without a trace: rules that later versions may add to.

    What decides on a command that is in the history asks no more than that it can be carried out, because a
    later version decides again when it replays.

    Raises:
        ThreadloomError: `FLOW_INVALID`.
    """
    if isinstance(command, CreateThread | ForkThread | ExecuteFlow) and command.flow is not None:
        require_valid(command.flow, command.flows)
    elif isinstance(command, CreateThreads):
        for flow in command.flows.values():
            require_valid(flow.flow, flow.flows)


def require_thread(state: SessionState, thread_id: str) -> ThreadEntry:
    """The thread, or `THREAD_NOT_FOUND` or `THREAD_DESTROYED`."""
    entry = state.find(thread_id)
    if entry is None:
        raise ThreadloomError(
            Code.THREAD_NOT_FOUND,
            f"session {state.session_id} has no thread {thread_id[:80]!r}",
            {"thread": thread_id[:80]},
        )
    if entry.destroyed:
        raise ThreadloomError(Code.THREAD_DESTROYED, f"thread {thread_id} was destroyed")
    return entry


def _require_alive(entry: ThreadEntry) -> None:
    if not entry.alive:
        raise ThreadloomError(
            Code.THREAD_ENDED,
            f"thread {entry.thread_id} is {entry.status.value}",
            {"status": entry.status.value},
        )


def require_active(state: SessionState) -> None:
    """Refuse what an active session alone may do: `SESSION_NOT_ACTIVE`."""
    if state.status is not SessionStatus.ACTIVE:
        raise _not_active(state)


def _not_active(state: SessionState) -> ThreadloomError:
    return ThreadloomError(
        Code.SESSION_NOT_ACTIVE,
        f"session {state.session_id} is {state.status.value}",
        {"session": state.session_id, "status": state.status.value},
    )


def _require_new(state: SessionState, thread_id: str) -> None:
    reserved = {branch.thread_id for branch in state.preparing.values() if not branch.plan}
    if state.find(thread_id) or thread_id in reserved:
        raise ThreadloomError(
            Code.THREAD_EXISTS, f"session {state.session_id} has or had a thread {thread_id}", {"thread": thread_id}
        )
    limit = state.config.max_threads
    if limit is not None and state.total + len(reserved) >= limit:
        raise ThreadloomError(
            Code.THREAD_LIMIT_REACHED, f"session {state.session_id} may have {limit} threads", {"limit": limit}
        )


def _require_depth(state: SessionState, source: ThreadEntry) -> None:
    limit = state.config.max_depth
    if limit is not None and source.depth >= limit:
        raise ThreadloomError(
            Code.DEPTH_LIMIT_REACHED,
            f"{source.thread_id} is {source.depth} deep, and {limit} is the limit",
            {"limit": limit},
        )
