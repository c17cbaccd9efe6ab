"""Threads without a flow of their own, on the real server: they idle, and execute what they are given."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.engine.flows import call, calls, end, flow, gated, gates, step
from tests.integration.hostile.odd import ended
from tests.integration.stack import Session, Stack, eventually

ADD = flow(
    "add",
    {"add": {"kind": "set", "set": {"total": "{{ total + input }}"}, "next": "done"}, "done": end(total="{{ total }}")},
    variables={"total": 0},
)
WORK = flow("work", {"work": call("step", "{{ node.key }}", next="done", save="key"), "done": end(key="{{ key }}")})
FAIL = flow("fail", {"no": {"kind": "fail", "code": "NO", "message": "not today"}})
HEAR = flow(
    "hear", {"hear": {"kind": "receive", "save": "heard", "next": "done"}, "done": end(said="{{ heard.body }}")}
)


def behind(gate: str) -> dict[str, Any]:
    """A flow whose activity ends when the test opens the gate."""
    gates[gate] = asyncio.Event()
    wait = call("gated", gate, next="add", compensate={"activity": "step", "args": ["undo {{ node.key }}"]})
    nodes = {"wait": wait, "add": {"kind": "set", "set": {"passed": True}, "next": "done"}, "done": end()}
    return flow("behind", nodes)


async def start(stack: Stack, thread_id: str = "t", **config: Any) -> Session:
    """A session with a thread that waits for a flow."""
    calls.clear()
    session = await stack.start_session(config=config)
    await session.update("create_thread", thread_id=thread_id, context=["hello"], actor="tester")
    await session.thread_waits(thread_id, "flow")
    return session


async def execute(session: Session, document: dict[str, Any], thread_id: str = "t", **more: Any) -> str:
    """Give the thread a flow; the command's id."""
    command_id = uuid.uuid4().hex
    answer = await session.update("execute_thread", thread_id=thread_id, flow=document, command_id=command_id, **more)
    assert answer == {"thread_id": thread_id, "status": "requested"}
    return command_id


async def executed(session: Session, number: int, thread_id: str = "t") -> dict[str, Any]:
    """Wait until the thread has executed so many flows, and idles."""

    def done(seen: dict[str, Any]) -> bool:
        last = seen["last_execution"]
        return last is not None and last["number"] >= number and seen["execution"] is None

    return await session.thread_shows(thread_id, done)


async def test_flows_are_executed_one_after_the_other_in_one_context(stack: Stack) -> None:
    async with stack.worker(step):
        session = await start(stack)
        idle = await session.thread("t").query("describe")
        assert (idle["status"], idle["flow"], idle["waiting_for"]) == ("running", None, "a flow to execute")
        await execute(session, ADD, input=2)
        await executed(session, 1)
        await execute(session, WORK)
        await execute(session, ADD, input=3)
        seen = await executed(session, 3)
        assert (seen["status"], seen["variables"]) == ("running", {"total": 5, "key": "t/2/work/1"})
        assert seen["last_execution"]["result"] == {"total": 5}
        nodes = [each["node"] for each in await session.thread("t").query("executions")]
        assert nodes == ["1/add", "1/done", "1", "2/work", "2/done", "2", "3/add", "3/done", "3"]


