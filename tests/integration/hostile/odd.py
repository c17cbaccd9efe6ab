"""Arguments that no program of ours would send, and how a workflow took them."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.common import RawValue
from temporalio.converter import JSONProtoPayloadConverter
from temporalio.service import RPCError

from tests.integration.stack import Handle

Args = Sequence[Any]


def raw(encoding: bytes, data: bytes, **metadata: bytes) -> RawValue:
    """A payload as it is, past every converter."""
    return RawValue(Payload(metadata={"encoding": encoding, **metadata}, data=data))


def nested(depth: int) -> Any:
    """A list in a list, that deep."""
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


def reference(driver: str, **claim: str) -> RawValue:
    """A reference to a payload that somebody is said to have stored."""
    payload = JSONProtoPayloadConverter().to_payload(ExternalStorageReference(driver_name=driver, claim_data=claim))
    assert payload is not None
    return RawValue(payload)


_LEGACY = b"json/external-storage-reference"
_REFERENCE = b"temporal.api.sdk.v1.ExternalStorageReference"
_MARKER = "__temporal_external_storage_reference"

_FIELDS = (
    *("command_id", "actor", "reason", "thread_id", "source", "flow", "config", "node", "choice", "visit", "action"),
    *("until", "grace", "strategy", "set", "nodes", "plan", "hold", "type", "name", "hold_threads", "held", "keep"),
    *("status", "at", "usage", "seconds"),
)

ODD: dict[str, Args] = {
    "null": [None],
    "number": [1],
    "huge number": [10**400],
    "boolean": [True],
    "text": ["x"],
    "empty text": [""],
    "list": [[]],
    "list of objects": [[{"command_id": "a"}]],
    "two objects": [{}, {}],
    "an object and null": [{"command_id": "b"}, None],
    "three numbers": [1, 2, 3],
    "twenty": list(range(20)),
    "unknown field": [{"command_id": "c", "surplus": 1}],
    "command id of another type": [{"command_id": 1}],
    "command id null": [{"command_id": None}],
    "command id empty": [{"command_id": ""}],
    "command id too long": [{"command_id": "y" * 500}],
    "actor empty": [{"actor": ""}],
    "actor of another type": [{"actor": {"name": "x"}}],
    "reason too long": [{"reason": "x" * 3_000}],
    "reason of half a megabyte": [{"reason": "x" * 500_000}],
    "every field of another type": [{key: [[1.5]] for key in _FIELDS}],
    "nested too deep for an argument": [nested(150)],
    "nested too deep for a field": [{"body": nested(190), "data": nested(190), "reason": nested(190)}],
    "no encoding": [raw(b"", b"{}")],
    "unknown encoding": [raw(b"weird/encoding", b"zz")],
    "bytes": [raw(b"binary/plain", b"\xff\x00")],
    "encrypted by somebody": [raw(b"binary/encrypted", b"\x01\x02\x03")],
    "no JSON": [raw(b"json/plain", b"{not json")],
    "no text": [raw(b"json/plain", b"\xff\xfe")],
    "nothing": [raw(b"json/plain", b"")],
    "half a surrogate pair": [raw(b"json/plain", b'{"command_id": "\\ud800"}')],
    "not a number": [raw(b"json/plain", b'{"command_id": "n", "reason": NaN}')],
    "infinity": [raw(b"json/plain", b'{"command_id": "i", "reason": 1e999}')],
    "digits": [raw(b"json/plain", b'{"visit": ' + b"9" * 5_000 + b"}")],
    "nested beyond reading": [raw(b"json/plain", b"[" * 5_000 + b"]" * 5_000)],
    "protobuf as JSON, of an unknown type": [raw(b"json/protobuf", b"{}", messageType=b"foo.Bar")],
    "protobuf of an unknown type": [raw(b"binary/protobuf", b"\x01\x02", messageType=b"foo.Bar")],
    "protobuf without a type": [raw(b"binary/protobuf", b"\x01\x02")],
    "protobuf of a real type, broken": [
        raw(b"binary/protobuf", b"\xff\xff", messageType=b"temporal.api.common.v1.Payload")
    ],
    "old reference to another driver": [
        raw(_LEGACY, b'{"driver_name": "nobody", "driver_claim": {"claim_data": {"key": "zz"}}}')
    ],
    "old reference to an unknown key": [
        raw(_LEGACY, b'{"driver_name": "threadloom-sql", "driver_claim": {"claim_data": {"key": "zz"}}}')
    ],
    "old reference, malformed": [raw(_LEGACY, b"[1]")],
    "old reference, no JSON": [raw(_LEGACY, b"{")],
    "reference to another driver": [reference("nobody", key="zz")],
    "reference to a malformed key": [reference("threadloom-sql", key="../../etc")],
    "reference to an unknown key": [reference("threadloom-sql", key="0" * 64, size="12")],
    "reference without a key": [reference("threadloom-sql")],
    "reference, malformed": [raw(b"json/protobuf", b'{"driverName": 1}', messageType=_REFERENCE)],
    "reference, no JSON": [raw(b"json/protobuf", b"{", messageType=_REFERENCE)],
    "marked as a reference, and none": [
        RawValue(Payload(metadata={"encoding": b"json/plain", _MARKER: b"true"}, data=b"{}"))
    ],
    "marked reference to another driver": [
        raw(b"json/protobuf", b'{"driverName": "nobody"}', messageType=_REFERENCE, **{_MARKER: b"true"})
    ],
    "two references": [reference("nobody", key="zz"), reference("threadloom-sql", key="zz")],
}
"""Malformed for every entry point that takes a message."""

NEARLY: dict[str, Args] = {"none": [], "empty object": [{}]}
"""No message where one has required fields, and a whole one where it has none."""


async def deliver(thread: Handle, body: Any, command_id: str | None = None) -> None:
    """Send a message to a thread; again, with the same command id, when it met the moment of a new run."""
    message = {"body": body, "command_id": command_id or uuid.uuid4().hex}
    while True:
        try:
            await thread.execute_update("send", message)
            return
        except RPCError as error:
            if "unexpected workflow task failure" not in error.message:
                raise


async def failed_tasks(handle: Handle) -> Counter[str]:
    """Why workflow tasks of the current run failed, and how often.

    One that timed out is not counted: that says how busy the machine is, and a workflow that hangs
    for good answers no query.
    """
    causes: Counter[str] = Counter()
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            causes[WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)] += 1
    return causes


HARMLESS = {
    # A message came while the task ended the run: the server's way to have it looked at first.
    "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND",
    # A query was answered while a local activity ended: our way to have the order read from the history.
    "WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE",
}
"""Why a task may fail once, and goes on at its next attempt."""


async def ended(thread: Handle, reader: Handle | None = None) -> Any:
    """The result of a workflow; fails as soon as a task of it has failed, instead of waiting for ever.

    Args:
        thread: The workflow.
        reader: The same, of a client that can read large results.
    """
    result = asyncio.create_task((reader or thread).result())
    try:
        while not result.done():
            await asyncio.wait([result], timeout=2)
            causes = await failed_tasks(thread)
            assert set(causes) <= HARMLESS, f"{thread.id}: {causes}"
        return result.result()
    finally:
        result.cancel()


async def unharmed(*handles: Handle) -> None:
    """Fail unless each workflow answers and none of its tasks has failed."""
    for handle in handles:
        assert await handle.query("outbox") is not None
        assert set(await failed_tasks(handle)) <= HARMLESS, handle.id
