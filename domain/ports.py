"""What the core needs from the outside, as protocols. The composition root brings the implementations.

Every method of a store may raise `ThreadloomError` with `DATABASE_UNREACHABLE`; a missing thing is None or an
empty list unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from domain.records import (
    BatchApplied,
    RecordBatch,
    SessionRow,
    StoredFlow,
    StoredJournal,
    StoredRecord,
    ThreadRow,
)


class RecordStore(Protocol):
    """Where workflows write their records, and where lists, history and journals are read."""

    async def apply(self, batch: RecordBatch) -> BatchApplied:
        """Store the batch in one transaction; the same batch again changes nothing."""
        ...

    async def sessions(self, *, status: str | None = None, limit: int = 100) -> list[SessionRow]:
        """Sessions, the most recently changed first."""
        ...

    async def session(self, session_id: str) -> SessionRow | None: ...

    async def threads(
        self,
        *,
        session_id: str | None = None,
        status: str | None = None,
        flow: str | None = None,
        version: str | None = None,
        include_destroyed: bool = False,
        limit: int = 1_000,
    ) -> list[ThreadRow]:
        """Threads in the order of their creation."""
        ...

    async def thread(self, session_id: str, thread_id: str) -> ThreadRow | None: ...

    async def history(
        self,
        session_id: str,
        *,
        type: str | None = None,
        thread_id: str | None = None,
        flow: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[StoredRecord]:
        """Records with seq above `after`, in order; `since` is inclusive, `until` exclusive."""
        ...

    async def journal(self, session_id: str, thread_id: str, *, before: int | None = None) -> StoredJournal | None:
        """The thread's newest epoch: seed and all entries, or those with an entry seq below `before`.

        Raises `JOURNAL_INCOMPLETE` when records are missing.
        """
        ...


class FlowStore(Protocol):
    """Registered flows. A version that is no draft any more is immutable; the same content again is no change."""

    async def register(
        self, document: dict[str, Any], digest: str, *, actor: str | None, at: datetime, draft: bool = False
    ) -> StoredFlow:
        """Register as active or as a draft; a draft of this version is replaced.

        Raises `FLOW_VERSION_EXISTS` when the version is no draft and has another digest.
        """
        ...

    async def find(self, flow: str, version: str | None = None) -> StoredFlow | None:
        """The version, whatever its status; without one the newest active version, by registration."""
        ...

    async def list(self) -> Sequence[StoredFlow]:
        """All versions, by name, newest first."""
        ...

    async def set_status(self, flow: str, version: str, status: str) -> StoredFlow:
        """Set `active`, `inactive` or `archived`.

        Raises `FLOW_NOT_FOUND`, `INVALID_ARGUMENT`, or `ILLEGAL_TRANSITION` from archived, and from draft to inactive.
        """
        ...


class PayloadStore(Protocol):
    """Large values by the SHA-256 of their bytes. Storing a value again is no change."""

    async def put(self, values: Sequence[bytes]) -> Sequence[str]:
        """Store each and return their keys, in order. Gives up within two seconds."""
        ...

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """The values, in order; None for a key that is not stored. Gives up within two seconds."""
        ...


class Secrets(Protocol):
    """Values that flows refer to by name and never see."""

    async def get(self, name: str) -> str | None:
        """The secret's value now; None when there is none of this name."""
        ...
