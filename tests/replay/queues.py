"""The scenario of a session that limits what runs."""

from __future__ import annotations

from typing import Any

from tests.integration.stack import Stack, eventually

GO = {"kind": "receive", "name": "go", "next": "done"}
WAITING: dict[str, Any] = {
    "flow": "waiting",
    "version": "1",
    "start": "wait",
    "nodes": {"wait": GO, "done": {"kind": "end"}},
}
RESTING: dict[str, Any] = {
    "flow": "resting",
    "version": "1",
    "start": "rest",
    "requires": {"seat": 1},
    "nodes": {"rest": {"kind": "wait", "for": "1s", "next": "done"}, "done": {"kind": "end"}},
}


async def queues(stack: Stack) -> list[str]:
    """Threads created together, put forward, held back, cancelled and paused in the queue; resources and a pool."""
    pool = await stack.bare.start_workflow(
        "ResourcePoolWorkflow",
        {"pool": "replayed", "config": {"capacity": 1}, "actor": "op"},
        id="pool/replayed",
        task_queue=stack.settings.task_queue,
    )
    session = await stack.start_session(config={"max_running": 1, "quotas": {"seat": 1}})
    flows = {"resting": {"flow": RESTING}, "waiting": {"flow": WAITING}}
    threads = [
        {"thread_id": "a", "flow": "resting"},
        {"thread_id": "b", "flow": "resting", "priority": "low"},
        {"thread_id": "c", "flow": "resting", "requires": {"pool/replayed": 1}},
        {"thread_id": "d", "flow": "waiting"},
        {"thread_id": "e", "flow": "waiting"},
        {"thread_id": "a", "flow": "waiting"},
    ]
    await session.update("create_threads", command_id="many", flows=flows, threads=threads)
    await session.update("prioritise_thread", command_id="first", thread_id="b", priority="urgent")
    await session.update("manage_thread", command_id="hold", thread_id="e", action="pause")
    await session.handle.signal("pause", {"command_id": "p", "actor": "op"})
    await session.status("paused")
    await session.handle.signal("resume", {"command_id": "r", "actor": "op"})
    await eventually(session.describe, lambda seen: seen["threads"]["completed"] == 3)
    await session.thread_waits("d", "message")
    await session.update("allocate", command_id="take", resources={"seat": 1}, allocation_id="repair")
    await session.update("release", command_id="give", allocation_id="repair")
    await session.update("configure", command_id="more", config={"max_running": 2})
    await session.update("cancel_flow", command_id="none", flow="waiting@1")
    await session.handle.signal("close", {"command_id": "x"})
    await session.handle.result()
    await pool.signal("close", {"command_id": "close"})
    await pool.result()
    return [session.handle.id, *(session.thread(thread_id).id for thread_id in "acd")]