async def test_a_thread_costs_nothing_while_it_idles(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        thread = session.thread("t")

        async def outbox() -> Any:
            return await thread.query("outbox")

        await eventually(outbox, lambda seen: seen["pending"] == 0)
        types = Counter(event.event_type for event in (await thread.fetch_history()).events)
        timers = types[EventType.EVENT_TYPE_TIMER_FIRED] + types[EventType.EVENT_TYPE_TIMER_CANCELED]
        assert types[EventType.EVENT_TYPE_TIMER_STARTED] == timers, "nothing is to wake it"
        done = types[EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]
        assert types[EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED] == done, "nothing is in flight"


async def test_a_failed_flow_leaves_the_thread_usable(stack: Stack) -> None:
    async with stack.worker(step):
        session = await start(stack)
        await execute(session, ADD, input=1)
        await execute(session, FAIL)
        seen = await executed(session, 2)
        assert (seen["status"], seen["last_execution"]["status"]) == ("running", "failed")
        assert seen["last_execution"]["error"]["code"] == "NO"
        await execute(session, ADD, input=1)
        assert (await executed(session, 3))["variables"] == {"total": 2}


async def test_flows_wait_in_line_while_one_is_executed(stack: Stack) -> None:
    async with stack.worker(gated):
        session = await start(stack)
        await execute(session, behind("line"))
        second = await execute(session, ADD, input=1)
        await session.thread_shows("t", lambda seen: seen["in_line"] == 1)
        told = await session.thread("t").query("execution", second)
        assert (told["number"], told["status"]) == (2, "pending")
        gates["line"].set()
        await executed(session, 2)
        told = await session.thread("t").query("execution", second)
        assert (told["status"], told["result"]) == ("completed", {"total": 1})


async def test_messages_that_came_while_it_idled_are_there_for_the_next_flow(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        await session.thread("t").execute_update("send", {"command_id": "m", "body": "early"})
        await execute(session, HEAR)
        seen = await executed(session, 1)
        assert (seen["last_execution"]["result"], seen["mailbox"]["unread"]) == ({"said": "early"}, 0)


async def test_it_is_paused_while_it_idles_and_while_it_executes(stack: Stack) -> None:
    async with stack.worker(gated):
        session = await start(stack)
        thread = session.thread("t")
        await thread.signal("pause", {"command_id": "p1"})
        await session.thread_status("t", "paused")
        await execute(session, behind("pausing"))
        assert (await session.thread_shows("t", lambda seen: seen["in_line"] == 1))["status"] == "paused"
        await thread.signal("resume", {"command_id": "r1"})
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await thread.signal("pause", {"command_id": "p2"})
        await session.thread_status("t", "pausing")
        gates["pausing"].set()
        assert (await session.thread_status("t", "paused"))["current_node"] == "1/add"
        await thread.signal("resume", {"command_id": "r2"})
        assert (await executed(session, 1))["variables"] == {"passed": True}


async def test_a_paused_session_holds_it_and_takes_no_flows(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        await session.handle.signal("pause", {"command_id": "p"})
        await session.status("paused")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await execute(session, ADD, input=1)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "SESSION_NOT_ACTIVE"


async def test_forks_and_copies_from_inside_an_execution(stack: Stack) -> None:
    async with stack.worker(step, gated):
        session = await start(stack)
        await execute(session, ADD, input=1)
        await execute(session, WORK)
        await executed(session, 2)
        await execute(session, behind("copied"))
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await session.update("fork_thread", thread_id="inside", source="t", at="2/work")
        await session.update("fork_thread", thread_id="between", source="t", at="1", resume="after")
        copied = await session.update("copy_thread", thread_id="copied", source="t")
        assert copied["relationship_mapping"]["t/2/work/1"] == "copied/2/work/1"
        inside = await executed(session, 2, "inside")
        assert (inside["variables"], inside["flow"]) == ({"total": 1, "key": "inside/2/work/1"}, None)
        await session.thread_waits("between", "flow")
        await execute(session, ADD, "between", input=4)
        assert (await executed(session, 2, "between"))["variables"] == {"total": 5}
        gates["copied"].set()
        assert (await executed(session, 3, "copied"))["variables"]["passed"] is True
        assert (await executed(session, 3))["variables"]["passed"] is True


async def test_cancelling_undoes_the_flow_under_way_and_ends_the_thread(stack: Stack) -> None:
    async with stack.worker(step, gated):
        session = await start(stack)
        gates["on"] = asyncio.Event()
        undo = {"activity": "step", "args": ["undo {{ node.key }}"]}
        nodes = {
            "book": call("step", "{{ node.key }}", next="wait", compensate=undo),
            "wait": call("gated", "on", next="done"),
        }
        document = flow("booking", {**nodes, "done": end()})
        gates["on"].set()
        await execute(session, document)
        await executed(session, 1)
        gates["on"].clear()
        await execute(session, document)
        await execute(session, ADD, input=1)
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]) and seen["current_node"] == "2/wait")
        await session.thread("t").signal("cancel", {"command_id": "c", "reason": "enough"})
        gates["on"].set()
        assert (await ended(session.thread("t")))["status"] == "cancelled"
        assert [key for key in calls if key.startswith("undo")] == ["undo t/2/book/1"]
        assert (await session.thread("t").query("execution", 3)) is None


@pytest.mark.parametrize("rest", [True, False])
async def test_it_continues_as_new_while_it_idles_and_while_it_executes(stack: Stack, rest: bool) -> None:
    async with stack.worker(step):
        session = await start(stack, continue_as_new_after=50)
        thread, total = session.thread("t"), 0
        first = (await thread.describe()).run_id
        loops = {"work": call("step", "{{ node.key }}", next="more"), "done": end()}
        more = {"kind": "decision", "next": [{"when": "nodes.work.visits < 12", "to": "work"}, {"to": "done"}]}
        await execute(session, ADD, input=1)
        while (await thread.describe()).run_id == first:
            total += 1
            document = ADD if rest else flow("loops", {**loops, "more": more})
            await execute(session, document, input=1)
            await executed(session, total + 1)
            assert total < 50, "no new run began"
        await execute(session, ADD, input=1)
        seen = await executed(session, total + 2)
        assert seen["variables"] == {"total": total + 2 if rest else 2}
        assert seen["last_execution"]["number"] == total + 2
        snapshot = await thread.query("snapshot")
        assert len(snapshot["library"]) == (1 if rest else 2)
        if not rest:
            assert set(calls.values()) == {1}


