"""Ids that people choose, and the workflow ids made of them."""

from __future__ import annotations

import re

from domain.errors import Code, ThreadloomError

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
"""Names of nodes and variables: what an expression can write after a dot."""

_ID = re.compile(rf"{ID_PATTERN}\Z")
_NAME = re.compile(rf"{NAME_PATTERN}\Z")
_THREAD_WORKFLOW = re.compile(rf"session/({ID_PATTERN})/thread/({ID_PATTERN})\Z")


def is_id(value: object) -> bool:
    """Whether the value is an id as people may choose it."""
    return isinstance(value, str) and _ID.match(value) is not None


def is_name(value: object) -> bool:
    """Whether the value can name a node or a variable."""
    return isinstance(value, str) and _NAME.match(value) is not None


def require_id(kind: str, value: object) -> str:
    """Return the id, or raise `INVALID_ID` naming what kind of id it was meant to be."""
    if isinstance(value, str) and _ID.match(value):
        return value
    raise ThreadloomError(Code.INVALID_ID, f"{str(value)[:80]!r} is no {kind} id", {"kind": kind})


def session_workflow_id(session_id: str) -> str:
    """The id of the session's workflow in Temporal."""
    return f"session/{session_id}"


def thread_workflow_id(session_id: str, thread_id: str) -> str:
    """The id of the thread's workflow in Temporal."""
    return f"session/{session_id}/thread/{thread_id}"


def pool_workflow_id(pool: str) -> str:
    """The id of the resource pool's workflow in Temporal."""
    return f"pool/{pool}"


def parse_pool_workflow_id(workflow_id: str) -> str | None:
    """The pool of a pool's workflow id; None when it is no such id."""
    pool = workflow_id.removeprefix("pool/")
    return pool if pool != workflow_id and is_id(pool) else None


def parse_thread_workflow_id(workflow_id: str) -> tuple[str, str] | None:
    """The session and thread of a thread's workflow id; None when it is no such id."""
    match = _THREAD_WORKFLOW.match(workflow_id)
    return (match[1], match[2]) if match else None


def execution_key(thread_id: str, node: str, visit: int) -> str:
    """The id of one node execution, and the idempotency key of what it calls.

    A fork's thread id differs, so what it runs again has keys of its own.
    """
    return f"{thread_id}/{node}/{visit}"
