"""Threads, as a program drives them through the client."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking, behind_gate, call, end, flow, gates, receiving
from tests.integration.stack import eventually
from threadloom import SessionHandle, ThreadHandle, Threadloom


async def asked(session: SessionHandle, thread_id: str = "t") -> ThreadHandle:
    """A thread that waits for its approval."""
    await session.create_thread(asking(), thread_id=thread_id, input={"word": "hello"})
    thread = session.thread(thread_id)
    await thread.wait_until(lambda view: view.waiting is not None, timeout=30)
    return thread


async def test_a_thread_from_its_creation_to_its_result(session: SessionHandle) -> None:
    created = await session.create_thread(
        asking(), thread_id="t", input={"word": "hello"}, title="First", priority="high", metadata={"team": "blue"}
    )
    assert created.model_dump(mode="json") == {"thread_id": "t", "status": "pending"}
    thread = session.thread("t")
    shown = await thread.wait_until(lambda view: view.waiting is not None, timeout=30)
    assert (shown.status, shown.flow, shown.version, shown.priority, shown.title, shown.origin) == (
        "running",
        "asking",
        "1",
        "high",
        "First",
        "created",
    )
    assert (shown.variables, shown.metadata, shown.current_node) == ({"said": "hello"}, {"team": "blue"}, "ask")
    waiting = shown.model_dump(mode="json")["waiting"]
    assert waiting | {"since": None} == {
        "kind": "approval",
        "node": "ask",
        "since": None,
        "choices": ["yes", "no"],
        "assignees": ["ann"],
    }
    assert (await thread.result()).model_dump(mode="json") == {"status": "running", "result": None, "error": None}
    assert (await thread.decide("ask", "yes", reason="fine")).thread_id == "t"
    result = await thread.result(wait=True, timeout=30)
    assert result.model_dump(mode="json") == {"status": "completed", "result": "hello yes", "error": None}
    assert await thread.result() == result
    ended = await thread.describe()
    assert (ended.status, ended.progress, ended.waiting, ended.result) == ("completed", 100, None, "hello yes")
    assert (await session.threads()).threads[0].progress == 100


async def test_a_flow_by_name_or_file(session: SessionHandle, loom: Threadloom, tmp_path: Path) -> None:
    await loom.flows.register(asking())
    file = tmp_path / "receiving.json"
    file.write_text(json.dumps(receiving()))
    by_name = await session.create_thread("asking", input={"word": "hello"})
    by_version = await session.create_thread("asking@1", input={"word": "hello"})
    from_file = await session.create_thread(str(file))
    flows = {entry.thread_id: f"{entry.flow}@{entry.version}" for entry in (await session.threads()).threads}
    assert flows == {
        by_name.thread_id: "asking@1",
        by_version.thread_id: "asking@1",
        from_file.thread_id: "test@1",
    }
    await loom.flows.set_status("asking@1", "inactive")
    with pytest.raises(ThreadloomError, match="FLOW_NOT_ACTIVE"):
        await session.create_thread("asking@1", input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="FLOW_NOT_FOUND"):
        await session.create_thread("nothing")


@pytest.mark.parametrize(
    ("thread", "code"),
    [
        ({"flow": {"flow": "x", "version": "1"}}, "FLOW_INVALID"),
        ({"flow": asking(), "input": {}}, "INPUT_INVALID"),
        ({"flow": asking(), "input": {"word": float("inf")}}, r"INVALID_ARGUMENT.*input"),
        ({"flow": asking(), "input": {"word": "x"}, "thread_id": "a b"}, "INVALID_ID"),
        ({"flow": asking(), "input": {"word": "x"}, "priority": "soon"}, r"INVALID_ARGUMENT.*priority"),
    ],
)
async def test_a_malformed_thread_is_refused(session: SessionHandle, thread: dict[str, object], code: str) -> None:
    with pytest.raises(ThreadloomError, match=code):
        await session.create_thread(**thread)  # type: ignore[arg-type]
    assert (await session.threads()).threads == []


async def test_the_same_thread_id_twice(session: SessionHandle) -> None:
    await asked(session)
    with pytest.raises(ThreadloomError, match="THREAD_EXISTS"):
        await session.create_thread(asking(), thread_id="t", input={"word": "hello"})


async def test_a_thread_that_never_was(session: SessionHandle) -> None:
    missing = session.thread("nobody")
    questions = (missing.describe, missing.executions, missing.variables, missing.snapshot, missing.result)
    for ask in (*questions, missing.pause, missing.resume, missing.cancel):
        with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
            await ask()
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await missing.decide("ask", "yes")
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await missing.send(1)
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await session.fork_thread("nobody", "ask")
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await session.manage_thread("nobody", "pause")


async def test_a_held_start(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="t", input={"word": "hello"}, hold=True)
    thread = session.thread("t")
    shown = await thread.wait_until("paused", timeout=30)
    assert [hold.kind for hold in shown.holds] == ["start"]
    assert (await thread.resume(wait=True, timeout=30)).status == "running"


async def test_pausing_a_thread_waits_for_its_activity(session: SessionHandle, new_id: str) -> None:
    gates[new_id] = asyncio.Event()
    await session.create_thread(behind_gate(new_id), thread_id="t")
    thread = session.thread("t")
    await thread.wait_until(lambda view: [call.state for call in view.in_flight] == ["running"], timeout=30)
    assert (await thread.pause(reason="look")).status == "pausing"
    gates[new_id].set()
    assert (await thread.pause(wait=True, timeout=30)).status == "paused"
    assert (await session.describe()).status == "active"
    assert (await thread.resume(wait=True, timeout=30)).status in ("running", "completed")
    assert (await thread.result(wait=True, timeout=30)).status == "completed"


async def test_a_thread_resumed_in_a_paused_session_stays_paused(session: SessionHandle) -> None:
    thread = await asked(session)
    await thread.pause(wait=True, timeout=30)
    await session.pause(wait=True, timeout=30)
    assert (await thread.resume(wait=True, timeout=30)).status == "paused"
    assert [hold.kind for hold in (await thread.describe()).holds] == ["session"]


async def test_a_cancelled_thread(session: SessionHandle) -> None:
    thread = await asked(session)
    assert (await thread.cancel(reason="no need", wait=True, timeout=30)).status == "cancelled"
    result = await thread.result(wait=True, timeout=30)
    assert (result.status, result.result, result.error.code if result.error else None) == (
        "cancelled",
        None,
        "CANCELLED",
    )
    for command in (thread.pause, thread.resume, thread.cancel):
        with pytest.raises(ThreadloomError, match=r"THREAD_ENDED"):
            await command()
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.decide("ask", "yes")
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.send({"late": True})
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.wait_until("completed", timeout=30)


async def test_decisions_that_do_not_fit(session: SessionHandle) -> None:
    thread = await asked(session)
    with pytest.raises(ThreadloomError, match="BAD_CHOICE"):
        await thread.decide("ask", "perhaps")
    with pytest.raises(ThreadloomError, match="NOT_WAITING"):
        await thread.decide("say", "yes")
    with pytest.raises(ThreadloomError, match="NOT_WAITING"):
        await thread.decide("ask", "yes", visit=2)
    await thread.pause(wait=True, timeout=30)
    await thread.decide("ask", "yes", visit=1)
    with pytest.raises(ThreadloomError, match="ALREADY_DECIDED"):
        await thread.decide("ask", "no")


async def test_a_message_reaches_the_node_that_waits_for_it(session: SessionHandle) -> None:
    await session.create_thread(receiving(), thread_id="t")
    thread = session.thread("t")
    await thread.wait_until(lambda view: view.waiting is not None and view.waiting.kind == "message", timeout=30)
    await thread.send("not you", name="other")
    assert (await thread.describe()).status == "running"
    await thread.send({"greeting": "hello"}, name="word")
    assert (await thread.result(wait=True, timeout=30)).result == {"greeting": "hello"}


async def test_a_wait_that_is_over_before_its_end(session: SessionHandle) -> None:
    thread = await asked(session)
    with pytest.raises(ThreadloomError, match="TIMED_OUT"):
        await thread.result(wait=True, timeout=0.3)
    with pytest.raises(ThreadloomError, match="TIMED_OUT"):
        await thread.wait_until({"completed", "failed"}, timeout=0.3)


async def test_a_failed_thread_tells_its_error(session: SessionHandle) -> None:
    failing = flow({"try": call("never", retry={"maximum_attempts": 1}), "done": end()})
    await session.create_thread(failing, thread_id="t")
    result = await session.thread("t").result(wait=True, timeout=30)
    assert (result.status, result.error.code if result.error else None) == ("failed", "LOCKED")
    listed = (await session.threads()).threads[0]
    assert (listed.status, listed.error.code if listed.error else None) == ("failed", "LOCKED")


async def test_executions_variables_and_snapshots(session: SessionHandle) -> None:
    thread = await asked(session)
    listed = await thread.executions()
    assert [(entry.seq, entry.node, entry.status, entry.attempts) for entry in listed.executions] == [
        (1, "say", "completed", 1),
        (2, "ask", "running", None),
    ]
    assert listed.complete
    assert (await thread.variables()).variables == {"said": "hello"}
    now, before = await thread.snapshot(), await thread.snapshot("say")
    assert (now.point, now.seq, now.next, now.variables) == (None, 1, "ask", {"said": "hello"})
    assert (before.point, before.seq, before.next, before.variables) == ("say#1", 0, "say", {})
    assert (await thread.snapshot("@1")).point == "say#1"
    with pytest.raises(ThreadloomError, match="FORK_POINT_NOT_EXECUTED"):
        await thread.snapshot("done")
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT"):
        await thread.snapshot("say#")


async def test_a_large_value_is_whole_as_a_variable_and_named_by_its_size_elsewhere(session: SessionHandle) -> None:
    word = "long " * 20_000
    await session.create_thread(asking(), thread_id="t", input={"word": word})
    thread = session.thread("t")
    shown = await thread.wait_until(lambda view: view.waiting is not None, timeout=30)
    assert shown.variables["said"] == {"elided": True, "bytes": len(word) + 2}
    assert (await thread.variables()).variables["said"] == word
    await thread.decide("ask", "yes")
    assert (await thread.result(wait=True, timeout=30)).result == f"{word} yes"


async def test_a_fork_with_another_value(session: SessionHandle) -> None:
    await asked(session)
    forked = await session.fork_thread("t", "ask", thread_id="f", set={"said": "bye"}, reason="try")
    assert (forked.thread_id, forked.source, forked.fork_point, forked.strategy) == ("f", "t", "ask#1", "partial")
    assert forked.plan is None
    fork = session.thread("f")
    shown = await fork.wait_until(lambda view: view.waiting is not None, timeout=30)
    assert (shown.parent, shown.origin, shown.variables) == ("t", "forked", {"said": "bye"})
    await fork.decide("ask", "yes")
    assert (await fork.result(wait=True, timeout=30)).result == "bye yes"
    assert (await session.thread("t").describe()).variables == {"said": "hello"}
    root = (await session.tree()).roots[0]
    assert (root["thread_id"], root["children"][0]["thread_id"]) == ("t", "f")
    told = await eventually(fork.executions, lambda seen: seen.executions[0].attempts is not None)
    first = told.executions[0]
    assert (first.node, first.inherited, first.attempts) == ("say", True, 1)


async def test_a_fork_onto_another_version_of_the_flow(session: SessionHandle) -> None:
    await asked(session)
    corrected = asking() | {"version": "2"}
    await session.fork_thread("t", "ask", thread_id="f", flow=corrected)
    assert (await session.thread("f").describe()).version == "2"
    with pytest.raises(ThreadloomError, match="FLOW_INVALID"):
        await session.fork_thread("t", "ask", flow={"flow": "broken", "version": "1"})


@pytest.mark.parametrize(
    ("fork", "code"),
    [
        ({"at": ""}, "FORK_POINT_MISSING"),
        ({"at": "done"}, "FORK_POINT_NOT_EXECUTED"),
        ({"at": "say#9"}, "FORK_POINT_NOT_EXECUTED"),
        ({"at": "ask", "strategy": "half"}, "INVALID_ARGUMENT"),
        ({"at": "ask", "set": {"not a name": 1}}, "INVALID_ARGUMENT"),
        ({"at": "ask", "thread_id": "t"}, "THREAD_EXISTS"),
    ],
)
async def test_forks_that_are_refused(session: SessionHandle, fork: dict[str, str], code: str) -> None:
    await asked(session)
    with pytest.raises(ThreadloomError, match=code):
        await session.fork_thread("t", **fork)  # type: ignore[arg-type]
    assert len((await session.threads()).threads) == 1


async def test_a_plan_starts_nothing(session: SessionHandle) -> None:
    await asked(session)
    planned = await session.fork_thread("t", "ask", thread_id="f", plan=True)
    assert list(planned.model_dump(mode="json")) == ["plan"]
    assert planned.plan is not None
    assert planned.plan["fork_point"] == "ask#1"
    assert (await session.copy_thread("t", plan=True)).plan is not None
    assert [entry.thread_id for entry in (await session.threads()).threads] == ["t"]


async def test_copies_whole_and_in_part(session: SessionHandle) -> None:
    await asked(session)
    whole = await session.copy_thread("t", thread_id="whole")
    part = await session.copy_thread("t", thread_id="part", strategy="selective", nodes=["say"])
    assert (whole.strategy, part.strategy) == ("full", "selective")
    assert part.scope is not None
    assert part.scope["nodes"] == ["say"]
    assert part.relationship_mapping is not None
    assert part.relationship_mapping["t"] == "part"
    await session.thread("whole").wait_until(lambda view: view.waiting is not None, timeout=30)
    with pytest.raises(ThreadloomError, match="COPY_WITHOUT_NODES"):
        await session.copy_thread("t", strategy="selective")
    with pytest.raises(ThreadloomError, match="NODE_NOT_FOUND"):
        await session.copy_thread("t", strategy="selective", nodes=["done"])


async def test_threads_are_managed_and_destroyed_through_their_session(session: SessionHandle) -> None:
    thread = await asked(session)
    with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
        await session.destroy_thread("t")
    assert (await session.manage_thread("t", "pause")).status == "requested"
    await thread.wait_until("paused", timeout=30)
    await session.manage_thread("t", "cancel")
    await thread.wait_until("cancelled", timeout=30)

    await eventually(session.describe, lambda seen: seen.threads.cancelled == 1)
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await session.manage_thread("t", "resume")
    destroyed = await session.destroy_thread("t", reason="tidy up")
    assert destroyed.model_dump(mode="json") == {"thread_id": "t", "destroyed": True}
    assert (await session.threads()).threads == []
    with pytest.raises(ThreadloomError, match="THREAD_DESTROYED"):
        await session.fork_thread("t", "ask")
    records = (await session.history(thread="t", type="thread_destroyed")).records
    assert [record.reason for record in records] == ["tidy up"]


async def test_a_burst_of_commands_is_carried_out_whole(session: SessionHandle) -> None:
    """Temporal takes ten updates of a workflow at once, and lets the others wait without a word."""
    thread = await asked(session)
    await asyncio.gather(*(thread.send(number) for number in range(120)))
    assert (await thread.describe()).model_dump()["mailbox"]["unread"] == 120
