"""A session as coordinator: how many threads it gets done, what each costs it, and how soon it answers when full."""

from __future__ import annotations

import asyncio
import time
import uuid
from functools import partial
from statistics import median

from benchmarks import flows, hand
from benchmarks.common import Outcome, Sample, Size, progress, take_turns
from benchmarks.history import read_job
from benchmarks.stage import Stage, stage
from domain.ids import session_workflow_id
from threadloom.session import SessionHandle
from threadloom.views import SessionView
from threadloom.waiting import within

BY_HAND = "by hand, children that report"
SESSION = "session, threads created in bulk"
PAUSED = "session, paused and resumed once"
EMPTY = "commands to an empty session"
FULL = "commands to a full session"
PAUSE = "pausing running threads"

COMMANDS = 20
"""Commands of each kind whose median counts."""

PAUSED_THREADS = 200
WAITED = 300.0
"""Seconds after which a benchmark that hangs gives up."""


async def measure(size: Size) -> Outcome:
    """`session_threads_ratio` (higher is better), `session_events_per_thread`, `command_latency_ratio` (lower are)."""
    async with stage(size) as on:
        contenders = {
            BY_HAND: partial(on.run_by_hand, hand.CoordinatingJob.run, size.threads, result=size.threads),
            SESSION: partial(_bulk, on, size.threads),
            PAUSED: partial(_paused, on, min(size.threads, PAUSED_THREADS)),
        }
        outcome = await take_turns(size.runs, contenders)
        empty, full = await on.start_session(), await _full(on, size.idle)
        latency = await take_turns(size.runs, {EMPTY: partial(_commands, empty), FULL: partial(_commands, full)})
    outcome.samples |= latency.samples
    outcome.ratios = {
        "session_threads_ratio": outcome.ratio("wall_seconds", BY_HAND, SESSION),
        "session_events_per_thread": median(run["events_per_thread"] for run in outcome.samples[SESSION]),
        "session_events_with_pause": median(run["events_per_thread"] for run in outcome.samples[PAUSED]),
        "command_latency_ratio": latency.ratio("seconds", FULL, EMPTY),
    }
    seconds = median(run["pause_seconds"] for run in outcome.samples[PAUSED])
    outcome.notes = [
        f"pausing {min(size.threads, PAUSED_THREADS)} running threads took {seconds:.1f} s",
        f"the full session had {size.idle} threads alive",
        f"the longest run of a session's history had {max(run['peak_events'] for run in outcome.samples[SESSION]):.0f} "
        "events",
    ]
    return outcome


async def _bulk(on: Stage, threads: int) -> Sample:
    started = time.perf_counter()
    session = await on.start_session()
    await _create(session, flows.two_values(), threads)
    await session.close()
    await _result(on, session)
    return await _sample(on, session, threads, time.perf_counter() - started)


async def _paused(on: Stage, threads: int) -> Sample:
    session = await on.start_session()
    await _create(session, flows.waiting(), threads)
    await _running(session, threads)
    started = time.perf_counter()
    await session.pause(wait=True, timeout=WAITED)
    paused = time.perf_counter() - started
    await session.resume(wait=True, timeout=WAITED)
    await _running(session, threads)
    await session.broadcast(None, name="go")
    await session.close()
    await _result(on, session)
    return await _sample(on, session, threads, time.perf_counter() - started) | {"pause_seconds": paused}


async def _full(on: Stage, threads: int) -> SessionHandle:
    progress(f"starting {threads} threads")
    session = await on.start_session()
    await _create(session, flows.waiting(), threads)
    await _running(session, threads)
    return session


async def _commands(session: SessionHandle) -> Sample:
    """The median time of a command that changes the session, and of one that starts a thread, added up."""
    changes, starts = [], []
    for number in range(COMMANDS):
        before = time.perf_counter()
        await session.configure({"max_threads": 1_000_000 + number})
        between = time.perf_counter()
        await session.create_thread(flows.waiting(), thread_id=f"c-{uuid.uuid4().hex}", hold=True)
        changes.append(between - before)
        starts.append(time.perf_counter() - between)
    return {"seconds": median(changes) + median(starts), "configure": median(changes), "create": median(starts)}


async def _create(session: SessionHandle, flow: flows.Flow, threads: int) -> None:
    wishes = [{"flow": flow, "id": f"t{number}", "input": number} for number in range(threads)]
    refused = [entry for entry in (await session.create_threads(wishes)).threads if "error" in entry]
    if refused:
        raise RuntimeError(f"a thread was refused: {refused[0]!r:.200}")


async def _running(session: SessionHandle, threads: int) -> None:
    def all_running(view: SessionView) -> bool:
        return view.threads.running >= threads

    await within(WAITED, session.describe, all_running, "the threads do not all run")


async def _result(on: Stage, session: SessionHandle) -> None:
    async with asyncio.timeout(WAITED):
        await on.bare.get_workflow_handle(session_workflow_id(session.session_id)).result()


async def _sample(on: Stage, session: SessionHandle, threads: int, wall: float) -> Sample:
    job = await read_job(on.bare, session_workflow_id(session.session_id))
    peak = max(job.events)
    return {"wall_seconds": wall, "events_per_thread": sum(job.events) / threads, "peak_events": peak}
