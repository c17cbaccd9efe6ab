"""Large values: stored by content, read back whole, through Temporal's own converter as well."""

from __future__ import annotations

import asyncio
import hashlib

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from storage import Database
from storage.payload_driver import MISSING_ENCODING, SqlPayloadDriver


async def test_values_come_back_by_the_hash_of_their_bytes(database: Database) -> None:
    values = [b"\0binary\xff", b"", b"\0binary\xff"]
    keys = await database.payloads.put(values)
    assert keys == [hashlib.sha256(value).hexdigest() for value in values]
    assert await database.payloads.get([keys[1], "0" * 64, keys[0], keys[0]]) == [b"", None, values[0], values[0]]
    assert await database.payloads.put([]) == []
    assert await database.payloads.get([]) == []


async def test_five_megabytes_come_back(database: Database) -> None:
    value = bytes(range(256)) * 20_000
    (key,) = await database.payloads.put([value])
    assert await database.payloads.get([key]) == [value]


async def test_many_who_store_the_same_values_at_once_all_succeed(database: Database) -> None:
    values = [bytes([number]) * 50_000 for number in range(8)]
    orders = [values[number:] + values[:number] for number in range(8)]
    answers = await asyncio.gather(*(database.payloads.put(order) for order in orders))
    assert {key for keys in answers for key in keys} == {hashlib.sha256(value).hexdigest() for value in values}
    assert await database.payloads.get(answers[0]) == values


async def test_a_large_argument_travels_as_a_short_reference(database: Database) -> None:
    storage = ExternalStorage(drivers=[SqlPayloadDriver(database.payloads)], payload_size_threshold=32 * 1024)
    converter = DataConverter(external_storage=storage)
    value = {"rows": ["x" * 1000] * 3000}
    sent = await converter.encode([value])
    assert sent[0].ByteSize() < 1000
    elsewhere = ExternalStorage(drivers=[SqlPayloadDriver(database.payloads)])
    assert await DataConverter(external_storage=elsewhere).decode(sent, [dict]) == [value]


async def test_a_reference_to_nothing_is_answered_with_a_stand_in(database: Database) -> None:
    stored = SqlPayloadDriver(database.payloads)
    (claim,) = await stored.store(StorageDriverStoreContext(), [Payload(data=b"kept")])
    found, absent = await stored.retrieve(
        StorageDriverRetrieveContext(), [claim, StorageDriverClaim({"key": "a" * 64, "size": "1"})]
    )
    assert found == Payload(data=b"kept")
    assert (absent.metadata["encoding"], absent.data) == (MISSING_ENCODING, b"a" * 64)
