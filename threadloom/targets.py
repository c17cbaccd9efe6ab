"""Whom a command or question is for, and what to say when there is nobody of that name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from domain.errors import Code, ThreadloomError
from domain.ids import pool_workflow_id, session_workflow_id, thread_workflow_id
from domain.ports import RecordStore
from domain.records import ThreadRow
from domain.thread.state import ThreadStatus
from domain.values import JsonObject
from threadloom.gateway import Gateway, MissingError, Sighting, UnansweredError

T = TypeVar("T")

RECORD_SECONDS = 3.0
"""How long the database is waited for where it only completes what Temporal says."""

_AWAY = frozenset({Code.DATABASE_UNREACHABLE, Code.SCHEMA_OUTDATED, Code.JOURNAL_INCOMPLETE})


@dataclass(frozen=True, slots=True)
class Target:
    """A session, or one of its threads."""

    session_id: str
    thread_id: str | None = None

    @property
    def workflow_id(self) -> str:
        """Its workflow in Temporal."""
        if self.thread_id is None:
            return session_workflow_id(self.session_id)
        return thread_workflow_id(self.session_id, self.thread_id)

    def __str__(self) -> str:
        if self.thread_id is None:
            return f"session {self.session_id}"
        return f"thread {self.thread_id} of session {self.session_id}"


@dataclass(frozen=True, slots=True)
class PoolTarget:
    """A resource pool."""

    pool: str

    @property
    def workflow_id(self) -> str:
        """Its workflow in Temporal."""
        return pool_workflow_id(self.pool)

    def __str__(self) -> str:
        return f"pool {self.pool}"


AnyTarget: TypeAlias = Target | PoolTarget


async def recorded(reading: Awaitable[T | None]) -> T | None:
    """What the database holds; None also when it does not answer, where Temporal's word is enough."""
    try:
        async with asyncio.timeout(RECORD_SECONDS):
            return await reading
    except TimeoutError:
        return None
    except ThreadloomError as error:
        if error.code not in _AWAY:
            raise
        return None


async def unstarted(gateway: Gateway, target: Target) -> JsonObject | None:
    """What the session says of a thread that has no workflow: it waits for its turn, or was cancelled before."""
    try:
        told = await gateway.query(session_workflow_id(target.session_id), "thread", target.thread_id)
    except (MissingError, UnansweredError):
        return None
    return told if isinstance(told, dict) and not told["started"] else None


async def why_not(gateway: Gateway, records: RecordStore, target: AnyTarget, seen: Sighting | None) -> ThreadloomError:
    """Why a target takes no command: it has ended, has not started, or there is none.

    Args:
        gateway: To Temporal.
        records: What is known of those whom Temporal has forgotten.
        target: Whom it is about.
        seen: The target as Temporal sees it.
    """
    if isinstance(target, PoolTarget):
        return _no_pool(target, seen)
    session_id, thread_id = target.session_id, target.thread_id
    if thread_id is None:
        session = await recorded(records.session(session_id))
        if session is None and seen is None:
            return ThreadloomError(Code.SESSION_NOT_FOUND, f"there is no session {session_id}", {"session": session_id})
        status = session.status if session is not None and session.ended_at is not None else _ended(seen)
        details = {"session": session_id, "status": status}
        return ThreadloomError(Code.SESSION_NOT_ACTIVE, f"session {session_id} is {status}", details)
    thread = await recorded(records.thread(session_id, thread_id))
    if thread is not None and thread.destroyed:
        return ThreadloomError(Code.THREAD_DESTROYED, f"thread {thread_id} was destroyed", {"thread": thread_id})
    if seen is None and await _waits_to_start(gateway, target, thread):
        details = {"session": session_id, "thread": thread_id}
        return ThreadloomError(Code.THREAD_NOT_STARTED, f"thread {thread_id} has not started yet", details)
    if thread is not None or seen is not None:
        status = thread.status if thread is not None and thread.completed_at is not None else _ended(seen)
        details = {"thread": thread_id, "status": status}
        return ThreadloomError(Code.THREAD_ENDED, f"thread {thread_id} is {status}", details)
    session = await recorded(records.session(session_id))
    if session is None and await gateway.look(session_workflow_id(session_id)) is None:
        return await why_not(gateway, records, Target(session_id), None)
    return ThreadloomError(
        Code.THREAD_NOT_FOUND,
        f"session {session_id} has no thread {thread_id}",
        {"session": session_id, "thread": thread_id},
    )


async def _waits_to_start(gateway: Gateway, target: Target, row: ThreadRow | None) -> bool:
    """Whether the session has the thread and has not started it; the record counts if the session does not answer."""
    told = await unstarted(gateway, target)
    return (told["status"] if told is not None else row.status if row is not None else "") == ThreadStatus.PENDING


def _no_pool(target: PoolTarget, seen: Sighting | None) -> ThreadloomError:
    if seen is None:
        return ThreadloomError(Code.POOL_NOT_FOUND, f"there is no {target}", {"pool": target.pool})
    status = "terminated" if seen.cut_off else "closed"
    return ThreadloomError(Code.POOL_NOT_ACTIVE, f"{target} is {status}", {"pool": target.pool, "status": status})


def _ended(seen: Sighting | None) -> str:
    """How a workflow has ended, when only Temporal can be asked."""
    return "terminated" if seen is not None and seen.cut_off else "ended"


def no_worker(target: AnyTarget) -> ThreadloomError:
    """The `NO_WORKER` of somebody who only looked."""
    return ThreadloomError(Code.NO_WORKER, f"no worker answers for {target}")
