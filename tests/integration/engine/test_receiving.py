"""Which message a `receive` takes when several are there, on a real server."""

from __future__ import annotations

from typing import Any

from tests.integration.engine.flows import end, flow
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Stack

HEAR = {"kind": "receive", "name": "payment", "where": "message.body.customer == customer", "timeout": "1d"}


def listening(**hear: Any) -> dict[str, Any]:
    """Takes the payment of one customer, then whatever is left."""
    return flow(
        "listening",
        {
            "hear": {**HEAR, "save": {"paid": "{{ message.body }}"}, "next": "rest", **hear},
            "rest": {"kind": "receive", "timeout": "1d", "save": {"rest": "{{ result.body }}"}, "next": "done"},
            "done": end(paid="{{ paid }}", rest="{{ rest }}", error="{{ error | default(none) }}"),
        },
        variables={"customer": "ada", "paid": None, "rest": None},
    )


async def test_the_first_message_for_which_it_holds_is_taken_and_the_others_stay(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", listening())
        await session.thread_waits("t", "message")
        thread = session.thread("t")
        for name, customer in (("news", "ada"), ("payment", "bob")):
            await thread.execute_update("send", {"name": name, "body": {"customer": customer}})
        seen = await session.thread_waits("t", "message")
        assert (seen["current_node"], seen["mailbox"]["unread"]) == ("hear", 2)
        await thread.execute_update("send", {"name": "payment", "body": {"customer": "ada", "amount": 1}})
        told = await ended(thread)
        await unharmed(session.handle, thread)
    assert told["result"] == {"paid": {"customer": "ada", "amount": 1}, "rest": {"customer": "ada"}, "error": None}


async def test_a_message_that_it_cannot_judge_is_taken_out_and_fails_the_node(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", listening(on_error="hear"))
        await session.thread_waits("t", "message")
        for body in ("no object", {"customer": "ada"}, {"customer": "bob"}):
            await session.thread("t").execute_update("send", {"name": "payment", "body": body})
        told = (await ended(session.thread("t")))["result"]
        executed = await session.thread("t").query("executions")
    assert (told["paid"], told["rest"]) == ({"customer": "ada"}, {"customer": "bob"})
    assert told["error"]["code"] == "EXPRESSION_ERROR"
    assert told["error"]["details"]["message"]["body"] == "no object"
    assert [(one["node"], one["status"]) for one in executed] == [
        ("hear", "failed"),
        ("hear", "completed"),
        ("rest", "completed"),
        ("done", "completed"),
    ]
