"""What stands behind a client or worker besides Temporal: one database, as ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio.converter import StorageDriver

from domain.ports import FlowStore, RecordStore


@dataclass(frozen=True, kw_only=True)
class Backend:
    """The database, as the program sees it. `threadloom.composition` makes it.

    Attributes:
        address: The database's URL without its password.
        upgrade: Brings the schema to this version.
        check: Raises `DATABASE_UNREACHABLE` or `SCHEMA_OUTDATED`.
        close: Gives back all connections.
    """

    address: str
    records: RecordStore
    flows: FlowStore
    payload_driver: StorageDriver
    upgrade: Callable[[], Awaitable[None]]
    check: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
