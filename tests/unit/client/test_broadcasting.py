"""A message to many: some at a time, and who did not take it is told apart from who could not."""

from __future__ import annotations

import asyncio
from typing import cast

from domain.errors import Code, ThreadloomError
from domain.messages import Command, Send
from domain.values import JsonObject
from threadloom.broadcasting import AT_ONCE, broadcast
from threadloom.delivery import Delivery, command
from threadloom.targets import Target

MESSAGE = command(Send, "c", "ann", None, body=1)


class Threads:
    """Threads that take a message, or refuse it with a code.

    Attributes:
        tried: Threads that were sent something, in order.
        most: How many of them there were at once.
    """

    def __init__(self, **codes: str) -> None:
        self.codes = codes
        self.tried: list[str] = []
        self.under_way = 0
        self.most = 0

    async def update(self, target: Target, name: str, sent: Command) -> JsonObject:
        thread_id = str(target.thread_id)
        self.tried.append(thread_id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        code = self.codes.get(thread_id) or self.codes.get("everybody")
        if code is not None:
            raise ThreadloomError(code, "no")
        return {}


def delivery(threads: Threads) -> Delivery:
    return cast(Delivery, threads)


async def test_it_goes_to_some_at_a_time_until_all_have_it() -> None:
    threads, names = Threads(), [f"t{number}" for number in range(100)]
    told = await broadcast(delivery(threads), "s", names, MESSAGE)
    assert (told.delivered, told.refused, told.command_id) == (names, {}, "c")
    assert threads.most == AT_ONCE


async def test_each_refusal_has_its_code_and_who_has_no_mailbox_refuses_nothing() -> None:
    threads = Threads(b=Code.MAILBOX_FULL, c=Code.THREAD_ENDED, d=Code.THREAD_NOT_STARTED, e=Code.COMMAND_ID_REUSED)
    told = await broadcast(delivery(threads), "s", list("abcdef"), MESSAGE)
    assert told.delivered == ["a", "f"]
    assert told.refused == {"b": "MAILBOX_FULL", "e": "COMMAND_ID_REUSED"}
    assert told.not_started == ["d"]


async def test_where_nobody_answers_the_rest_do_not_find_it_out_in_turn() -> None:
    threads, names = Threads(everybody=Code.NO_WORKER), [f"t{number}" for number in range(500)]
    told = await broadcast(delivery(threads), "s", names, MESSAGE)
    assert told.refused == dict.fromkeys(names, "NO_WORKER")
    assert len(threads.tried) < 2 * AT_ONCE


async def test_a_thread_that_does_not_answer_holds_up_no_other() -> None:
    names = [f"t{number}" for number in range(100)]
    threads = Threads(**dict.fromkeys(names[::3], Code.NO_WORKER))
    told = await broadcast(delivery(threads), "s", names, MESSAGE)
    assert len(told.delivered) == 66
    assert len(threads.tried) == 100
