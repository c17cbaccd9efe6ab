"""Commands to a thread, as inputs of its core."""

from __future__ import annotations

from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.instants import as_utc
from domain.messages import (
    CancelThread,
    CloseThread,
    Command,
    Decide,
    ExecuteFlow,
    PauseThread,
    ResumeThread,
    Send,
    SessionHoldChanged,
)
from domain.thread.inputs import Answer, Cancel, Close, Execute, Pause, Receive, Resume, ThreadInput
from domain.thread.state import BY_HAND, HoldKind


def input_for(command: Command, now: datetime) -> ThreadInput:
    """The input that the command amounts to.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for a command that threads do not take.
    """
    actor, reason = command.actor, command.reason
    match command:
        case PauseThread(until=until):
            end = as_utc(until) if until else None
            return Pause(now=now, kind=HoldKind.THREAD, actor=actor, reason=reason, until=end)
        case ResumeThread():
            return Resume(now=now, kinds=BY_HAND, actor=actor, reason=reason)
        case CancelThread(compensate=compensate):
            return Cancel(now=now, actor=actor, reason=reason, compensate=compensate)
        case CloseThread():
            return Close(now=now, actor=actor, reason=reason)
        case ExecuteFlow():
            return Execute(
                now=now,
                id=command.command_id,
                flow=command.flow,
                flows=command.flows,
                input=command.input,
                actor=actor,
                reason=reason,
            )
        case Decide():
            return Answer(
                now=now,
                node=command.node,
                choice=command.choice,
                visit=command.visit,
                data=command.data,
                actor=actor,
                reason=reason,
            )
        case Send():
            return Receive(
                now=now,
                id=command.message_id or command.command_id,
                name=command.name,
                type=command.type,
                body=command.body,
                sender=command.sender or actor,
                serial=command.serial,
            )
    raise ThreadloomError(Code.INVALID_ARGUMENT, f"a thread takes no {type(command).__name__}")


def inputs_for_session_hold(changed: SessionHoldChanged, now: datetime) -> list[ThreadInput]:
    """What a change of the session's hold means for the thread; hearing from the session, it is not lost."""
    actor, reason = changed.actor, changed.reason
    found = Resume(
        now=now,
        kinds=(HoldKind.LOST_SESSION,),
        actor=actor,
        reason="the session is back",
        asks_again=changed.recovered,
    )
    if changed.held:
        return [found, Pause(now=now, kind=HoldKind.SESSION, actor=actor, reason=reason)]
    keep = [Pause(now=now, kind=HoldKind.THREAD, actor=actor, reason=reason)] if changed.keep else []
    return [found, *keep, Resume(now=now, kinds=(HoldKind.SESSION,), actor=actor, reason=reason)]
