"""Admission of threads: what a session notes and starts for a thread that was created, forked or copied."""

from __future__ import annotations

from datetime import datetime

from domain.answers import Answered
from domain.codec import dump
from domain.flow.bundle import runnable
from domain.messages import CopyThread, CreateThread, Flows, ForkThread, PreparedBranch, SpawnThread, ThreadStart, body
from domain.resources import Requirements
from domain.session.entries import BranchInPreparation, Launch, ThreadEntry
from domain.session.events import BranchRequested, CommandAnswered, SessionEvent, WishSettled
from domain.session.inputs import NotLaunched
from domain.session.queue import limited
from domain.session.resources import require_free, require_possible
from domain.session.state import SessionState
from domain.session.thread_events import ThreadCreated, ThreadLaunched, ThreadRejected
from domain.session.wishes import WishId
from domain.thread.mailbox import MAILBOX_BYTES
from domain.thread.snapshot import first_seed
from domain.thread.state import Hold, HoldKind, Identity, Origin, ThreadStatus
from domain.values import JsonObject, digest

NO_FLOW = (None, None, None)


def created(
    state: SessionState, command: CreateThread, now: datetime, wish: WishId | None = None, *, answered: bool = False
) -> ThreadCreated:
    """The admission of a new thread.

    Args:
        state: The session.
        command: What was asked for.
        now: The workflow's time.
        wish: Set when a thread asked for it.
        answered: Whoever asked is answered already.
    """
    flow = runnable(command.flow) if command.flow is not None else None
    spawner = state.threads[command.spawned_by] if isinstance(command, SpawnThread) else None
    identity = Identity(
        session_id=state.session_id,
        thread_id=command.thread_id,
        created_at=now,
        origin=Origin.SPAWNED if spawner else Origin.CREATED,
        parent=spawner.thread_id if spawner else None,
        root=spawner.root if spawner else command.thread_id,
        depth=spawner.depth + 1 if spawner else 0,
        priority=command.priority,
        title=command.title,
        description=command.description,
        flowless=flow is None,
    )
    requires = {**(flow.requires if flow else {}), **command.requires}
    require_possible(state, requires)
    if not command.wait_for_resources:
        require_free(state, requires)
    seed = first_seed(
        flow, identity, input=command.input, context=command.context, metadata=command.metadata, shared=state.shared
    )
    return _admitted(
        state,
        command,
        identity,
        flow=(flow.flow, flow.version, digest(command.flow)) if flow else NO_FLOW,
        document=command.flow,
        flows=command.flows,
        seed=dump(seed),
        hold=command.hold,
        now=now,
        wish=wish,
        answered=answered,
        requires=requires,
        patient=command.wait_for_resources,
    )


def branched(
    state: SessionState,
    command: ForkThread | CopyThread,
    identity: Identity,
    branch: PreparedBranch,
    *,
    now: datetime,
    wish: WishId | None,
) -> ThreadCreated:
    assert branch.seed is not None
    source = state.find(command.source)
    flow = runnable(branch.flow) if branch.flow is not None else None
    requires = {**(flow.requires if flow else {}), **(source.requires if source else {})}
    require_possible(state, requires)
    return _admitted(
        state,
        command,
        identity,
        flow=(branch.flow_name, branch.flow_version, branch.flow_digest or None),
        document=branch.flow,
        flows=branch.flows,
        seed=branch.seed,
        hold=command.hold,
        now=now,
        wish=wish,
        answer=branch.answer,
        requires=requires,
    )


def _admitted(
    state: SessionState,
    command: CreateThread | ForkThread | CopyThread,
    identity: Identity,
    *,
    flow: tuple[str | None, str | None, str | None],
    document: JsonObject | None,
    flows: Flows,
    seed: JsonObject,
    hold: bool,
    now: datetime,
    wish: WishId | None,
    answer: JsonObject | None = None,
    answered: bool = False,
    requires: Requirements,
    patient: bool = True,
) -> ThreadCreated:
    name, version, flow_digest = flow
    held = Hold(kind=HoldKind.START, actor=command.actor, reason=command.reason, at=now)
    start = ThreadStart(
        flow=document,
        flow_digest=flow_digest or "",
        flows=flows,
        continue_as_new_after=state.config.continue_as_new_after,
        shared_task_queues=state.config.shared_task_queues,
        searchable=state.searchable,
        authoriser=state.config.authoriser,
        reports_idle=limited(state.config),
        max_mailbox=state.config.max_mailbox,
        mailbox_bytes=MAILBOX_BYTES,
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
        spawned_by=command.spawned_by if isinstance(command, SpawnThread) else None,
        on_parent_end=command.on_parent_end if isinstance(command, SpawnThread) else "leave",
        requires=requires,
    )
    launch = Launch(
        digest=command.digest(),
        answer=answer or {},
        command_id=None if answered else command.command_id,
        held=command.hold,
        wish=wish,
    )
    return ThreadCreated(
        entry=entry,
        start=body(start),
        launch=launch,
        patient=patient,
        actor=command.actor,
        reason=command.reason,
        at=now,
    )


def branch_requested(command: ForkThread | CopyThread, now: datetime, wish: WishId | None = None) -> BranchRequested:
    branch = BranchInPreparation(
        digest=command.digest(),
        operation="fork" if isinstance(command, ForkThread) else "copy",
        thread_id=command.thread_id,
        source=command.source,
        strategy=command.strategy,
        plan=command.plan,
        wish=wish,
    )
    return BranchRequested(command_id=command.command_id, branch=branch, request=body(command), at=now)


def launched(state: SessionState, thread_id: str, now: datetime) -> list[SessionEvent]:
    entry = state.find(thread_id)
    assert entry is not None
    launch = state.launching[thread_id]
    begun = ThreadLaunched(thread_id=thread_id, at=now)
    if launch.wish is not None:
        return [begun, WishSettled(wish=launch.wish, error=None, at=now)]
    if launch.command_id is None:
        return [begun]
    result = {"thread_id": thread_id, "status": entry.status.value, **launch.answer}
    answer = Answered(digest=launch.digest, result=result)
    return [begun, CommandAnswered(command_id=launch.command_id, answer=answer, at=now)]


def not_launched(state: SessionState, input: NotLaunched) -> list[SessionEvent]:
    if input.thread_id in state.ended:
        return launched(state, input.thread_id, input.now)  # it has told of its end, so it was there
    error: JsonObject = {"code": input.code, "message": input.message, "details": {"thread": input.thread_id}}
    waiting = state.queue.get(input.thread_id)
    launch = waiting.launch if waiting else state.launching[input.thread_id]
    rejected = ThreadRejected(thread_id=input.thread_id, code=input.code, message=input.message, at=input.now)
    if launch.wish is not None:
        return [rejected, WishSettled(wish=launch.wish, error=error, at=input.now)]
    if launch.command_id is None:
        return [rejected]
    answer = Answered(digest=launch.digest, error=error)
    return [rejected, CommandAnswered(command_id=launch.command_id, answer=answer, at=input.now)]
