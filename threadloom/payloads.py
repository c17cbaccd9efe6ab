"""How payloads leave Temporal's history, and how they come back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriver,
    StorageDriverSelectContext,
    StorageDriverStoreContext,
)

from threadloom.converter import may_stay_inline, stays_inline

logger = logging.getLogger(__name__)

INLINE_LIMIT = 2 * 1024 * 1024 - 64 * 1024
"""Bytes of arguments that travel in a message itself: Temporal's limit, less room for what surrounds them."""

TOO_LARGE_ENCODING = b"threadloom/too-large"
"""Encoding of the stand-in for arguments beyond the limit; no converter reads it."""

AWAY_LIMIT = 128 * 1024
"""Bytes of one message's values that stay in it when the payload store is away. A workflow task may bring some
twenty such messages, and the server takes 4 MiB."""

OWN_AWAY_LIMIT = 1536 * 1024
"""The same for what a workflow sends only one of: a batch of records, the start of its next run, an answer."""

UNREADABLE_ENCODING = b"threadloom/unreadable"
"""Encoding of the stand-in for a payload that claims to be a reference and is none."""


class ForgivingStorage(ExternalStorage):
    """External storage that no reference can make raise, and that small values can do without.

    Whoever can send a message can send a reference to a driver that nobody has, or one that cannot be
    read. The SDK would fail the workflow task over it, for ever. Here the first goes to our own
    driver, which answers that nothing is stored there, and the second stays what it is, which no
    converter can read.

    A workflow task that needs the store while it is away is tried again until it is back, and its
    workflow answers nobody meanwhile. So a value that the message itself can carry stays in it.

    The methods are the SDK's own seams but private; a test notices when they move.
    """

    def _with_store_context(self, ctx: StorageDriverStoreContext) -> ForgivingStorage:
        # Our driver keeps a payload by its digest, whoever it is for.
        return self

    async def _store_payload(self, payload: Payload) -> Payload:
        try:
            return await super()._store_payload(payload)
        except Exception as error:
            _require_fitting([payload], error)
            return payload

    async def _store_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        try:
            return await super()._store_payload_sequence(payloads)
        except Exception as error:
            _require_fitting(payloads, error)
            return list(payloads)

    async def _retrieve_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        # Only an update can bring so much past the server's own check. Accepting it would repeat its arguments
        # in the history, over which the server terminates the workflow.
        if sum(payload.ByteSize() for payload in payloads) > INLINE_LIMIT:
            payloads = [Payload(metadata={"encoding": TOO_LARGE_ENCODING}) for _ in payloads]
        return await super()._retrieve_payload_sequence(payloads)

    def _get_driver_by_name(self, name: str) -> StorageDriver:
        return self._driver_map.get(name) or self.drivers[0]

    def _decode_reference(self, payload: Payload) -> ExternalStorageReference | None:
        try:
            return super()._decode_reference(payload)
        except Exception:
            return None


class ForgivingDataConverter(DataConverter):
    """A data converter that leaves a payload which claims to be a reference, and is none, as it is.

    The SDK would raise while it decodes a workflow's activation, and so fail the task for ever.
    """

    def _with_store_context(self, store_ctx: StorageDriverStoreContext) -> ForgivingDataConverter:
        # The storage does not care (see above), and a copy for each payload is most of what a small one costs.
        return self

    async def _decode_reference_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        decoded = []
        for payload in payloads:
            try:
                decoded += await super()._decode_reference_payload_sequence([payload])
            except RuntimeError:
                decoded.append(Payload(metadata={"encoding": UNREADABLE_ENCODING}))
        return decoded


def external_storage(driver: StorageDriver, threshold: int) -> ExternalStorage:
    """Storage of payloads from `threshold` bytes on, but for those marked to stay where they are."""

    def choose(context: StorageDriverSelectContext, payload: Payload) -> StorageDriver | None:
        del context
        return None if stays_inline(payload) else driver

    return ForgivingStorage(drivers=[driver], driver_selector=choose, payload_size_threshold=threshold)


def _require_fitting(payloads: Sequence[Payload], error: Exception) -> None:
    """Raise the payload store's error unless the message can carry the payloads itself."""
    size = sum(payload.ByteSize() for payload in payloads)
    if size > (OWN_AWAY_LIMIT if all(map(may_stay_inline, payloads)) else AWAY_LIMIT):
        raise error
    logger.warning("%d bytes stay in Temporal's history, since the payload store is away: %s", size, error)
