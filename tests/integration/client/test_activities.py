"""What a thread's activities are up to, as only Temporal knows."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.client.flows import call, end, flow, gates
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, ThreadHandle, Threadloom


async def calling(session: SessionHandle, name: str, *args: Any, **more: Any) -> ThreadHandle:
    """A thread that calls one activity."""
    created = await session.create_thread(flow({"act": call(name, *args, **more), "done": end()}))
    return session.thread(created.thread_id)


async def test_an_activity_that_simply_runs_is_waited_for_by_nobody(session: SessionHandle, new_id: str) -> None:
    gates[new_id] = asyncio.Event()
    thread = await calling(session, "gated", new_id, retry={"maximum_attempts": 4})
    view = await thread.wait_until(lambda seen: [act.state for act in seen.in_flight] == ["running"], timeout=30)
    assert (view.waiting, view.waiting_for) == (None, None)
    running = view.in_flight[0]
    assert (running.node, running.visit, running.activity, running.attempt, running.maximum_attempts) == (
        "act",
        1,
        "gated",
        1,
        4,
    )
    assert running.worker
    assert (running.last_failure, running.next_attempt_at) == (None, None)
    assert (await thread.executions()).executions[0].attempts == 1
    gates[new_id].set()
    assert (await thread.result(wait=True, timeout=30)).status == "completed"


async def test_an_activity_that_fails_again_and_again(session: SessionHandle) -> None:
    thread = await calling(session, "never", retry={"initial_interval": "5m", "maximum_attempts": 7})
    view = await thread.wait_until(lambda seen: seen.waiting is not None, timeout=30)
    activity = view.in_flight[0]
    assert (activity.state, activity.attempt, activity.maximum_attempts) == ("backing_off", 2, 7)
    assert activity.last_failure == {"code": "LOCKED", "message": "the door is locked"}
    assert activity.next_attempt_at is not None
    assert activity.since is not None
    assert activity.next_attempt_at > activity.since
    assert view.waiting is not None
    assert (view.waiting.kind, view.waiting.node) == ("activity", "act")
    assert "attempt 2 of 7 of never" in (view.waiting_for or "")
    assert "the door is locked" in (view.waiting_for or "")
    listed = (await session.threads()).threads[0]
    assert (listed.waiting, listed.waiting_for) == (view.waiting, view.waiting_for)
    await thread.pause()
    pausing = await thread.wait_until("pausing", timeout=30)
    assert [call.state for call in pausing.in_flight] == ["backing_off"]


async def test_an_activity_that_no_worker_knows(session: SessionHandle, loom: Threadloom) -> None:
    thread = await calling(session, "nobody_has_this")
    view = await thread.wait_until(lambda seen: seen.waiting is not None, timeout=30)
    assert view.waiting is not None
    assert (view.waiting.kind, view.waiting.node) == ("activity", "act")
    queue = loom.settings.task_queue
    assert view.in_flight[0].task_queue == queue
    assert view.waiting_for == f"a worker that has activity nobody_has_this at act: none on {queue} has"


async def test_an_activity_on_a_queue_that_nobody_polls(session: SessionHandle, new_id: str) -> None:
    thread = await calling(session, "echo", 1, task_queue=f"lonely-{new_id}")
    view = await thread.wait_until(lambda seen: seen.waiting is not None, timeout=30)
    assert view.waiting is not None
    assert (view.waiting.kind, view.waiting.node) == ("activity", "act")
    assert f"none polls task queue lonely-{new_id}" in (view.waiting_for or "")
    assert (view.in_flight[0].state, view.in_flight[0].attempt) == ("scheduled", 1)


async def test_attempts_are_known_after_the_end(session: SessionHandle) -> None:
    quickly = {"initial_interval": "10ms", "backoff_coefficient": 1}
    nodes = {
        "count": call("third_time", retry=quickly, save="attempt", next="act"),
        "act": call("echo", "{{ attempt }}", save="said"),
        "done": end("{{ said }}"),
    }
    await session.create_thread(flow(nodes), thread_id="t")
    assert (await session.thread("t").result(wait=True, timeout=30)).result == 3
    listed = (await session.thread("t").executions()).executions
    assert [(entry.node, entry.attempts) for entry in listed] == [("count", 3), ("act", 1), ("done", 1)]


async def test_attempts_of_ancestors_are_known(session: SessionHandle) -> None:
    """One execution comes from the thread's parent, the other from the parent's own parent."""
    nodes = {
        "count": call("third_time", retry={"initial_interval": "10ms", "backoff_coefficient": 1}, next="act"),
        "act": call("echo", 1),
        "done": end(),
    }
    await session.create_thread(flow(nodes), thread_id="t")
    await session.thread("t").result(wait=True, timeout=30)
    for source, fork in (("t", "child"), ("child", "grandchild")):
        await session.fork_thread(source, "done" if source == "child" else "act", thread_id=fork)
        await session.thread(fork).result(wait=True, timeout=30)

    async def told() -> list[tuple[str, bool, int | None]]:
        listed = (await session.thread("grandchild").executions()).executions
        return [(entry.node, entry.inherited, entry.attempts) for entry in listed]

    await eventually(told, lambda seen: seen == [("count", True, 3), ("act", True, 1), ("done", False, 1)])


async def test_attempts_of_earlier_runs_are_known(session: SessionHandle, loom: Threadloom) -> None:
    await session.configure({"continue_as_new_after": 50})
    nodes = {
        "count": call("third_time", retry={"initial_interval": "10ms"}, next="act"),
        "act": call("echo", "{{ n }}", next="turn"),
        "turn": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "again"},
        "again": {"kind": "decision", "next": [{"when": "n < 20", "to": "act"}, {"to": "done"}]},
        "done": end(),
    }
    await session.create_thread(flow(nodes, variables={"n": 0}), thread_id="t")
    handle = loom.client.get_workflow_handle(f"session/{session.session_id}/thread/t")
    first_run = (await handle.describe()).run_id
    await session.thread("t").result(wait=True, timeout=60)
    assert (await handle.describe()).run_id != first_run
    listed = [entry for entry in (await session.thread("t").executions()).executions if entry.kind == "activity"]
    assert [(entry.node, entry.visit) for entry in listed] == [("count", 1), *(("act", n) for n in range(1, 21))]
    assert [entry.attempts for entry in listed] == [3] + [1] * 20


async def test_an_activity_in_flight_is_seen_although_its_thread_cannot_be_asked(
    stack: Stack, loom: Threadloom
) -> None:
    async with stack.worker():
        session = loom.session((await loom.start_session()).session_id)
        thread = await calling(session, "echo", 1, task_queue=f"lonely-{session.session_id}")
        await thread.wait_until(lambda seen: seen.waiting is not None, timeout=30)
        rows = await eventually(loom.threads, lambda seen: [row.status for row in seen.threads] == ["running"])
    view = await thread.describe()
    assert view.as_of == rows.threads[0].as_of
    assert [(act.node, act.activity, act.state) for act in view.in_flight] == [("act", "echo", "scheduled")]
    assert "none polls task queue" in (view.waiting_for or "")