async def test_a_closed_thread_completes_when_it_has_executed_all_it_was_given(stack: Stack) -> None:
    async with stack.worker(gated):
        session = await start(stack)
        await execute(session, behind("closing"))
        await execute(session, ADD, input=1)
        await session.update("manage_thread", thread_id="t", action="close", reason="that is all")
        await session.thread_shows("t", lambda seen: any(each["type"] == "close" for each in seen["operations"]))
        refused = await execute(session, ADD, input=1)

        async def answer() -> Any:
            return await session.thread("t").query("answer", refused)

        assert (await eventually(answer, bool))["error"]["code"] == "ILLEGAL_TRANSITION"
        gates["closing"].set()
        assert await ended(session.thread("t")) == {"status": "completed", "result": None, "error": None}
        assert (await executed(session, 2))["last_execution"]["number"] == 2


async def test_a_session_that_closes_lets_them_complete(stack: Stack) -> None:
    async with stack.worker(gated):
        session = await start(stack)
        await session.update("create_thread", thread_id="idle")
        await execute(session, behind("last"))
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await session.handle.signal("close", {"command_id": "x"})
        await session.thread_status("idle", "completed")
        gates["last"].set()
        assert (await ended(session.handle))["status"] == "closed"
        assert (await session.thread("t").query("describe"))["variables"] == {"passed": True}


async def test_a_session_that_is_terminated_cancels_them(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        await session.handle.signal("terminate", {"command_id": "x", "grace": "20s"})
        assert (await ended(session.handle))["status"] == "terminated"
        assert (await ended(session.thread("t")))["status"] == "cancelled"


async def test_what_a_thread_cannot_execute_is_refused_and_the_history_tells(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        await session.create("own", HEAR)
        for thread_id, document, code in (
            ("own", ADD, "ILLEGAL_TRANSITION"),
            ("nobody", ADD, "THREAD_NOT_FOUND"),
            ("t", {"flow": "x"}, "FLOW_INVALID"),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await execute(session, document, thread_id)
            assert isinstance(refused.value.cause, ApplicationError)
            assert refused.value.cause.type == code
        # Past the session, as anybody may who has a Temporal client.
        message = {"thread_id": "t", "flow": {"flow": "x"}, "command_id": "bare", "actor": "eve"}
        await session.thread("t").signal("execute", message)
        await execute(session, ADD, input=1)
        await executed(session, 1)
        assert (await session.thread("t").query("answer", "bare"))["error"]["code"] == "FLOW_INVALID"

        async def refusals() -> list[Any]:
            told = await stack.backend.records.history(session.session_id, type="error")
            return [(each.actor, each.title, each.details["error"]["code"]) for each in told]

        await eventually(refusals, lambda seen: seen == [("eve", "execute refused", "FLOW_INVALID")])


async def test_the_history_tells_of_each_flow_with_its_name(stack: Stack) -> None:
    async with stack.worker():
        session = await start(stack)
        await execute(session, ADD, input=1, actor="ada")
        await execute(session, FAIL)

        async def told() -> list[Any]:
            found = await stack.backend.records.history(session.session_id, thread_id="t")
            return [(each.type, each.flow, each.actor) for each in found if each.type.startswith("flow_")]

        assert await eventually(told, lambda seen: len(seen) == 4) == [
            ("flow_started", "add@1", "ada"),
            ("flow_executed", "add@1", None),
            ("flow_started", "fail@1", "unknown"),
            ("flow_failed", "fail@1", None),
        ]


async def test_branches_of_a_fork_node_end_with_the_flow_and_are_joined(stack: Stack) -> None:
    part = flow("part", {"done": end(part="{{ thread.id }}")})
    document = flow(
        "splitting",
        {
            "split": {"kind": "fork", "enter": "side", "each": [1, 2], "set": {"k": "{{ item }}"}, "next": "gather"},
            "side": {"kind": "end", "result": {"k": "{{ k }}"}},
            "gather": {"kind": "join", "of": "split", "save": "sides", "next": "spawned"},
            "spawned": {"kind": "spawn", "flow": "part", "id": "p", "next": "parts"},
            "parts": {"kind": "join", "of": "spawned", "save": "parts", "next": "done"},
            "done": {"kind": "end"},
        },
        variables={"k": 0},
    )
    async with stack.worker():
        session = await start(stack)
        await execute(session, ADD, input=1)
        await execute(session, document, flows={"part": part})
        seen = await executed(session, 2)
        assert [each["result"] for each in seen["variables"]["sides"]] == [{"k": 1}, {"k": 2}]
        assert [each["result"] for each in seen["variables"]["parts"]] == [{"part": "p"}]
        listed = {each["thread_id"]: each["flow"] for each in await session.handle.query("threads")}
        assert listed == {"t": None, "t.2.split.1.0": "splitting", "t.2.split.1.1": "splitting", "p": "part"}
        await execute(session, ADD, input=1)
        assert (await executed(session, 3))["variables"]["total"] == 2
