"""Temporal's external storage over the payload store: large values leave the workflows' histories."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from domain.errors import ThreadloomError
from domain.ports import PayloadStore
from storage.byte_cache import ByteCache

MISSING_ENCODING = b"threadloom/missing"
"""The encoding of a payload that stands for a value nobody has stored; its data is the key."""

AWAY_SECONDS = 1.0
"""How long a store that refused is not asked again: a workflow task may have many values, and ten seconds."""

_KEY = re.compile(r"[0-9a-f]{64}\Z")


class SqlPayloadDriver(StorageDriver):
    """Stores each payload, metadata and all, under the SHA-256 of its bytes.

    A reference to a value that is not stored is answered with a payload of encoding
    `threadloom/missing`. Raising would fail the workflow task for ever, and whoever can send a message
    can send such a reference. A database that is away does raise: the task is tried again.

    Args:
        store: Where the values are.
        cache_bytes: Memory for values used lately: a workflow that replays retrieves them all again, and
            one that passes a value on stores it again. Nothing is ever deleted, so what is here is stored.
    """

    def __init__(self, store: PayloadStore, *, cache_bytes: int = 64 * 1024 * 1024) -> None:
        self._store = store
        self._cache = ByteCache(cache_bytes)
        self._refused: ThreadloomError | None = None
        self._refused_until = 0.0

    def name(self) -> str:
        """The name that references carry: it can never change."""
        return "threadloom-sql"

    def type(self) -> str:
        """The kind of driver, the same in every language and version."""
        return "threadloom.sql"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Store each payload and return its claim: `key`, and `size` in bytes.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`, within the store's time limit.
        """
        values = [payload.SerializeToString(deterministic=True) for payload in payloads]
        keys = [hashlib.sha256(value).hexdigest() for value in values]
        absent = {key: value for key, value in zip(keys, values, strict=True) if self._cache.get(key) is None}
        if absent:
            await self._put(absent)
        return [
            StorageDriverClaim({"key": key, "size": str(len(value))}) for key, value in zip(keys, values, strict=True)
        ]

    async def _put(self, values: Mapping[str, bytes]) -> None:
        if self._refused is not None and time.monotonic() < self._refused_until:
            raise self._refused
        try:
            await self._store.put(list(values.values()))
        except ThreadloomError as error:
            self._refused, self._refused_until = error, time.monotonic() + AWAY_SECONDS
            raise
        self._refused = None
        for key, value in values.items():
            self._cache.put(key, value)

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """The payloads, in order; a stand-in for each claim that names nothing stored.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`, within the store's time limit.
        """
        keys = [claim.claim_data.get("key", "") for claim in claims]
        found = {key: self._cache.get(key) for key in keys}
        wanted = [key for key, value in found.items() if value is None and _KEY.match(key)]
        values = await self._store.get(wanted) if wanted else []
        for key, value in zip(wanted, values, strict=True):
            found[key] = value
            if value is not None:
                self._cache.put(key, value)
        return [_payload(key, found[key]) for key in keys]


def _payload(key: str, value: bytes | None) -> Payload:
    if value is not None:
        try:
            return Payload.FromString(value)
        except DecodeError:
            pass  # the key of a value that another user of the store put there
    return Payload(metadata={"encoding": MISSING_ENCODING}, data=key.encode())
