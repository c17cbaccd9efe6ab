"""A worker killed at random moments of a flow with all kinds of nodes: others go on, and nothing differs."""

from __future__ import annotations

import asyncio
import random
import signal
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from tests.integration.cli.conftest import Program, clean_environment
from tests.integration.engine.test_disturbed import PART, WITHIN, Disturbed, everything
from tests.integration.engine.theirs import their_worker
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Session, Stack, eventually, running_stack
from tests.servers import TemporalServer
from tests.unit.activities.web import running

TASKS = """\
import time
from pathlib import Path

from temporalio import activity

from domain.thread.functions import register

STARTS = Path(__file__).with_name("starts")


@activity.defn
def step(key: str) -> str:
    with STARTS.open("a") as file:
        file.write(key + "\\n")
    time.sleep(0.02)  # so that a test can kill the worker in here
    return key


register("disturbed.thrice@1", lambda number: number * 3)
"""
KEYS = 27
"""How many keys `step` is called with when the flow runs once."""

KILLS = 3
SOON: dict[str, Any] = {"start_to_close": "2s"}
"""When what a killed worker was doing is done again."""


def impatient(queue: str, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The flow of all kinds, and those that it names; what dies with a worker is tried again soon."""
    defaults = {"defaults": {"activity": SOON}}
    whole = everything(queue, url)
    whole["nodes"]["far"]["compensate"] |= SOON
    whole["nodes"]["ask_web"] |= SOON
    return whole | defaults, {"part": PART | defaults, "within": WITHIN | defaults}


@dataclass(frozen=True)
class Outcome:
    """What a user can see of a session whose threads have ended, but for times."""

    result: Any
    variables: dict[str, Any]
    executions: dict[str, list[dict[str, Any]]]
    stored: dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Kill:
    """A moment of a worker's death: how often `step` had been begun, and the keys for which it was done for good."""

    begun: int
    done: set[str]


@dataclass(frozen=True)
class Played:
    """One run of the flow: what came of it, the keys that `step` was begun with, and who died meanwhile."""

    outcome: Outcome
    begun: list[str]
    kills: list[Kill]


async def play(stack: Stack, server: TemporalServer, folder: Path, moments: Sequence[tuple[int, float]]) -> Played:
    """Run the flow; kill the worker behind so many begun keys and so many seconds, and start another."""
    starts = folder / "starts"
    kills: list[Kill] = []
    async with their_worker(stack) as queue, running() as web:
        web.says("/", 200, b'{"n": 1}', Content_Type="application/json")
        document, flows = impatient(queue, web.url("/"))
        session = await stack.start_session()
        answering = asyncio.create_task(answer(session))
        worker = start_worker(stack, server, folder)
        try:
            await asyncio.to_thread(worker.announced)
            await session.create("t", document, flows=flows)
            for keys, seconds in moments:
                await began(starts, keys)
                await asyncio.sleep(seconds)  # so that it is not always an activity that has just begun
                await asyncio.to_thread(worker.end, signal.SIGKILL)
                kills.append(Kill(len(read(starts)), await done(session)))
                worker = start_worker(stack, server, folder)
                await asyncio.to_thread(worker.announced)
            outcome = await look(session, await ended(session.thread("t")))
            for handle in (session.handle, session.thread("t")):
                await unharmed(handle)
                await Disturbed(session).replays(handle.id)
            return Played(outcome, read(starts), kills)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            worker.end()


@asynccontextmanager
async def stage(server: TemporalServer, folder: Path) -> AsyncIterator[Stack]:
    """A product of its own, and what its workers load."""
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread((folder / "starts").touch)
    await asyncio.to_thread((folder / "random_tasks.py").write_text, TASKS)
    async with running_stack(server.address, folder) as stack:
        yield stack


def start_worker(stack: Stack, server: TemporalServer, folder: Path) -> Program:
    env = clean_environment() | {
        "TEMPORAL_ADDRESS": server.address,
        "THREADLOOM_TASK_QUEUE": stack.settings.task_queue,
        "THREADLOOM_DATABASE_URL": stack.settings.database_url,
    }
    log = folder / f"{uuid.uuid4().hex}.log"
    return Program(["worker.py", "--tasks", str(folder / "random_tasks.py")], env, log)


def read(starts: Path) -> list[str]:
    return starts.read_text().splitlines()


async def began(starts: Path, keys: int) -> None:
    """Wait until `step` has begun with so many different keys."""

    async def different() -> int:
        return len(set(read(starts)))

    await eventually(different, lambda seen: seen >= keys)


async def answer(session: Session) -> None:
    """Choose whenever the thread waits for that, for as long as this runs."""
    own = asyncio.current_task()
    assert own is not None
    while not own.cancelling():  # the client turns a cancellation into an error of its own
        with suppress(WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError):
            await session.thread("t").execute_update("decide", {"node": "ask", "choice": "yes"})
        await asyncio.sleep(0.1)


async def done(session: Session) -> set[str]:
    """The keys that must never be begun again: completed in Temporal's histories, or executed in the database."""
    keys: set[str] = set()
    converter = session.stack.client.data_converter
    for thread_id in ("t", "p1", "p2", "b"):
        with suppress(RPCError):  # it is not there yet
            begun = {}
            async for event in session.thread(thread_id).fetch_history_events():
                if event.HasField("activity_task_scheduled_event_attributes"):
                    begun[event.event_id] = event.activity_task_scheduled_event_attributes
                if event.HasField("activity_task_completed_event_attributes"):
                    call = begun[event.activity_task_completed_event_attributes.scheduled_event_id]
                    if call.activity_type.name == "step":
                        keys.update(await converter.decode(call.input.payloads))
        keys.update(
            f"{thread_id}/{node}/{visit}" for _, node, visit, status in await stored(session, thread_id) if status
        )
    return keys


SEEN = ("seq", "id", "kind", "status", "next", "changed", "error")


async def look(session: Session, result: Any) -> Outcome:
    threads = sorted(seen["thread_id"] for seen in await session.handle.query("threads"))
    executions = {}
    for thread_id in threads:
        await ended(session.thread(thread_id))  # behind its last record
        executed = await session.thread(thread_id).query("executions")
        executions[thread_id] = [{name: one[name] for name in SEEN} for one in executed]
    return Outcome(
        result=result,
        variables=await session.thread("t").query("variables"),
        executions=executions,
        stored={thread_id: await stored(session, thread_id) for thread_id in threads},
    )


async def stored(session: Session, thread_id: str) -> list[tuple[Any, ...]]:
    """The thread's journal in the database."""
    journal = await session.stack.backend.records.journal(session.session_id, thread_id)
    entries = journal.entries if journal is not None else []
    return [tuple(entry.get(name) for name in ("seq", "node", "visit", "status")) for entry in entries]


def moments(seed: int) -> list[tuple[int, float]]:
    """When workers die: behind how many different keys, one death in each third of the flow; and how many seconds."""
    chance, part = random.Random(seed), KEYS // KILLS
    return [(death * part + chance.randrange(1, part), chance.uniform(0, 0.05)) for death in range(KILLS)]


@pytest.mark.parametrize("seeds", [(1, 2, 3)], ids=str)
async def test_a_worker_killed_at_random_moments_changes_nothing(
    temporal_server: TemporalServer, tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    async with stage(temporal_server, tmp_path / "undisturbed") as stack:
        undisturbed = await play(stack, temporal_server, tmp_path / "undisturbed", [])
    assert undisturbed.outcome.result["status"] == "completed", undisturbed.outcome.result
    assert (len(undisturbed.begun), len(set(undisturbed.begun))) == (KEYS, KEYS)
    # All at once: most of the time goes by until Temporal gives up what a dead worker had in hand.
    async with AsyncExitStack() as open_stages, asyncio.TaskGroup() as group:
        tasks = {}
        for seed in seeds:
            folder = tmp_path / str(seed)
            stack = await open_stages.enter_async_context(stage(temporal_server, folder))
            tasks[seed] = group.create_task(play(stack, temporal_server, folder, moments(seed)))
    for seed, task in tasks.items():
        played = task.result()
        assert played.outcome == undisturbed.outcome, f"seed {seed}"
        assert set(played.begun) == set(undisturbed.begun), f"seed {seed}"
        assert played.kills[-1].done, f"seed {seed}: nothing was done before the last worker died"
        for kill in played.kills:
            assert not kill.done & set(played.begun[kill.begun :]), f"seed {seed}: executed again"
