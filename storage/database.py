"""The database as one object: what a composition root makes."""

from __future__ import annotations

from domain.ports import FlowStore, PayloadStore, RecordStore
from storage.address import parse_address
from storage.connection import Connector
from storage.failures import outdated
from storage.flows import SqlFlowStore
from storage.migrating import newest_revision, stored_revision, upgrade
from storage.payloads import SqlPayloadStore
from storage.records import SqlRecordStore


class Database:
    """One database and the three stores in it. Connects when first used.

    Args:
        url: `sqlite:///PATH`, `postgresql://…` or `postgres://…`.
        timeout: Seconds within which a payload is read or written and a connection made; everything
            else but migrations has four times as long.

    Attributes:
        records: The record store.
        flows: The flow store.
        payloads: The payload store.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` when the URL is none of these.
    """

    def __init__(self, url: str, *, timeout: float = 2.0) -> None:
        self._connector = Connector(parse_address(url), timeout)
        self.records: RecordStore = SqlRecordStore(self._connector)
        self.flows: FlowStore = SqlFlowStore(self._connector)
        self.payloads: PayloadStore = SqlPayloadStore(self._connector)

    @property
    def url_shown(self) -> str:
        """The address for people, without the password."""
        return self._connector.shown

    async def upgrade(self) -> None:
        """Bring the schema to this version, making the SQLite file and its folder if need be.

        Safe when several processes do it at once: on PostgreSQL each waits for the one before it; on
        SQLite one that waits longer than `timeout` gives up, and finds it done when it tries again.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`; `SCHEMA_OUTDATED` when the database is newer than
                this program.
        """
        async with self._connector.migrating() as connection:
            await connection.run_sync(upgrade, self.url_shown)

    async def check(self) -> None:
        """See that the database answers and has this version's schema.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE` with the address; `SCHEMA_OUTDATED` with both
                revisions in its details.
        """
        async with self._connector.reading() as connection:
            stored = await connection.run_sync(stored_revision)
        wanted = newest_revision()
        if stored != wanted:
            raise outdated(self.url_shown, stored, wanted)

    async def close(self) -> None:
        """Give back all connections."""
        await self._connector.close()
