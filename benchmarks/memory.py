"""What something that waits costs a worker: a thread in `receive` beside a workflow that waits for a signal."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, TypeVar

from benchmarks import flows, hand
from benchmarks.common import Contender, Outcome, Sample, Size, take_turns
from benchmarks.stage import HAND_QUEUE, Stage, server
from domain.errors import Code, ThreadloomError

T = TypeVar("T")

BY_HAND = "by hand"
FLOW = "flow"

_AT_ONCE = 4
"""Fewer than the ten updates that one workflow takes at a time."""

_SECONDS = 300.0
_BETWEEN_LOOKS = 0.2
_STARTED_EVENTS = 4
"""Of a workflow that has started, run its first task and waits now."""


async def measure(size: Size) -> Outcome:
    """`idle_memory_ratio`: bytes for each that waits, ours by theirs; lower is better."""
    async with server(size) as on:
        contenders: dict[str, Contender] = {
            BY_HAND: partial(_measure, on, "hand", partial(_idle_by_hand, on), size.idle),
            FLOW: partial(_measure, on, "threadloom", partial(_idle_threads, on), size.idle),
        }
        # Every run has a process of its own, which a few of the kind have warmed up.
        outcome = await take_turns(size.runs, contenders, warm_up=False)
    outcome.ratios = {"idle_memory_ratio": outcome.ratio("bytes_each", FLOW, BY_HAND)}
    return outcome


async def _measure(
    on: Stage, side: Literal["hand", "threadloom"], start: Callable[[int], Awaitable[None]], count: int
) -> Sample:
    """Memory of a fresh worker process with many that wait, less that of the same process with a few."""
    async with _worker_process(on, side) as resident:
        few = max(count // 50, 1)
        await start(few)
        before = await resident()
        await start(count)
        after = await resident()
    return {"bytes_each": (after - before) / count, "process_bytes": after}


async def _idle_by_hand(on: Stage, count: int) -> None:
    ids = [uuid.uuid4().hex for _ in range(count)]

    async def start(number: int) -> None:
        await on.bare.start_workflow(hand.IdleJob.run, id=ids[number], task_queue=HAND_QUEUE)

    async def waits(number: int) -> None:
        handle = on.bare.get_workflow_handle(ids[number])

        async def idle() -> bool:
            return (await handle.describe()).history_length >= _STARTED_EVENTS

        await _until(idle)

    await _each(count, start)
    await _each(count, waits)


async def _idle_threads(on: Stage, count: int) -> None:
    session = await _answered(on.start_session)
    flow = flows.idle()

    async def start(number: int) -> None:
        await _answered(partial(session.create_thread, flow, command_id=f"idle-{number}"))

    async def idle() -> bool:
        # Waiting, and recorded as such: then a thread has nothing left to do.
        listed = await on.loom.threads(session_id=session.session_id, limit=count)
        return sum(each.waiting is not None for each in listed.threads) == count

    await _each(count, start)
    await _until(idle)


async def _answered(command: Callable[[], Awaitable[T]]) -> T:
    """Give a command until it is answered: a worker that starts hundreds at once may be slow to."""
    while True:
        try:
            return await command()
        except ThreadloomError as error:
            if error.code is not Code.NO_WORKER:
                raise


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            if await holds():
                return
            await asyncio.sleep(_BETWEEN_LOOKS)


async def _each(count: int, start: Callable[[int], Awaitable[None]]) -> None:
    """Start that many, a few at a time."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await start(number)

    async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))


@asynccontextmanager
async def _worker_process(on: Stage, side: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """A worker of one side in a process of its own, and a way to ask for its resident bytes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.idle_worker", side, on.address, on.settings.database_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    async def resident() -> int:
        questions.write(b"\n")
        async with asyncio.timeout(_SECONDS):
            return int(await answers.readline())

    try:
        yield resident
    finally:
        questions.close()
        await process.wait()
