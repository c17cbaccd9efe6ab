"""Large values in SQL, by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from storage.connection import Connector
from storage.schema import payloads
from storage.statements import insert_new


class SqlPayloadStore:
    """`domain.ports.PayloadStore` over SQLAlchemy.

    Workflow tasks wait for it, so it gives up within the connector's timeout: a task that fails soon
    is tried again soon.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def put(self, values: Sequence[bytes]) -> list[str]:
        """Store each and return their keys, in order.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        keys = [hashlib.sha256(value).hexdigest() for value in values]
        absent = dict(zip(keys, values, strict=True))
        if not absent:
            return keys
        limit = self._connector.timeout
        async with self._connector.reading(limit) as connection:
            # Most values are there already: a workflow stores its state again with each continue-as-new.
            for key in await connection.scalars(select(payloads.c.key).where(payloads.c.key.in_(absent))):
                del absent[key]
        if absent:
            now = datetime.now(UTC)
            rows = [  # in one order for all writers: no deadlock
                {"key": key, "size": len(value), "data": value, "created_at": now}
                for key, value in sorted(absent.items())
            ]
            async with self._connector.writing(limit) as connection:
                await connection.execute(insert_new(connection, payloads), rows)
        return keys

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values, in order; None for a key that is not stored.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        if not keys:
            return []
        async with self._connector.reading(self._connector.timeout) as connection:
            found = await connection.execute(
                select(payloads.c.key, payloads.c.data).where(payloads.c.key.in_(set(keys)))
            )
            values: dict[str, bytes] = {row.key: row.data for row in found}
        return [values.get(key) for key in keys]
