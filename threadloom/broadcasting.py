"""A message to all threads of a session: to each directly, past the session's history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.errors import Code, ThreadloomError
from domain.messages import Send
from domain.thread.mailbox import ABSENT
from threadloom.delivery import Delivery
from threadloom.targets import Target
from threadloom.views import Broadcast

AT_ONCE = 20
"""Threads that are written to at the same time."""

_AWAY = frozenset({Code.NO_WORKER, Code.SERVER_UNREACHABLE})


async def broadcast(delivery: Delivery, session_id: str, thread_ids: Sequence[str], sent: Send) -> Broadcast:
    """Send the message to each thread, some at a time.

    The command's id is the same for all of them, so that the same command again is a duplicate to each.

    Args:
        delivery: How it reaches one.
        session_id: Whose threads they are.
        thread_ids: Who is to have it.
        sent: The message.
    """
    places = asyncio.Semaphore(AT_ONCE)
    unanswered: list[ThreadloomError] = []

    async def send(thread_id: str) -> str | None:
        async with places:
            if len(unanswered) >= AT_ONCE:
                return unanswered[-1].code  # nobody is there; to find that out once more takes seconds each time
            try:
                await delivery.update(Target(session_id, thread_id), "send", sent)
            except ThreadloomError as error:
                if error.code in _AWAY:
                    unanswered.append(error)
                else:
                    unanswered.clear()
                return error.code
            unanswered.clear()
            return None

    codes = dict(zip(thread_ids, await asyncio.gather(*map(send, thread_ids)), strict=True))
    return Broadcast(
        command_id=sent.command_id,
        delivered=[thread_id for thread_id, code in codes.items() if code is None],
        refused={thread_id: code for thread_id, code in codes.items() if code is not None and code not in ABSENT},
        not_started=[thread_id for thread_id, code in codes.items() if code == Code.THREAD_NOT_STARTED],
    )
