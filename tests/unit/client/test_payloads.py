"""Which values can do without the payload store."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, StorageDriver, StorageDriverClaim, StorageDriverStoreContext

from threadloom.converter import ThreadloomPayloadConverter
from threadloom.payloads import AWAY_LIMIT, OWN_AWAY_LIMIT, external_storage
from workflows.inline import OrInline


class NoDriver(StorageDriver):
    """A payload store that is away."""

    def name(self) -> str:
        return "away"

    def type(self) -> str:
        return "away"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        raise ConnectionError("the payload store is away")

    async def retrieve(self, context: object, claims: Sequence[StorageDriverClaim]) -> list[Payload]:
        raise AssertionError("nothing was stored")


CONVERTER = DataConverter(
    payload_converter_class=ThreadloomPayloadConverter, external_storage=external_storage(NoDriver(), 1_000)
)


@pytest.mark.parametrize(
    "values",
    [
        ["x" * (AWAY_LIMIT - 1_000)],
        ["x" * (AWAY_LIMIT // 4)] * 3,
        [OrInline("x" * (OWN_AWAY_LIMIT - 1_000))],
    ],
    ids=["a small one", "several small ones", "a batch of records"],
)
async def test_what_a_message_can_carry_stays_in_it_while_the_store_is_away(values: list[object]) -> None:
    sent = await CONVERTER.encode(values)
    plain = [value.value if isinstance(value, OrInline) else value for value in values]
    assert await CONVERTER.decode(sent) == plain


@pytest.mark.parametrize(
    "values",
    [
        ["x" * AWAY_LIMIT],
        ["x" * (AWAY_LIMIT // 4)] * 4,
        [OrInline("x" * OWN_AWAY_LIMIT)],
        [OrInline("x"), "x" * AWAY_LIMIT],
    ],
    ids=["a large one", "several that are large together", "a batch too large", "a large one beside"],
)
async def test_what_it_cannot_carry_waits_for_the_store(values: list[object]) -> None:
    with pytest.raises(ConnectionError):
        await CONVERTER.encode(values)
