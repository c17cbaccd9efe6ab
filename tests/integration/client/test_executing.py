"""Threads without a flow of their own, as a program drives them through the client."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import behind_gate, call, end, flow, gates
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, ThreadHandle, Threadloom

ADD = flow(
    {"add": {"kind": "set", "set": {"total": "{{ total + input.n }}"}, "next": "done"}, "done": end("{{ total }}")},
    name="add",
    variables={"total": 0},
    inputs={"type": "object", "required": ["n"]},
)
FAIL = flow({"no": {"kind": "fail", "code": "NO", "message": "not today"}}, name="fail")


async def idle(session: SessionHandle) -> ThreadHandle:
    """A thread that waits for a flow."""
    await session.create_thread(thread_id="t", context={"who": "ann"})
    return session.thread("t")


async def test_a_thread_is_given_one_flow_after_the_other(session: SessionHandle, loom: Threadloom) -> None:
    thread = await idle(session)
    await loom.flows.register(ADD)
    accepted = await thread.execute("add", input={"n": 2}, command_id="first")
    assert accepted.model_dump(mode="json") == {
        "session_id": session.session_id,
        "thread_id": "t",
        "execution": 1,
        "command_id": "first",
        "status": "accepted",
    }
    assert (await thread.execute("add", input={"n": 2}, command_id="first")).execution == 1
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await thread.execute("add", input={"n": 3}, command_id="first")
    ended = await thread.execution("first", wait=True, timeout=30)
    assert (ended.number, ended.flow, ended.version, ended.status, ended.result) == (1, "add", "1", "completed", 2)
    failed = await thread.execution((await thread.execute(FAIL)).command_id, wait=True, timeout=30)
    assert (failed.number, failed.status, failed.error and failed.error.code) == (2, "failed", "NO")
    assert (await thread.execution(1)).result == 2
    shown = await thread.describe()
    assert (shown.flow, shown.status, shown.waiting_for) == (None, "running", "a flow to execute")
    assert shown.last_execution is not None
    assert shown.last_execution["number"] == 2
    assert [each.node for each in (await thread.executions()).executions] == ["1/add", "1/done", "1", "2/no", "2"]
    assert (await thread.result()).model_dump(mode="json") == {"status": "running", "result": None, "error": None}
    assert (await thread.snapshot("1/done")).variables == {"total": 2}


async def test_what_it_is_refused_with(session: SessionHandle) -> None:
    thread = await idle(session)
    with pytest.raises(ThreadloomError, match="INPUT_INVALID"):
        await thread.execute(ADD, input={})
    with pytest.raises(ThreadloomError, match="FLOW_INVALID"):
        await thread.execute({"flow": "x"})
    with pytest.raises(ThreadloomError, match="EXECUTION_NOT_FOUND"):
        await thread.execution(1)
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT"):
        await session.create_thread(thread_id="u", input=1)
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await session.thread("nobody").execute(ADD, input={"n": 1})
    with pytest.raises(ThreadloomError, match="THREAD_NOT_FOUND"):
        await session.thread("nobody").execution(1)
    gates["own"] = asyncio.Event()
    await session.create_thread(behind_gate("own"), thread_id="own")
    for refused in (session.thread("own").execute(ADD, input={"n": 1}), session.thread("own").close()):
        with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
            await refused
    gates["own"].set()
    await session.thread("own").result(wait=True, timeout=30)


async def test_closing_comes_behind_what_was_given_before(session: SessionHandle) -> None:
    thread = await idle(session)
    gates["closing"] = asyncio.Event()
    await thread.execute(behind_gate("closing"))
    waiting = await thread.execute(ADD, input={"n": 5})
    assert (await thread.execution(waiting.command_id)).status == "pending"
    assert (await thread.close(reason="that is all")).status == "running"
    with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
        await thread.execute(ADD, input={"n": 5})
    with pytest.raises(ThreadloomError, match="TIMED_OUT"):
        await thread.execution(2, wait=True, timeout=0.2)
    gates["closing"].set()
    assert (await thread.result(wait=True, timeout=30)).status == "completed"
    assert (await thread.execution(2)).result == 5
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.execute(ADD, input={"n": 5})


async def test_what_has_left_the_threads_memory_is_told_by_the_records(
    session: SessionHandle, loom: Threadloom, stack: Stack
) -> None:
    """Also which flow a fork goes on in: its document is read from the records."""
    thread = await idle(session)
    rounds = flow(
        {
            "work": {"kind": "set", "set": {"n": "{{ n + 1 }}"}, "next": "more"},
            "more": {"kind": "decision", "next": [{"when": "n < 300", "to": "work"}, {"to": "done"}]},
            "done": end("{{ n }}"),
        },
        name="rounds",
        variables={"n": 0},
    )
    first = await thread.execute(ADD, input={"n": 7}, command_id="early")
    await thread.execution((await thread.execute(rounds)).command_id, wait=True, timeout=60)

    async def remembered() -> int:
        snapshot = await stack.client.get_workflow_handle(f"session/{session.session_id}/thread/t").query("snapshot")
        return int(snapshot["base"]["seq"])

    await eventually(remembered, lambda seen: seen > 4)
    assert first.execution == 1
    for wanted in (1, "early"):
        assert (await thread.execution(wanted)).result == 7
    branch = await session.fork_thread("t", "1/add", thread_id="again")
    assert branch.fork_point == "1/add#1"
    again = session.thread("again")
    assert (await again.execution(1, wait=True, timeout=30)).result == 7
    assert (await again.variables()).variables == {"total": 7}


async def test_a_caller_that_gave_up_waiting_finds_the_outcome_later(session: SessionHandle) -> None:
    thread = await idle(session)
    await thread.execute(flow({"say": call("echo", 1), "done": end("{{ nodes.say.result }}")}), command_id="a")
    task = asyncio.ensure_future(thread.execution("b", wait=True, timeout=30))
    await thread.execute(ADD, input={"n": 1}, command_id="b")
    assert (await task).number == 2
    assert (await thread.execution("a")).result == 1
