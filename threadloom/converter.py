"""The payload converter: JSON by pydantic, lenient where a bad payload would wedge a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter

from workflows.inline import INLINE_KEY, OR_INLINE_KEY, Undecodable


class ThreadloomPayloadConverter(PydanticPayloadConverter):
    """Pydantic's converter, with two rules of our own.

    A value wrapped in `Inline` or `OrInline` is marked, for the storage to know what may become of it.
    Inside a workflow a payload that cannot be read becomes an `Undecodable`: raising would fail the
    workflow task for ever, and anyone can send such a payload.
    """

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Encode the values; see the base class."""
        # By attribute and not by class: a sandbox that imports our modules anew has classes of its own.
        marks = [getattr(type(value), "payload_mark", None) for value in values]
        payloads = super().to_payloads(
            [value.value if mark else value for value, mark in zip(values, marks, strict=True)]
        )
        for payload, mark in zip(payloads, marks, strict=True):
            if mark:
                payload.metadata[mark] = b"true"
        return payloads

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode the payloads; see the base class."""
        # A start input is decoded before the workflow's loop runs, so only the sandbox tells where we are.
        if not (workflow.in_workflow() or workflow.unsafe.in_sandbox()):
            return super().from_payloads(payloads, type_hints)
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
