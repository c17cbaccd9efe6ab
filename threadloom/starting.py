"""Starts sessions, each once."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.ids import require_id, session_workflow_id
from domain.messages import SessionStart, body
from domain.ports import RecordStore
from domain.session.config import make_config
from domain.values import JsonObject, digest
from threadloom.delivery import require_json
from threadloom.gateway import Gateway
from threadloom.names import new_command_id, readable_id
from threadloom.reading import Reading
from threadloom.targets import recorded
from threadloom.views import SessionView

_COMMAND = "threadloom_command"
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
        memo: dict[str, Any] = {_COMMAND: command}
        start = {**message, "searchable": await gateway.searchable()}
        if not await gateway.start("SessionWorkflow", start, workflow_id=workflow_id, task_queue=task_queue, memo=memo):
            seen = await gateway.look(workflow_id)
    if seen is not None:
        first = await gateway.noted(seen, _COMMAND)
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


def _message(session_id: str, wishes: JsonObject) -> JsonObject:
    require_json("session", wishes)
    make_config(wishes["config"], preset=wishes["preset"])
    try:
        message = body(SessionStart(session_id=session_id, **wishes))
    except ValidationError as error:
        raise invalid("session", error) from error
    return message


def _exists(session_id: str) -> ThreadloomError:
    return ThreadloomError(Code.SESSION_EXISTS, f"a session {session_id} exists or existed", {"session": session_id})
