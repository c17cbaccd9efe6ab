"""A message to all threads of a session, with the client."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import end, flow, receiving
from tests.integration.stack import eventually
from threadloom import SessionHandle, Threadloom


def patient() -> dict[str, Any]:
    """Takes messages and receives none until it hears of the end."""
    return flow({"hear": {"kind": "receive", "name": "go", "next": "done"}, "done": end()}, name="patient")


async def test_it_reaches_whoever_lives_once(session: SessionHandle) -> None:
    names = [f"t{number}" for number in range(25)]
    for name in names:
        await session.create_thread(patient(), thread_id=name)
    await session.create_thread(receiving(), thread_id="gone")
    await session.thread("gone").send("bye", name="word")
    await session.thread("gone").wait_until("completed", timeout=30)
    await session.thread("t1").pause(wait=True, timeout=30)

    for _ in range(2):
        told = await session.broadcast({"n": 1}, name="news", type="event", command_id="all")
        assert (sorted(told.delivered), told.refused, told.not_started) == (sorted(names), {}, [])
    [message] = (await session.thread("t1").messages()).messages
    assert (message.id, message.name, message.type, message.sender) == ("all", "news", "event", "ann")
    assert message.body == {"n": 1}
    listed = {view.thread_id: view.mailbox for view in (await session.threads()).threads}
    assert {name: mailbox.unread for name, mailbox in listed.items() if mailbox is not None} == dict.fromkeys(names, 1)

    await session.thread("t1").resume(wait=True, timeout=30)
    await session.broadcast(None, name="go")
    for name in names:
        await session.thread(name).wait_until("completed", timeout=30)
    seen = await eventually(session.statistics, lambda seen: seen.performance["completed"] == 26)
    assert seen.messages == {"received": 51, "by_type": {"data": 26, "event": 25}}
    assert (await session.broadcast("anybody?")).delivered == []


async def test_who_refuses_it_is_named_with_the_reason(session: SessionHandle) -> None:
    await session.create_thread(patient(), thread_id="roomy")
    await session.configure({"max_mailbox": 1})
    await session.create_thread(patient(), thread_id="small")
    first = await session.broadcast(1)
    assert sorted(first.delivered) == ["roomy", "small"]
    second = await session.broadcast(2, command_id="again")
    assert (second.delivered, second.refused) == (["roomy"], {"small": "MAILBOX_FULL"})
    with pytest.raises(ThreadloomError) as refused:
        await session.thread("small").send(3)
    assert refused.value.details == {"limit": 1, "unread": 1}


async def test_a_session_that_has_ended_has_nobody_to_send_to(session: SessionHandle, loom: Threadloom) -> None:
    with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
        await loom.session("nowhere").broadcast(1)
    await session.terminate(wait=True, timeout=30)
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.broadcast(1)
