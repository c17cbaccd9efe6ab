"""Admission of threads: what a session notes and starts for a thread that was created, forked or copied."""

from __future__ import annotations

from datetime import datetime

from domain.answers import Answered
from domain.codec import dump
from domain.messages import CopyThread, CreateThread, ForkThread, PreparedBranch, ThreadStart, body
from domain.session.events import (
    CommandAnswered,
    SessionEvent,
    ThreadCreated,
    ThreadLaunched,
    ThreadRejected,
)
from domain.session.inputs import NotLaunched
from domain.session.policy import flow_of
from domain.session.state import SessionState, ThreadEntry
from domain.thread.snapshot import first_seed
from domain.thread.state import Hold, HoldKind, Identity, ThreadStatus
from domain.values import JsonObject, digest


def created(state: SessionState, command: CreateThread, now: datetime) -> ThreadCreated:
    flow = flow_of(command.flow)
    identity = Identity(
        session_id=state.session_id,
        thread_id=command.thread_id,
        created_at=now,
        root=command.thread_id,
        priority=command.priority,
        title=command.title,
        description=command.description,
    )
    seed = first_seed(
        flow, identity, input=command.input, context=command.context, metadata=command.metadata, shared=state.shared
    )
    return _admitted(
        state,
        command,
        identity,
        flow=(flow.flow, flow.version, digest(command.flow)),
        document=command.flow,
        seed=dump(seed),
        hold=command.hold,
        now=now,
    )


def branched(
    state: SessionState, command: ForkThread | CopyThread, identity: Identity, branch: PreparedBranch, now: datetime
) -> ThreadCreated:
    assert branch.seed is not None
    return _admitted(
        state,
        command,
        identity,
        flow=(branch.flow_name, branch.flow_version, branch.flow_digest),
        document=branch.flow,
        seed=branch.seed,
        hold=command.hold,
        now=now,
        answer=branch.answer,
    )


def _admitted(
    state: SessionState,
    command: CreateThread | ForkThread | CopyThread,
    identity: Identity,
    *,
    flow: tuple[str, str, str],
    document: JsonObject,
    seed: JsonObject,
    hold: bool,
    now: datetime,
    answer: JsonObject | None = None,
) -> ThreadCreated:
    name, version, flow_digest = flow
    held = Hold(kind=HoldKind.START, actor=command.actor, reason=command.reason, at=now)
    start = ThreadStart(
        flow=document,
        flow_digest=flow_digest,
        continue_as_new_after=state.config.continue_as_new_after,
        shared_task_queues=state.config.shared_task_queues,
        seed=seed,
        holds=[dump(held)] if hold else [],
        created_by=command.actor,
        reason=command.reason,
    )
    entry = ThreadEntry(
        thread_id=identity.thread_id,
        flow=name,
        version=version,
        flow_digest=flow_digest,
        status=ThreadStatus.PENDING,
        priority=identity.priority,
        title=identity.title,
        origin=identity.origin.value,
        parent=identity.parent,
        root=identity.root,
        depth=identity.depth,
        created_at=now,
        command_id=command.command_id,
        fork_info=identity.fork_info,
        copy_info=identity.copy_info,
    )
    return ThreadCreated(
        entry=entry,
        start=body(start),
        answer=answer or {},
        command_digest=command.digest(),
        actor=command.actor,
        reason=command.reason,
        at=now,
    )


def launched(state: SessionState, thread_id: str, now: datetime) -> list[SessionEvent]:
    entry = state.threads[thread_id]
    launch = state.launching[thread_id]
    result = {"thread_id": thread_id, "status": entry.status.value, **launch.answer}
    answer = Answered(digest=launch.digest, result=result)
    return [
        ThreadLaunched(thread_id=thread_id, at=now),
        CommandAnswered(command_id=entry.command_id, answer=answer, at=now),
    ]


def not_launched(state: SessionState, input: NotLaunched) -> list[SessionEvent]:
    entry = state.threads[input.thread_id]
    error: JsonObject = {"code": input.code, "message": input.message, "details": {"thread": input.thread_id}}
    answer = Answered(digest=state.launching[input.thread_id].digest, error=error)
    return [
        ThreadRejected(thread_id=input.thread_id, code=input.code, message=input.message, at=input.now),
        CommandAnswered(command_id=entry.command_id, answer=answer, at=input.now),
    ]
