"""Mailboxes on a real server: each message once, bounded, counted."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.messaging import MessagingActivities
from domain import answers
from domain.errors import Code, ThreadloomError
from domain.messages import DeliverInput
from domain.records import RecordType
from domain.thread.mailbox import MAILBOX_BYTES
from tests.integration.engine.flows import end, flow
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Handle, Session, Stack, eventually
from threadloom import Threadloom

TYPES = ("data", "control", "event", "error")


def hearing(count: int) -> dict[str, Any]:
    """Takes so many messages, one after the other, and ends with their bodies."""
    return flow(
        "hearing",
        {
            "hear": {"kind": "receive", "timeout": "1d", "save": "heard", "next": "note"},
            "note": {"kind": "set", "append": {"notes": ["{{ heard.body }}"]}, "next": "more"},
            "more": {"kind": "decision", "next": [{"when": f"notes | length < {count}", "to": "hear"}, {"to": "done"}]},
            "done": end(heard="{{ notes }}"),
        },
        variables={"notes": []},
    )


def telling(count: int, **tell: Any) -> dict[str, Any]:
    """Sends the numbers below the count, one after the other."""
    return flow(
        "telling",
        {
            "tell": {"kind": "send", "to": "b", "name": "news", "body": "{{ n }}", "next": "count", **tell},
            "count": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "more"},
            "more": {"kind": "decision", "next": [{"when": f"n < {count}", "to": "tell"}, {"to": "done"}]},
            "done": end(told="{{ n }}"),
        },
        variables={"n": 0},
    )


async def run_of(thread: Handle) -> str | None:
    return (await thread.describe()).run_id


async def unread(thread: Handle) -> int:
    return int((await thread.query("describe"))["mailbox"]["unread"])


async def held(session: Session, thread_id: str, document: dict[str, Any]) -> Handle:
    """A thread that takes messages and reads none, until it is resumed."""
    await session.create(thread_id, document, hold=True)
    await session.thread_status(thread_id, "paused")
    return session.thread(thread_id)


async def delivered(stack: Stack, session: Session, number: int) -> list[str]:
    """A message as a thread sends it, in the activity that sends it."""
    environment = ActivityEnvironment()
    environment.info = replace(
        ActivityEnvironment.default_info(),
        workflow_id=f"session/{session.session_id}/thread/a",
        workflow_run_id="run-1",
    )
    message = DeliverInput(
        session_id=session.session_id,
        to=["b"],
        sender="a",
        key=f"a/tell/{number}",
        number=number,
        name="news",
        body="late",
    )
    activities = MessagingActivities(stack.client, stack.backend.records)
    sent: list[str] = await environment.run(activities.deliver, message)
    return sent


# Once


async def test_a_message_is_taken_once_also_by_a_receiver_that_has_forgotten_the_command(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "ANSWERS_KEPT", 5)
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50})
        thread = await held(session, "b", hearing(1_000))
        first = await run_of(thread)
        assert await delivered(stack, session, 4) == ["b"]
        others = 0
        while others < 10 or await run_of(thread) == first:
            await thread.execute_update("send", {"body": others})
            others += 1
        assert await thread.query("answer", "a/tell/4") is None, "by its command it would not be known again"
        assert await delivered(stack, session, 4) == ["b"]
        assert await delivered(stack, session, 3) == ["b"]
        assert await unread(thread) == others + 1
        assert await delivered(stack, session, 9) == ["b"]
        assert await unread(thread) == others + 2
        await unharmed(session.handle, thread)


async def test_threads_hear_each_other_once_and_in_order_through_lost_answers_and_new_runs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: set[str] = set()
    send = MessagingActivities._send

    async def forgetful(self: MessagingActivities, input: DeliverInput, thread_id: str) -> ThreadloomError | None:
        """Delivers, and loses the answer of every fifth message."""
        refused = await send(self, input, thread_id)
        if input.body % 5 == 0 and input.key not in told:
            told.add(input.key)
            return ThreadloomError(Code.NO_WORKER, "lost")
        return refused

    monkeypatch.setattr(MessagingActivities, "_send", forgetful)
    count = 25
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50})
        await session.create("b", hearing(2 * count))
        await session.thread_waits("b", "message")
        first = await run_of(session.thread("b"))
        for sender in ("a", "c"):
            await session.create(sender, telling(count))
        heard = (await ended(session.thread("b")))["result"]["heard"]
        assert sorted(heard) == sorted(2 * list(range(count)))
        # Two rows of the same numbers, each in order: what a number follows came more often before it did.
        assert all(
            heard[:place].count(number - 1) > heard[:place].count(number)
            for place, number in enumerate(heard)
            if number
        )
        assert await run_of(session.thread("b")) != first
        for sender in ("a", "c"):
            await ended(session.thread(sender))
            await unharmed(session.thread(sender))


async def test_a_receiver_that_ended_with_the_message_has_taken_it(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("b", hearing(1))
        await session.thread_waits("b", "message")
        assert await delivered(stack, session, 1) == ["b"]
        assert (await ended(session.thread("b")))["result"] == {"heard": ["late"]}
        assert await delivered(stack, session, 1) == ["b"], "the attempt whose answer was lost comes again"


async def test_a_broadcast_that_is_tried_again_tells_all_who_took_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = MessagingActivities._send

    async def faltering(self: MessagingActivities, input: DeliverInput, thread_id: str) -> ThreadloomError | None:
        """Reaches one of them at the second attempt only."""
        sent.append(thread_id)
        if thread_id == "c" and sent.count("c") == 1:
            return ThreadloomError(Code.NO_WORKER, "not yet")
        return await send(self, input, thread_id)

    monkeypatch.setattr(MessagingActivities, "_send", faltering)
    every = {"kind": "send", "broadcast": True, "name": "news", "save": "took_it", "next": "done"}
    async with stack.worker():
        session = await stack.start_session()
        for thread_id in ("b", "c", "d"):
            await session.create(thread_id, hearing(1))
            await session.thread_waits(thread_id, "message")
        await session.create("a", flow("calling", {"every": every, "done": end(took_it="{{ took_it }}")}))
        assert (await ended(session.thread("a")))["result"] == {"took_it": ["b", "c", "d"]}
        assert sorted(sent) == ["b", "c", "c", "d"]


# Room


async def test_a_full_mailbox_fails_the_send_and_the_flow_may_try_again(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"max_mailbox": 2})
        thread = await held(session, "b", hearing(3))
        patient = telling(3, on_error=[{"codes": ["MAILBOX_FULL"], "to": "rest"}])
        patient["nodes"]["rest"] = {"kind": "wait", "for": "100ms", "next": "tell"}
        await session.create("a", patient)
        await eventually(lambda: unread(thread), lambda seen: seen == 2)
        await session.create("c", telling(1))
        refused = await ended(session.thread("c"))
        assert (refused["status"], refused["error"]["code"]) == ("failed", "MAILBOX_FULL")
        [told] = refused["error"]["details"]["details"]
        assert told == {"limit": 2, "unread": 2, "delivered": [], "refused": {"b": "MAILBOX_FULL"}}
        shown = (await thread.query("describe"))["mailbox"]
        assert (shown["unread"], shown["limit"]) == (2, 2)
        await thread.signal("resume")
        assert (await ended(thread))["result"] == {"heard": [0, 1, 2]}
        assert (await ended(session.thread("a")))["status"] == "completed"


async def test_what_was_refused_in_a_crowd_is_taken_when_it_comes_again(stack: Stack) -> None:
    """A validator lets several pass for which there is room for one: they are refused when it is their turn."""
    async with stack.worker():
        session = await stack.start_session(config={"max_mailbox": 3})
        thread = await held(session, "b", hearing(9))

        async def send(number: int) -> bool:
            try:
                await thread.execute_update("send", {"command_id": f"c{number}", "body": number})
            except WorkflowUpdateFailedError as error:
                assert isinstance(error.cause, ApplicationError)
                assert error.cause.type == Code.MAILBOX_FULL
                assert error.cause.details[0] == {"limit": 3, "unread": 3}
                return False
            return True

        async def send_all() -> int:
            return sum(await asyncio.gather(*(send(number) for number in range(9))))

        assert await send_all() == 3
        await thread.signal("resume")
        await eventually(send_all, lambda taken: taken == 9)
        assert sorted((await ended(thread))["result"]["heard"]) == list(range(9))


async def test_the_size_of_mailboxes_can_be_changed_for_threads_that_start_later(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        before = await held(session, "before", hearing(1))
        await session.update("configure", config={"max_mailbox": 5})
        after = await held(session, "after", hearing(1))
        limits = [(await thread.query("describe"))["mailbox"]["limit"] for thread in (before, after)]
        assert limits == [1_000, 5]
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            large = stack.client.get_workflow_handle(after.id)
            await large.execute_update("send", {"body": "x" * MAILBOX_BYTES})
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == Code.PAYLOAD_TOO_LARGE


# Threads that have not started


@workflow.defn(name="QueueingSession", sandboxed=False)
class QueueingSession:
    """Answers as a session whose thread `later` waits in a queue."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.Event().wait()

    @workflow.query(name="thread")
    def thread(self, thread_id: str) -> dict[str, Any] | None:
        return {"thread_id": "later", "status": "pending", "started": False} if thread_id == "later" else None

    @workflow.query(name="describe")
    def describe(self) -> dict[str, Any]:
        return {"status": "active"}

    @workflow.query(name="threads")
    def threads(self) -> list[dict[str, Any]]:
        return [{"thread_id": "later", "status": "pending"}]


