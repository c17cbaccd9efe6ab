"""Two sessions that share a pool, while their only worker is killed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.integration.cli.conftest import Program, clean_environment
from tests.integration.client.flows import end, flow
from tests.integration.stack import Stack, eventually
from tests.servers import TemporalServer
from threadloom import SessionHandle, Threadloom

THREADS, CAPACITY = 50, 3

USING = flow(
    {"use": {"kind": "wait", "for": "100ms", "next": "done"}, "done": end("used")},
    requires={"pool/lab": 1},
)


def worker(stack: Stack, server: TemporalServer, log: Path) -> Program:
    env = clean_environment() | {
        "TEMPORAL_ADDRESS": server.address,
        "THREADLOOM_TASK_QUEUE": stack.settings.task_queue,
        "THREADLOOM_DATABASE_URL": stack.settings.database_url,
    }
    return Program(["worker.py"], env, log)


async def completed(sessions: list[SessionHandle]) -> list[int]:
    return [(await session.describe()).threads.completed for session in sessions]


async def test_fifty_threads_of_two_sessions_use_a_pool_of_three(
    stack: Stack, loom: Threadloom, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    pool = f"lab-{tmp_path.name}"
    document = USING | {"requires": {f"pool/{pool}": 1}}
    first = worker(stack, temporal_server, tmp_path / "first.log")
    try:
        first.announced()
        await loom.create_pool(pool, CAPACITY)
        sessions = [loom.session((await loom.start_session()).session_id) for _ in range(2)]
        for session in sessions:
            wishes = [{"flow": document, "id": f"t{number}"} for number in range(THREADS // 2)]
            assert all("error" not in entry for entry in (await session.create_threads(wishes)).threads)
        waiting = (await sessions[1].thread("t24").describe()).waiting
        assert waiting is not None
        assert (waiting.kind, waiting.pool) == ("pool", pool)
        await eventually(lambda: completed(sessions), lambda seen: sum(seen) >= THREADS // 4)
    finally:
        first.end(signal.SIGKILL)
    second = worker(stack, temporal_server, tmp_path / "second.log")
    try:
        second.announced()
        await eventually(lambda: completed(sessions), lambda seen: seen == [THREADS // 2, THREADS // 2], 120)
        await eventually(loom.pool(pool).describe, lambda seen: seen.in_use == 0)
        records = (await loom.pool(pool).history(limit=1_000)).records
    finally:
        second.end()
    shared = proved(records)
    assert {session for session, _ in shared} == {session.session_id for session in sessions}
    assert len(shared) == THREADS


def proved(records: list[Any]) -> set[tuple[str, str]]:
    """Follow the pool's own records, one after the other; the threads that have had a lease."""
    holding: set[tuple[str, str]] = set()
    lines: dict[str, list[tuple[str, str]]] = {}
    served: set[tuple[str, str]] = set()
    for record in records:
        thread = (record.details.get("session"), record.details.get("thread"))
        if record.type == "resource_requested":
            lines.setdefault(thread[0], []).append(thread)
        elif record.type == "resource_allocated":
            assert thread == lines[thread[0]].pop(0), "of one session the oldest is served first"
            assert thread not in served, "nobody is served twice"
            holding.add(thread)
            served.add(thread)
            assert len(holding) <= CAPACITY, "never more than there is"
            assert record.details["in_use"] == len(holding)
        elif record.type == "resource_released":
            assert record.details["how"] == "released", "no lease is lost"
            holding.remove(thread)
    assert not holding
    assert not any(lines.values()), "nobody starves"
    return served
