"""The driver of Temporal's external storage, over a store in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import StorageDriverClaim, StorageDriverRetrieveContext, StorageDriverStoreContext

from domain.errors import Code, ThreadloomError
from storage.payload_driver import MISSING_ENCODING, SqlPayloadDriver

STORE = StorageDriverStoreContext()
RETRIEVE = StorageDriverRetrieveContext()


class MemoryStore:
    """A payload store that counts what it is asked for, and can be away."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.away = False

    async def put(self, values: Sequence[bytes]) -> list[str]:
        self._answer()
        keys = [hashlib.sha256(value).hexdigest() for value in values]
        self.values.update(zip(keys, values, strict=True))
        return keys

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        self._answer()
        self.asked.extend(keys)
        return [self.values.get(key) for key in keys]

    def _answer(self) -> None:
        if self.away:
            raise ThreadloomError(Code.DATABASE_UNREACHABLE, "away")


def payload(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain", "b": b"2", "a": b"1"}, data=text.encode())


async def test_payloads_come_back_with_their_metadata_in_order() -> None:
    store = MemoryStore()
    claims = await SqlPayloadDriver(store).store(STORE, [payload("one"), payload("two")])
    assert [claim.claim_data["size"] for claim in claims] == [str(payload("one").ByteSize())] * 2
    reader = SqlPayloadDriver(store)
    assert await reader.retrieve(RETRIEVE, [*reversed(claims), claims[0]]) == [
        payload("two"),
        payload("one"),
        payload("one"),
    ]


async def test_a_replay_asks_the_store_once() -> None:
    store = MemoryStore()
    claims = await SqlPayloadDriver(store).store(STORE, [payload("one")])
    reader = SqlPayloadDriver(store)
    for _ in range(3):
        assert await reader.retrieve(RETRIEVE, claims) == [payload("one")]
    assert store.asked == [claims[0].claim_data["key"]]
    store.away = True
    assert await reader.retrieve(RETRIEVE, claims) == [payload("one")]


@pytest.mark.parametrize("claim", [{}, {"key": ""}, {"key": "f" * 64}, {"key": "../../etc"}, {"other": "x"}])
async def test_a_claim_that_names_nothing_stored_gets_a_stand_in(claim: dict[str, str]) -> None:
    (answer,) = await SqlPayloadDriver(MemoryStore()).retrieve(RETRIEVE, [StorageDriverClaim(claim)])
    assert answer.metadata["encoding"] == MISSING_ENCODING
    assert answer.data.decode() == claim.get("key", "")


async def test_a_stored_value_that_is_no_payload_gets_a_stand_in() -> None:
    store = MemoryStore()
    (key,) = await store.put([b"\xff\xff not a payload"])
    (answer,) = await SqlPayloadDriver(store).retrieve(RETRIEVE, [StorageDriverClaim({"key": key})])
    assert answer.metadata["encoding"] == MISSING_ENCODING


async def test_a_value_that_was_absent_is_found_once_it_is_stored() -> None:
    store = MemoryStore()
    driver = SqlPayloadDriver(store)
    value = payload("later").SerializeToString(deterministic=True)
    claim = StorageDriverClaim({"key": hashlib.sha256(value).hexdigest()})
    assert (await driver.retrieve(RETRIEVE, [claim]))[0].metadata["encoding"] == MISSING_ENCODING
    await store.put([value])
    assert await driver.retrieve(RETRIEVE, [claim]) == [payload("later")]


async def test_a_store_that_is_away_is_told_apart_from_a_missing_value() -> None:
    store = MemoryStore()
    store.away = True
    driver = SqlPayloadDriver(store)
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await driver.retrieve(RETRIEVE, [StorageDriverClaim({"key": "f" * 64})])
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await driver.store(STORE, [payload("one")])


def test_the_names_that_references_carry_never_change() -> None:
    driver = SqlPayloadDriver(MemoryStore())
    assert (driver.name(), driver.type()) == ("threadloom-sql", "threadloom.sql")


async def test_a_value_that_is_known_to_be_stored_is_not_stored_again() -> None:
    store = MemoryStore()
    driver = SqlPayloadDriver(store)
    claims = await driver.store(STORE, [payload("one")])
    reader = SqlPayloadDriver(store)
    await reader.retrieve(RETRIEVE, claims)
    store.away = True
    assert await driver.store(STORE, [payload("one")]) == claims
    assert await reader.store(STORE, [payload("one")]) == claims


async def test_a_store_that_refused_is_not_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.away = True
    driver = SqlPayloadDriver(store)
    for _ in range(2):
        with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
            await driver.store(STORE, [payload("one")])
        store.away = False
    assert not store.values
    monkeypatch.setattr("storage.payload_driver.AWAY_SECONDS", 0.0)
    store.away, driver = True, SqlPayloadDriver(store)
    with pytest.raises(ThreadloomError, match="DATABASE_UNREACHABLE"):
        await driver.store(STORE, [payload("one")])
    store.away = False
    await driver.store(STORE, [payload("one")])
    assert store.values
