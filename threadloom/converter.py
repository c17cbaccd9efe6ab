"""The payload converters: JSON by pydantic, lenient where a bad payload would wedge a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter

from workflows.inline import INLINE_KEY, OR_INLINE_KEY, Marked, Undecodable

_CONVERTERS = tuple(PydanticPayloadConverter().converters.values())
"""Shared: the SDK makes a payload converter several times for each workflow task, and each of pydantic's
would build its type adapters anew and keep them."""


class ThreadloomPayloadConverter(CompositePayloadConverter):
    """Pydantic's converter, which marks a value in `Inline` or `OrInline` for the storage."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Encode the values; see the base class."""
        payloads = super().to_payloads([value.value if isinstance(value, Marked) else value for value in values])
        for value, payload in zip(values, payloads, strict=True):
            if isinstance(value, Marked):
                payload.metadata[value.payload_mark] = b"true"
        return payloads


class WorkflowPayloadConverter(ThreadloomPayloadConverter):
    """The same within the product's workflows, where a payload that cannot be read becomes an `Undecodable`.

    Raising would fail the workflow task for ever, and anyone can send such a payload.
    """

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode the payloads; see the base class."""
        hints: Sequence[type | None] = type_hints or [None] * len(payloads)
        return [self._leniently(payload, hint) for payload, hint in zip(payloads, hints, strict=False)]

    def _leniently(self, payload: Payload, hint: type | None) -> Any:
        try:
            return super().from_payloads([payload], [hint] if hint else None)[0]
        except Exception as error:
            if hint not in (None, Any):
                raise
            return Undecodable(f"{type(error).__name__}: {error}")


def may_stay_inline(payload: Payload) -> bool:
    """Whether the payload is the product's own and can do without the payload store."""
    return OR_INLINE_KEY in payload.metadata


def stays_inline(payload: Payload) -> bool:
    """Whether the payload is marked as not for the payload store."""
    return INLINE_KEY in payload.metadata
