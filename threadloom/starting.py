"""Starts sessions and resource pools, each once."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.ids import pool_workflow_id, require_id, session_workflow_id
from domain.messages import PoolStart, SessionStart, body
from domain.ports import RecordStore
from domain.resource_pool.config import make_config as make_pool_config
from domain.session.config import make_config
from domain.values import JsonObject, digest
from threadloom.delivery import require_json
from threadloom.gateway import Gateway, Sighting
from threadloom.names import new_command_id, readable_id
from threadloom.pool_reading import PoolReading
from threadloom.reading import Reading
from threadloom.targets import recorded
from threadloom.views import PoolView, SessionView

STARTED_BY = "threadloom_command"
"""The workflow's memo that tells which command started it: {id, digest}. It stays across runs."""


async def start_session(
    gateway: Gateway,
    records: RecordStore,
    reading: Reading,
    task_queue: str,
    session_id: str | None,
    *,
    command_id: str | None,
    wishes: JsonObject,
) -> SessionView:
    """Start a session, unless its id was ever used by another command.

    Args:
        gateway: To Temporal.
        records: Knows sessions that Temporal has forgotten.
        reading: Describes the session.
        task_queue: Where it runs.
        session_id: A readable one is made when there is none.
        command_id: Makes it happen once.
        wishes: Fields of `domain.messages.SessionStart`.

    Raises:
        ThreadloomError: `SESSION_EXISTS`, `INVALID_ID`, `INVALID_ARGUMENT`, `COMMAND_ID_REUSED`.
    """
    command_id = command_id or new_command_id()
    session_id = require_id("session", session_id or readable_id(command_id))
    message = _message(session_id, wishes)
    command = {"id": command_id, "digest": digest(message)}
    workflow_id = session_workflow_id(session_id)
    seen = await gateway.look(workflow_id)
    if seen is None:
        if await recorded(records.session(session_id)) is not None:
            raise _exists(session_id)
        memo: dict[str, Any] = {STARTED_BY: command}
        start = {**message, "searchable": await gateway.searchable()}
        if not await gateway.start("SessionWorkflow", start, workflow_id=workflow_id, task_queue=task_queue, memo=memo):
            seen = await gateway.look(workflow_id)
    if seen is not None:
        first = await gateway.noted(seen, STARTED_BY)
        if not isinstance(first, dict) or first.get("id") != command_id:
            raise _exists(session_id)
        if first != command:
            raise ThreadloomError(Code.COMMAND_ID_REUSED, f"command id {command_id} came before with other arguments")
    try:
        return await reading.session(session_id)
    except ThreadloomError as error:
        if error.code != Code.NO_WORKER:
            raise
        return SessionView(session_id=session_id, status="inactive", title=message["title"])


async def create_pool(
    gateway: Gateway, reading: PoolReading, task_queue: str, pool: str, *, command_id: str | None, wishes: JsonObject
) -> PoolView:
    """Make a resource pool, unless there is one of this name. A name whose pool is closed may be used again.

    Args:
        gateway: To Temporal.
        reading: Describes the pool.
        task_queue: Where it runs.
        pool: Its name.
        command_id: Makes it happen once.
        wishes: Fields of `domain.messages.PoolStart`.

    Raises:
        ThreadloomError: `POOL_EXISTS`, `INVALID_ID`, `INVALID_ARGUMENT`, `COMMAND_ID_REUSED`.
    """
    command_id = command_id or new_command_id()
    workflow_id = pool_workflow_id(require_id("pool", pool))
    message = _pool_message(pool, wishes)
    command = {"id": command_id, "digest": digest(message)}
    memo: dict[str, Any] = {STARTED_BY: command}
    seen = await gateway.look(workflow_id)
    first = await _first_command(gateway, seen)
    if seen is None or (not seen.running and first.get("id") != command_id):
        started = await gateway.start(
            "ResourcePoolWorkflow", message, workflow_id=workflow_id, task_queue=task_queue, memo=memo, again=True
        )
        first = command if started else await _first_command(gateway, await gateway.look(workflow_id))
    if first.get("id") != command_id:
        raise ThreadloomError(Code.POOL_EXISTS, f"there is a pool {pool}", {"pool": pool})
    if first != command:
        raise ThreadloomError(Code.COMMAND_ID_REUSED, f"command id {command_id} came before with other arguments")
    try:
        return await reading.describe(pool)
    except ThreadloomError as error:
        if error.code != Code.NO_WORKER:
            raise
        return PoolView(pool=pool, status="inactive", title=message["title"])


async def _first_command(gateway: Gateway, seen: Sighting | None) -> JsonObject:
    """The command that started a workflow: {id, digest}; empty when nothing tells."""
    noted = await gateway.noted(seen, STARTED_BY) if seen is not None else None
    return noted if isinstance(noted, dict) else {}


def _pool_message(pool: str, wishes: JsonObject) -> JsonObject:
    require_json("pool", wishes)
    make_pool_config(wishes["config"])
    try:
        return body(PoolStart(pool=pool, **wishes))
    except ValidationError as error:
        raise invalid("pool", error) from error


def _message(session_id: str, wishes: JsonObject) -> JsonObject:
    require_json("session", wishes)
    make_config(wishes["config"], preset=wishes["preset"])
    try:
        message = body(SessionStart(session_id=session_id, **wishes))
        # Older programs know no recovery, and the same command must have the same digest.
        del message["recover"]
    except ValidationError as error:
        raise invalid("session", error) from error
    return message


def _exists(session_id: str) -> ThreadloomError:
    return ThreadloomError(Code.SESSION_EXISTS, f"a session {session_id} exists or existed", {"session": session_id})
