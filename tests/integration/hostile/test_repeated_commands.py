"""The same command again: it happens once, and is answered as the first time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.engine.flows import asking, counting, step
from tests.integration.engine.test_lifecycle import reached_the_server
from tests.integration.hostile.odd import deliver, unharmed
from tests.integration.hostile.test_extremes import receiving
from tests.integration.stack import Handle, Session, Stack, eventually


async def reused(handle: Handle, update: str, **message: Any) -> None:
    """Fail unless the command id is told to belong to another command."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(update, message)
    assert_reused(refused.value)


def assert_reused(refusal: object) -> None:
    assert isinstance(refusal, WorkflowUpdateFailedError)
    assert isinstance(refusal.cause, ApplicationError)
    assert refusal.cause.type == "COMMAND_ID_REUSED"


async def next_run_of_session(session: Session) -> None:
    """Keep the session busy until it has continued as new."""
    first_run = (await session.handle.describe()).run_id
    while (await session.handle.describe()).run_id == first_run:
        await session.update("configure", config={"max_depth": 9})


@pytest.mark.parametrize("later_run", [False, True], ids=["same run", "later run"])
async def test_every_command_to_a_session_twice(stack: Stack, later_run: bool) -> None:
    commands: list[tuple[str, dict[str, Any]]] = [
        ("create_thread", {"thread_id": "a", "flow": asking()}),
        ("create_thread", {"thread_id": "b", "flow": counting(1)}),
        ("fork_thread", {"thread_id": "f", "source": "b", "at": "work#1"}),
        ("copy_thread", {"thread_id": "c", "source": "a"}),
        ("fork_thread", {"thread_id": "p", "source": "b", "at": "work#1", "plan": True}),
        ("configure", {"config": {"max_depth": 9}}),
        ("manage_thread", {"thread_id": "c", "action": "cancel"}),
        ("destroy_thread", {"thread_id": "b"}),
    ]
    async with stack.worker(step):
        session = await stack.start_session(config={"continue_as_new_after": 50 if later_run else 2_000})
        answers = []
        for number, (update, message) in enumerate(commands):
            answers.append(await session.update(update, command_id=f"c{number}", **message))
            if update == "create_thread" and message["thread_id"] == "b":
                await session.thread("b").result()
                await eventually(session.describe, lambda seen: seen["threads"]["completed"] == 1)
        if later_run:
            await next_run_of_session(session)
        before = await session.handle.query("threads")
        for number, (update, message) in enumerate(commands):
            assert await session.update(update, command_id=f"c{number}", **message) == answers[number]
            await reused(session.handle, update, command_id=f"c{number}", **message, reason="another")
        after = await session.handle.query("threads")
        assert [thread["thread_id"] for thread in after] == [thread["thread_id"] for thread in before]
        await unharmed(session.handle)


@pytest.mark.parametrize("later_run", [False, True], ids=["same run", "later run"])
async def test_every_command_to_a_thread_twice(stack: Stack, later_run: bool) -> None:
    async with stack.worker():
        session = await stack.start_session(config={"continue_as_new_after": 50 if later_run else 2_000})
        await session.create("t", receiving(20))
        thread = session.thread("t")
        await session.thread_waits("t", "message")
        first = {"body": 1, "command_id": "first"}
        answer = await thread.execute_update("send", first)
        if later_run:
            first_run = (await thread.describe()).run_id
            for number in range(18):
                await deliver(thread, number)
            await eventually(thread.describe, lambda seen: seen.run_id != first_run)
        received = (await thread.query("variables"))["n"]
        assert await thread.execute_update("send", first) == answer
        await reused(thread, "send", body=2, command_id="first")
        assert (await thread.query("describe"))["mailbox"]["unread"] == 0
        assert (await thread.query("variables"))["n"] == received
        await unharmed(thread)


async def test_the_same_creation_many_times_at_once_is_one(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        creation = {"thread_id": "a", "flow": asking(), "command_id": "c"}
        answers = await asyncio.gather(*(session.handle.execute_update("create_thread", creation) for _ in range(8)))
        assert all(answer == answers[0] for answer in answers)
        assert (await session.describe())["threads"]["total"] == 1
        await unharmed(session.handle)


async def test_a_signal_twice_happens_once(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        pause, resume = {"command_id": "p"}, {"command_id": "r"}
        await session.handle.signal("pause", pause)
        await session.handle.signal("resume", resume)
        await session.status("active")
        await session.handle.signal("pause", pause)
        await session.handle.signal("pause", {"command_id": "r", "reason": "another command's id"})
        assert (await session.describe())["status"] == "active"
        await unharmed(session.handle)


async def kept_by_the_server(stack: Stack, handle: Handle, update: str, *messages: dict[str, Any]) -> list[Any]:
    """Send the updates while nobody takes them; their answers are still to come."""
    waiting: list[asyncio.Future[Any]] = []
    for number, message in enumerate(messages):
        update_id = f"{update}-{number}"
        waiting.append(asyncio.ensure_future(handle.execute_update(update, message, id=update_id)))
        await eventually(partial(reached_the_server, stack, handle.id, update_id), bool)
    return waiting


async def test_what_waited_together_for_a_worker_happens_once_too(stack: Stack) -> None:
    pauses = [("pause", "p"), ("resume", "r"), ("pause", "p"), ("resume", "r"), ("pause", "p")]
    async with stack.worker():
        session = await stack.start_session()
        await session.create("gets", receiving(50))
        await session.create("asks", asking())
        await session.thread_waits("gets", "message")
        await session.thread_waits("asks", "approval")
    for handle in (session.handle, session.thread("asks")):
        for signal, command_id in pauses:
            await handle.signal(signal, {"command_id": command_id})
    same = {"body": 1, "command_id": "same"}
    sent = await kept_by_the_server(stack, session.thread("gets"), "send", same, same, same, {**same, "body": 2})
    async with stack.worker():
        *answers, other = await asyncio.gather(*sent, return_exceptions=True)
        assert answers == [{"thread_id": "gets", "status": "running"}] * 3
        assert_reused(other)
        assert (await session.thread("gets").query("describe"))["steps"] == 2, "one message was received"
        await session.status("active")
        await session.thread_status("asks", "running")
        await unharmed(session.handle, session.thread("gets"), session.thread("asks"))


async def test_of_two_creations_with_one_command_id_the_first_is_answered_and_the_second_refused(stack: Stack) -> None:
    creations = [{"thread_id": name, "flow": asking(), "command_id": "one"} for name in ("x", "y", "x")]
    async with stack.worker():
        session = await stack.start_session()
        await session.describe()
    sent = await kept_by_the_server(stack, session.handle, "create_thread", *creations)
    async with stack.worker():
        first, other, again = await asyncio.gather(*sent, return_exceptions=True)
        assert first == again == {"thread_id": "x", "status": "pending"}
        assert_reused(other)
        assert [thread["thread_id"] for thread in await session.handle.query("threads")] == ["x"]
        assert await session.handle.execute_update("create_thread", creations[0]) == first
        await unharmed(session.handle)
