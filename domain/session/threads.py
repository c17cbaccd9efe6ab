"""Commands on threads that go through their session."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from pydantic import ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.messages import (
    CancelFlow,
    CreateThread,
    CreateThreads,
    DestroyThread,
    ExecuteFlow,
    ManageThread,
    PrioritiseThread,
    body,
)
from domain.session.admission import created
from domain.session.events import SessionEvent
from domain.session.evolve import evolve
from domain.session.policy import check
from domain.session.state import SessionState
from domain.session.thread_events import (
    PriorityChanged,
    ThreadDestroyed,
    ThreadHeldBack,
    ThreadManaged,
    ThreadsCalledOff,
    ThreadWithdrawn,
)
from domain.values import JsonObject

Outcome: TypeAlias = tuple[list[SessionEvent], JsonObject]
"""What happens, and what the command is answered."""


def on_threads(
    state: SessionState,
    command: ManageThread | ExecuteFlow | DestroyThread | PrioritiseThread | CancelFlow,
    now: datetime,
) -> Outcome:
    """Carry out a command on threads that are there."""
    actor, reason = command.actor, command.reason
    match command:
        case ManageThread(thread_id=thread_id) if thread_id in state.queue:
            return _on_waiting(state, command, now)
        case ManageThread(thread_id=thread_id, action=action):
            message = {"command_id": command.command_id, "actor": actor, "reason": reason}
            managed = ThreadManaged(thread_id=thread_id, action=action, message=message, at=now)
            return [managed], {"thread_id": thread_id, "status": "requested"}
        case ExecuteFlow(thread_id=thread_id):
            given = ThreadManaged(thread_id=thread_id, action=command.operation, message=body(command), at=now)
            return [given], {"thread_id": thread_id, "status": "requested"}
        case DestroyThread(thread_id=thread_id):
            destroyed = ThreadDestroyed(thread_id=thread_id, actor=actor, reason=reason, at=now)
            return [destroyed], {"thread_id": thread_id, "destroyed": True}
        case PrioritiseThread(thread_id=thread_id, priority=priority):
            result = {"thread_id": thread_id, "priority": priority}
            if state.threads[thread_id].priority == priority:
                return [], result
            changed = PriorityChanged(thread_id=thread_id, priority=priority, actor=actor, reason=reason, at=now)
            return [changed], result
        case CancelFlow():
            return _cancel_flow(state, command, now)


def _on_waiting(state: SessionState, command: ManageThread, now: datetime) -> Outcome:
    """Act on a thread that has no workflow yet."""
    thread_id, held = command.thread_id, state.queue[command.thread_id].hold is not None
    result: JsonObject = {"thread_id": thread_id, "status": "pending"}
    match command.action:
        case "cancel":
            withdrawn = ThreadWithdrawn(thread_id=thread_id, actor=command.actor, reason=command.reason, at=now)
            return [withdrawn], {"thread_id": thread_id, "status": "cancelled"}
        case "pause" if not held:
            hold = {"kind": "thread", "actor": command.actor, "reason": command.reason, "at": now.isoformat()}
            return [ThreadHeldBack(thread_id=thread_id, hold=hold, at=now)], result
        case "resume" | "start" if held:
            return [ThreadHeldBack(thread_id=thread_id, hold=None, at=now)], result
    return [], result


def _cancel_flow(state: SessionState, command: CancelFlow, now: datetime) -> Outcome:
    name, _, version = command.flow.partition("@")
    message = {"command_id": command.command_id, "actor": command.actor, "reason": command.reason}
    doomed = [
        entry.thread_id
        for entry in state.threads.values()
        if entry.flow == name and version in ("", entry.version) and entry.cancel is None
    ]
    waiting = tuple(thread_id for thread_id in doomed if thread_id in state.queue)
    called_off = ThreadsCalledOff(thread_ids=waiting, actor=command.actor, reason=command.reason, at=now)
    events: list[SessionEvent] = [called_off] if waiting else []
    events += [
        ThreadManaged(thread_id=thread_id, action="cancel", message=message, at=now)
        for thread_id in doomed
        if thread_id not in state.queue
    ]
    return events, {"flow": command.flow, "threads": doomed}


def created_together(state: SessionState, command: CreateThreads, now: datetime) -> Outcome:
    """Admit each of many threads, or say why not."""
    events: list[SessionEvent] = []
    results: list[JsonObject] = []
    for new in command.threads:
        try:
            one = _one_of(command, new.model_dump())
            check(state, one)
            event = created(state, one, now, answered=True)
        except ThreadloomError as error:
            results.append({"thread_id": new.thread_id, "error": error.visible()})
            continue
        state = evolve(state, event)
        events.append(event)
        results.append({"thread_id": new.thread_id, "status": event.entry.status.value})
    return events, {"threads": results}


def _one_of(command: CreateThreads, fields: JsonObject) -> CreateThread:
    documents = command.flows.get(fields["flow"])
    if documents is None:
        message = f"no flow {fields['flow'][:80]!r} came with the command"
        raise ThreadloomError(Code.FLOW_NOT_FOUND, message, {"flow": fields["flow"][:200]})
    try:
        return CreateThread.model_validate(
            {
                **fields,
                "flow": documents.flow,
                "flows": documents.flows,
                "command_id": command.command_id,
                "actor": command.actor,
                "reason": command.reason,
            }
        )
    except ValidationError as error:
        raise invalid("thread", error) from error
