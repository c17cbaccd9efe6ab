"""Durable sessions of threads on Temporal: what other programs import.

    async with open_threadloom() as loom:
        await loom.start_session("audit-7")
        session = loom.session("audit-7")
        await session.create_thread("licence-audit", thread_id="strict", input={…})
        result = await session.thread("strict").result(wait=True)

Importing this package imports no SQLAlchemy, because a team's workflows may import it in their sandbox; what
needs the database is in `threadloom.composition`, and `open_threadloom` is taken from there when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.errors import Code, ThreadloomError
from threadloom.backend import Backend
from threadloom.client import Threadloom
from threadloom.flows import Flows, ResolvedFlow
from threadloom.inline_functions import inline
from threadloom.pool import PoolHandle
from threadloom.session import SessionHandle
from threadloom.session_policies import Attempt, Contender, authoriser, strategy
from threadloom.settings import Settings
from threadloom.thread import ThreadHandle

if TYPE_CHECKING:
    from threadloom.composition import open_threadloom

__all__ = [
    "Attempt",
    "Backend",
    "Code",
    "Contender",
    "Flows",
    "PoolHandle",
    "ResolvedFlow",
    "SessionHandle",
    "Settings",
    "ThreadHandle",
    "Threadloom",
    "ThreadloomError",
    "authoriser",
    "inline",
    "open_threadloom",
    "strategy",
]


def __getattr__(name: str) -> Any:
    if name == "open_threadloom":
        from threadloom.composition import open_threadloom

        return open_threadloom
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