async def test_a_thread_that_waits_to_be_started_is_told_apart_from_one_that_never_was(stack: Stack) -> None:
    session_id, queue = f"s-{uuid.uuid4().hex[:12]}", f"q-{uuid.uuid4().hex[:12]}"
    loom = Threadloom(stack.client, stack.backend, stack.settings, "ann")
    async with Worker(
        stack.bare, task_queue=queue, workflows=[QueueingSession], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await stack.bare.start_workflow("QueueingSession", id=f"session/{session_id}", task_queue=queue)
        deliver, environment = MessagingActivities(stack.client, stack.backend.records).deliver, ActivityEnvironment()
        for thread_id, code, final in (("later", "THREAD_NOT_STARTED", False), ("never", "THREAD_NOT_FOUND", True)):
            message = DeliverInput(session_id=session_id, to=[thread_id], sender="a", key="k", name="news")
            with pytest.raises(ApplicationError) as refused:
                await environment.run(deliver, message)
            assert (refused.value.type, refused.value.non_retryable) == (code, final)
            with pytest.raises(ThreadloomError, match=code):
                await loom.session(session_id).thread(thread_id).send(1)
        assert await environment.run(deliver, message.model_copy(update={"to": None})) == []
        told = await loom.session(session_id).broadcast(1)
        assert (told.delivered, told.refused, told.not_started) == ([], {}, ["later"])
        await handle.terminate()


# Types, records, counts


async def test_messages_of_each_type_are_sent_received_recorded_and_counted(stack: Stack) -> None:
    hears: dict[str, Any] = {}
    tells: dict[str, Any] = {}
    for kind, following in zip(TYPES, (*TYPES[1:], None), strict=True):
        hear, tell = (f"hear_{following}", f"tell_{following}") if following else ("done", "done")
        where = f"message.type == '{kind}'"
        hears[f"hear_{kind}"] = {"kind": "receive", "where": where, "timeout": "1d", "next": hear}
        tells[f"tell_{kind}"] = {"kind": "send", "to": "b", "name": "news", "type": kind, "next": tell}
    sorting = flow("sorting", {**hears, "done": end(first="{{ nodes.hear_data.result.sender }}")})
    sending = flow("sending", {**tells, "done": end()})
    async with stack.worker():
        session = await stack.start_session()
        await session.create("b", sorting)
        await session.create("a", sending)
        assert (await ended(session.thread("b")))["result"] == {"first": "a"}
        await ended(session.thread("a"))
        await eventually(session.describe, lambda seen: seen["threads"]["completed"] == 2)
        counted = (await session.handle.query("statistics"))["messages"]
        assert counted == {"received": 4, "by_type": dict.fromkeys(TYPES, 1)}
        assert (await session.describe())["activity"] == {"message_count": 4}

        async def recorded() -> list[tuple[Any, ...]]:
            records = await stack.backend.records.history(session.session_id, limit=1_000)
            return [(one.type, one.thread, one.node, one.actor) for one in records]

        await eventually(recorded, lambda seen: sum(one[0] == RecordType.MESSAGE_SENT for one in seen) == 4)
        seen = await recorded()
        assert (RecordType.NODE_EXECUTED, "a", "tell_event", None) in seen
        assert (RecordType.NODE_EXECUTED, "b", "hear_event", None) in seen
        assert (RecordType.MESSAGE_SENT, "b", None, "a") in seen


async def test_a_session_that_has_had_its_messages_is_paused_once(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"max_messages": 2})
        for thread_id in ("b", "c", "d"):
            await session.create(thread_id, hearing(1))
            await session.thread_waits(thread_id, "message")
        await session.thread("b").execute_update("send", {"body": 1})
        await eventually(session.describe, lambda seen: seen["activity"]["message_count"] == 1)
        assert (await session.describe())["status"] == "active"
        await session.thread("c").execute_update("send", {"body": 1})
        seen = await session.status("paused")
        assert [(hold["actor"], hold["reason"]) for hold in seen["holds"]] == [
            ("threadloom", "max_messages: 2 messages of 2")
        ]
        await session.handle.signal("resume")
        await session.thread("d").execute_update("send", {"body": 1})
        assert (await ended(session.thread("d")))["result"] == {"heard": [1]}
        seen = await eventually(session.describe, lambda seen: seen["activity"]["message_count"] == 3)
        assert seen["status"] == "active"
