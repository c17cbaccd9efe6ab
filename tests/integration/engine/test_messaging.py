"""Messages from thread to thread, and what is told of those that have ended, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.messaging import MessagingActivities
from domain.errors import Code
from domain.messages import DeliverInput, OutcomesInput
from domain.ports import RecordStore
from domain.records import ThreadRow
from tests.integration.engine.flows import end, flow
from tests.integration.stack import Session, Stack, eventually


def receive(next: str) -> dict[str, Any]:
    return {"kind": "receive", "timeout": "1d", "save": "heard", "next": next}


LISTENING = flow("listening", {"hear": receive("done"), "done": end()})
LISTENING_TWICE = flow("listening_twice", {"hear": receive("again"), "again": receive("done"), "done": end()})
TELLING = flow("telling", {"done": end(said="{{ input }}")})
FAILING = flow("failing", {"broken": {"kind": "fail", "code": "BROKEN", "message": "it broke"}})


def messaging(stack: Stack) -> MessagingActivities:
    return MessagingActivities(stack.client, stack.backend.records)


async def deliver(stack: Stack, message: DeliverInput) -> list[str]:
    """Deliver the message as a worker does."""
    delivered: list[str] = await ActivityEnvironment().run(messaging(stack).deliver, message)
    return delivered


def message(session: Session, to: list[str] | None, key: str = "a/tell/1", **fields: Any) -> DeliverInput:
    given = {"sender": "a", "name": "news", "body": {"n": 1}, **fields}
    return DeliverInput(session_id=session.session_id, to=to, key=key, **given)


async def heard(session: Session, thread_id: str) -> Any:
    await session.thread_status(thread_id, "completed")
    return (await session.thread(thread_id).query("variables"))["heard"]


async def test_a_message_reaches_each_thread_once_however_often_it_is_delivered(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        for thread_id in ("b", "c"):
            await session.create(thread_id, LISTENING_TWICE)
            await session.thread_waits(thread_id, "message")
        for _ in range(2):
            assert await deliver(stack, message(session, ["c", "b", "c"])) == ["c", "b"]
        for thread_id in ("b", "c"):
            await session.thread_shows(thread_id, lambda seen: seen["current_node"] == "again")
            assert (await session.thread(thread_id).query("describe"))["status"] == "running"
        assert await deliver(stack, message(session, ["b"], key="a/tell/" + "x" * 300, body="more")) == ["b"]
        assert (await heard(session, "b"))["body"] == "more"


async def test_who_cannot_be_reached_is_named_and_who_took_it_too(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("b", LISTENING)
        await session.create("z", TELLING)
        await session.thread_status("z", "completed")
        await session.thread("z").result()
        await session.thread_waits("b", "message")
        with pytest.raises(ApplicationError) as refused:
            await deliver(stack, message(session, ["z", "b", "nobody", "no id"]))
        assert (refused.value.type, refused.value.non_retryable) == (Code.THREAD_ENDED, True)
        assert refused.value.details[0] == {
            "delivered": ["b"],
            "refused": {"z": Code.THREAD_ENDED, "nobody": Code.THREAD_NOT_FOUND, "no id": Code.THREAD_NOT_FOUND},
        }
        assert (await heard(session, "b"))["sender"] == "a"


async def test_a_broadcast_reaches_all_that_live_but_who_sends_it(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        for thread_id in ("a", "b", "c"):
            await session.create(thread_id, LISTENING)
            await session.thread_waits(thread_id, "message")
        await session.create("z", TELLING)
        await session.thread_status("z", "completed")
        assert await deliver(stack, message(session, None)) == ["b", "c"]
        assert (await session.thread("a").query("describe"))["status"] == "running"
        with pytest.raises(ApplicationError) as refused:
            await deliver(stack, message(session, None).model_copy(update={"session_id": "nowhere"}))
        assert refused.value.type == Code.SESSION_NOT_FOUND


async def test_how_threads_ended_is_told_in_the_order_asked_for(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("good", TELLING, input=[1, 2])
        await session.create("bad", FAILING)
        await session.create("killed", LISTENING)
        await session.create("alive", LISTENING)
        for thread_id in ("killed", "alive"):
            await session.thread_waits(thread_id, "message")
        await session.thread("killed").terminate()
        for thread_id, status in (("good", "completed"), ("bad", "failed")):
            await session.thread_status(thread_id, status)

        async def look() -> list[dict[str, Any]]:
            asked = OutcomesInput(
                session_id=session.session_id, thread_ids=["bad", "good", "alive", "killed", "nobody"]
            )
            return [outcome.model_dump() for outcome in await messaging(stack).outcomes(asked)]

        told = await eventually(look, lambda seen: len(seen) == 4)
        assert [(one["thread_id"], one["status"], one["result"]) for one in told] == [
            ("bad", "failed", None),
            ("good", "completed", {"said": [1, 2]}),
            ("killed", "failed", None),
            ("nobody", "failed", None),
        ]
        errors = [one["error"] and one["error"]["code"] for one in told]
        assert errors == ["BROKEN", None, Code.THREAD_TERMINATED, Code.THREAD_LOST]


class Remembered:
    """Records of one thread."""

    def __init__(self, row: ThreadRow) -> None:
        self._row = row

    async def thread(self, session_id: str, thread_id: str) -> ThreadRow | None:
        return self._row if (session_id, thread_id) == (self._row.session_id, self._row.thread_id) else None


async def test_the_end_of_a_thread_that_temporal_has_forgotten_is_told_from_the_records(stack: Stack) -> None:
    now = datetime.now(UTC)
    row = ThreadRow(
        session_id="s", thread_id="old", status="completed", result={"said": "bye"}, created_at=now, updated_at=now
    )
    activities = MessagingActivities(stack.client, cast(RecordStore, Remembered(row)))
    (told,) = await activities.outcomes(OutcomesInput(session_id="s", thread_ids=["old"]))
    assert (told.status, told.result) == ("completed", {"said": "bye"})
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(
            activities.deliver, DeliverInput(session_id="s", to=["old"], sender="a", key="k", name="news")
        )
    assert refused.value.type == Code.THREAD_ENDED
