"""Every kind of node whose work crosses Temporal, on a real server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.thread.functions import register
from tests.integration.engine.flows import call, calls, end, falter, flow, gated, gates, outcome, step
from tests.integration.engine.theirs import their_worker
from tests.integration.hostile.odd import unharmed
from tests.integration.stack import Handle, Session, Stack, eventually
from tests.unit.activities.web import Request, answer, running

NO_RETRY = {"maximum_attempts": 1}


@activity.defn(name="echo")
async def echo(value: Any) -> Any:
    return value


@activity.defn(name="refuse")
async def refuse(code: str) -> None:
    calls[f"refuse {code}"] += 1
    raise ApplicationError(f"it is {code}", type=code, non_retryable=True)


class Crowd:
    """How many calls are under way at once, and how many ever were; they end when the test lets them."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.order: list[Any] = []
        self.gate = asyncio.Event()

    @activity.defn(name="crowd")
    async def enter(self, item: Any) -> Any:
        self.order.append(item)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        return item


def twice(number: int) -> int:
    return number * 2


def broken(code: str) -> None:
    raise ApplicationError("it broke in here", type=code)


register("twice@1", twice)
register("broken@1", broken)


def compensated(name: str, *, next: str, **more: Any) -> dict[str, Any]:
    """A call that is undone by `step` with `undo NAME`."""
    return call(
        "echo", name, next=next, compensate={"activity": "step", "args": [f"undo {name} {{{{ thread.id }}}}"]}, **more
    )


# Another team's workflow


def theirs(queue: str, *args: Any, **more: Any) -> dict[str, Any]:
    node = {
        "kind": "workflow",
        "workflow": "Theirs",
        "args": list(args),
        "task_queue": queue,
        "save": "told",
        "next": "done",
        "on_error": "caught",
        **more,
    }
    return flow("theirs", {"call": node, "done": end(told="{{ told }}"), "caught": end(caught="{{ error }}")})


async def child_of(stack: Stack, session: Session) -> Handle:
    """The workflow that the thread `t` called at its node `call`, once it is there."""
    handle = stack.bare.get_workflow_handle(f"session/{session.session_id}/call/t/call/1")
    await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))

    async def exists() -> bool:
        found = await stack.bare.count_workflows(f"WorkflowId = '{handle.id}'")
        return found.count > 0

    await eventually(exists, bool)
    return handle


async def test_a_workflow_of_another_team_gives_its_result(stack: Stack) -> None:
    async with stack.worker(), their_worker(stack) as queue:
        session = await stack.start_session()
        told = await outcome(session, "t", theirs(queue, "say", "x" * 200_000))
        assert told["result"] == {"told": {"said": "x" * 200_000, "attempt": 1}}


@pytest.mark.parametrize(
    ("args", "more", "code"),
    [
        (["fail", "BROKEN"], {}, "BROKEN"),
        (["wait"], {"timeout": "1s"}, "NODE_TIMEOUT"),
        (["say", "x" * 2_200_000], {}, "PAYLOAD_TOO_LARGE"),
        (["say"], {"id": "session/{{ session.id }}"}, "WORKFLOW_EXISTS"),
    ],
    ids=["fails", "takes too long", "cannot be sent so much", "exists"],
)
async def test_a_workflow_of_another_team_that_gives_none_fails_its_node(
    stack: Stack, args: list[Any], more: dict[str, Any], code: str
) -> None:
    async with stack.worker(), their_worker(stack) as queue:
        session = await stack.start_session()
        document = theirs(queue, *args, **more)
        creation = {"thread_id": "t", "flow": document, "command_id": "c"}
        await stack.client.get_workflow_handle(session.handle.id).execute_update("create_thread", creation)
        told = await session.thread("t").result()
        assert told["result"]["caught"]["code"] == code
        await unharmed(session.handle, session.thread("t"))


async def test_a_workflow_of_another_team_that_is_terminated_is_told_as_that(stack: Stack) -> None:
    async with stack.worker(), their_worker(stack) as queue:
        session = await stack.start_session()
        await session.create("t", theirs(queue, "wait"))
        await (await child_of(stack, session)).terminate()
        assert (await session.thread("t").result())["result"]["caught"]["code"] == "WORKFLOW_TERMINATED"


@pytest.mark.parametrize(
    ("on_cancel", "status"),
    [
        ("cancel", WorkflowExecutionStatus.CANCELED),
        ("terminate", WorkflowExecutionStatus.TERMINATED),
        ("abandon", WorkflowExecutionStatus.RUNNING),
    ],
)
async def test_what_becomes_of_another_team_s_workflow_when_the_thread_is_cancelled(
    stack: Stack, on_cancel: str, status: WorkflowExecutionStatus
) -> None:
    async with stack.worker(), their_worker(stack) as queue:
        session = await stack.start_session()
        await session.create("t", theirs(queue, "tidy" if on_cancel == "cancel" else "wait", on_cancel=on_cancel))
        child = await child_of(stack, session)
        await session.thread("t").signal("cancel", {"actor": "op"})
        if on_cancel == "cancel":
            # It takes its time, and the thread waits for it.
            await eventually(lambda: has_heard_of_its_cancellation(child), bool)
            assert (await session.thread("t").query("describe"))["status"] == "running"
            await child.signal("go_on")
        assert (await session.thread("t").result())["status"] == "cancelled"
        assert await eventually(child.describe, lambda seen: seen.status is status)
        await unharmed(session.thread("t"))


async def has_heard_of_its_cancellation(handle: Handle) -> bool:
    """Whether the workflow has completed a task behind the request to cancel it."""
    names = [str(event.WhichOneof("attributes")) for event in (await handle.fetch_history()).events]
    asked = "workflow_execution_cancel_requested_event_attributes"
    return asked in names and "workflow_task_completed_event_attributes" in names[names.index(asked) :]


async def events_of(handle: Handle, name: str) -> int:
    """How many events of this type the workflow's run has."""
    events = (await handle.fetch_history()).events
    return sum(event.WhichOneof("attributes") == f"{name.lower()}_event_attributes" for event in events)


# Maps


def mapping(items: Any, activity_name: str, **more: Any) -> dict[str, Any]:
    node = {
        "kind": "map",
        "over": items,
        "activity": activity_name,
        "args": ["{{ item }}"],
        "effect": "none",
        "save": "found",
        "next": "done",
        **more,
    }
    return flow("mapping", {"each": node, "done": end(found="{{ found }}")})


async def test_a_map_runs_so_many_at_once_and_keeps_their_order(stack: Stack) -> None:
    crowd = Crowd()
    async with stack.worker(crowd.enter):
        session = await stack.start_session()
        await session.create("t", mapping(list(range(20)), "crowd", concurrency=4))
        await eventually(lambda: now(crowd), lambda seen: seen == 4)
        crowd.gate.set()
        assert (await session.thread("t").result())["result"] == {"found": list(range(20))}
        assert crowd.most == 4
        assert sorted(crowd.order) == list(range(20))
        await unharmed(session.thread("t"))


async def now(crowd: Crowd) -> int:
    return crowd.now


@pytest.mark.parametrize("mode", ["remote", "local", "inline"])
async def test_a_map_in_each_mode(stack: Stack, mode: str) -> None:
    async with stack.worker(echo):
        session = await stack.start_session()
        name, wanted = ("twice@1", [2, 4, 6]) if mode == "inline" else ("echo", [1, 2, 3])
        told = await outcome(session, "t", mapping([1, 2, 3], name, mode=mode))
        assert told["result"] == {"found": wanted}


async def test_a_map_fails_with_its_first_failure_or_collects_them(stack: Stack) -> None:
    async with stack.worker(refuse):
        session = await stack.start_session()
        failed = await outcome(session, "t", mapping(["A", "B"], "refuse", concurrency=1))
        assert failed["error"]["code"] == "A"
        collected = await outcome(session, "u", mapping(["A", "B"], "refuse", on_item_error="collect"))
        assert [(one["status"], one["error"]["code"]) for one in collected["result"]["found"]] == [
            ("failed", "A"),
            ("failed", "B"),
        ]


async def test_a_cancelled_map_begins_no_more_items_and_ends_when_those_in_flight_have(stack: Stack) -> None:
    crowd = Crowd()
    async with stack.worker(crowd.enter):
        session = await stack.start_session()
        await session.create("t", mapping(list(range(9)), "crowd", concurrency=3))
        await eventually(lambda: now(crowd), lambda seen: seen == 3)
        await session.thread("t").signal("cancel")
        await session.thread_shows(
            "t", lambda seen: bool(seen["operations"]) and seen["operations"][-1]["type"] == "cancel"
        )
        crowd.gate.set()
        assert (await session.thread("t").result())["status"] == "cancelled"
        assert len(crowd.order) == 3


# Other threads


PART = flow("part", {"work": call("step", "part {{ input.n }}", next="done"), "done": end(n="{{ input.n }}")})
WAITING = flow("part", {"hear": {"kind": "receive", "timeout": "1d", "next": "done"}, "done": end(n="{{ input.n }}")})
FAILING = flow(
    "part",
    {
        "which": {"kind": "decision", "next": [{"when": "input.n == 2", "to": "broken"}, {"to": "done"}]},
        "broken": {"kind": "fail", "code": "BROKEN", "message": "it broke"},
        "done": end(n="{{ input.n }}"),
    },
)


def spawning(**join: Any) -> dict[str, Any]:
    return flow(
        "spawning",
        {
            "parts": {
                "kind": "spawn",
                "flow": "part",
                "each": "{{ [1, 2, 3] }}",
                "id": "part-{{ item }}",
                "input": {"n": "{{ item }}"},
                "save": "ids",
                "next": "gather",
            },
            "gather": {"kind": "join", "of": "parts", "save": "ended", "next": "done", "on_error": "caught", **join},
            "caught": end(code="{{ error.code }}"),
            "done": end(ids="{{ ids }}", ended="{{ ended }}"),
        },
    )


async def test_threads_are_spawned_and_joined(stack: Stack) -> None:
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", spawning(), flows={"part": PART})
        assert told["result"]["ids"] == ["part-1", "part-2", "part-3"]
        assert [(one["thread_id"], one["status"], one["result"]) for one in told["result"]["ended"]] == [
            (f"part-{n}", "completed", {"n": n}) for n in (1, 2, 3)
        ]
        tree = await session.handle.query("threads")
        assert {one["thread_id"] for one in tree} == {"t", "part-1", "part-2", "part-3"}


async def test_a_join_of_any_cancels_the_rest(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", spawning(need="any", rest="cancel"), flows={"part": WAITING})
        await session.thread_waits("t", "join")
        await session.thread_waits("part-2", "message")
        await session.thread("part-2").execute_update("send", {"name": "go"})
        told = await session.thread("t").result()
        assert [one["thread_id"] for one in told["result"]["ended"]] == ["part-2"]
        for thread_id in ("part-1", "part-3"):
            assert (await session.thread(thread_id).result())["status"] == "cancelled"
        await unharmed(session.handle, session.thread("t"))


@pytest.mark.parametrize("on_failed", ["fail", "collect"])
async def test_a_join_of_threads_that_fail(stack: Stack, on_failed: str) -> None:
    async with stack.worker():
        session = await stack.start_session()
        told = await outcome(session, "t", spawning(on_failed=on_failed), flows={"part": FAILING})
        if on_failed == "fail":
            assert told["result"] == {"code": "JOIN_FAILED"}
        else:
            assert [one["status"] for one in told["result"]["ended"]] == ["completed", "failed", "completed"]
            assert told["result"]["ended"][1]["error"]["code"] == "BROKEN"


async def test_spawned_threads_end_with_their_parent_unless_they_are_left(stack: Stack) -> None:
    def spawn(leave: bool) -> dict[str, Any]:
        each = {"kind": "spawn", "flow": "part", "each": [1], "id": "of-{{ thread.id }}", "input": {"n": 1}}
        return flow(
            "short", {"parts": {**each, "on_parent_end": "leave" if leave else "cancel", "next": "done"}, "done": end()}
        )

    async with stack.worker():
        session = await stack.start_session()
        for thread_id, leave in (("leaves", True), ("takes", False)):
            await outcome(session, thread_id, spawn(leave), flows={"part": WAITING})
        assert (await session.thread("of-takes").result())["status"] == "cancelled"
        await session.thread_waits("of-leaves", "message")


async def test_branches_of_a_fork_node_start_where_it_says(stack: Stack) -> None:
    document = flow(
        "splitting",
        {
            "split": {
                "kind": "fork",
                "enter": "work",
                "each": "{{ ['x', 'y'] }}",
                "id": "{{ thread.id }}-{{ item }}",
                "set": {"way": "{{ item }}"},
                "save": "branches",
                "next": "gather",
            },
            "gather": {"kind": "join", "of": "split", "save": "ended", "next": "done"},
            "work": call("step", "{{ thread.id }} {{ way }} {{ kept }}", next="worked", save="worked"),
            "worked": end(said="{{ worked }}"),
            "done": end(said="{{ ended | map(attribute='result.said') | list }}", way="{{ way }}"),
        },
        variables={"way": "none", "kept": "k"},
    )
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", document)
        assert told["result"] == {"said": ["t-x x k", "t-y y k"], "way": "none"}
        seen = await session.thread("t-x").query("describe")
        assert seen["parent"] == "t"
        statistics = await session.handle.query("statistics")
        assert statistics["operations"]["fork"]["successful"] == 2


def inside(name: str) -> dict[str, Any]:
    return {"kind": "subflow", "flow": name, "save": "told", "next": "done"}


async def test_a_fork_node_inside_a_subflow(stack: Stack) -> None:
    inner = flow(
        "inner",
        {
            "split": {"kind": "fork", "enter": "work", "each": [1, 2], "set": {"n": "{{ item }}"}, "next": "gather"},
            "gather": {"kind": "join", "of": "split", "save": "ended", "next": "done"},
            "work": call("step", "{{ node.key }}", next="worked", save="key"),
            "worked": end(n="{{ n }}", key="{{ key }}"),
            "done": end(ended="{{ ended | map(attribute='result') | list }}"),
        },
        variables={"n": 0},
    )
    middle = flow("middle", {"deep": inside("inner"), "done": end(told="{{ told }}")}, variables={"told": None})
    outer = flow("outer", {"part": inside("middle"), "done": end(told="{{ told }}")}, variables={"told": None})
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", outer, flows={"inner": inner, "middle": middle})
        assert told["status"] == "completed"
        branches = [one["thread_id"] for one in await session.handle.query("threads") if one["thread_id"] != "t"]
        assert len(branches) == 2
        for branch in branches:
            ended = await session.thread(branch).result()
            # A branch of a subflow's node goes on behind the subflow, as its source does.
            assert ended["status"] == "completed", ended


@pytest.mark.parametrize("at", ["t", ["b", "c"], None])
async def test_messages_are_sent_to_one_to_several_and_to_all(stack: Stack, at: Any) -> None:
    where = {"broadcast": True} if at is None else {"to": at}
    tell = {"kind": "send", **where, "name": "news", "body": {"n": "{{ 1 + 1 }}"}, "save": "told", "next": "done"}
    document = flow("telling", {"tell": tell, "done": end(told="{{ told }}")})
    listening = flow(
        "listening",
        {
            "hear": {"kind": "receive", "name": "news", "save": "heard", "timeout": "1d", "next": "done"},
            "done": end(heard="{{ heard.body }}", sender="{{ heard.sender }}"),
        },
    )
    async with stack.worker():
        session = await stack.start_session()
        for thread_id in ("b", "c"):
            await session.create(thread_id, listening)
            await session.thread_waits(thread_id, "message")
        assert (await outcome(session, "t", document))["result"] == {"told": ["t"] if at == "t" else ["b", "c"]}
        if at != "t":
            for thread_id in ("b", "c"):
                ended = await session.thread(thread_id).result()
                assert ended["result"] == {"heard": {"n": 2}, "sender": "t"}


async def test_a_message_to_an_ended_thread_fails_its_node_and_one_abroad_says_from_where(stack: Stack) -> None:
    def tell(to: str, session_id: str) -> dict[str, Any]:
        node = {"kind": "send", "to": to, "session": session_id, "name": "news", "next": "done", "on_error": "caught"}
        return flow("telling", {"tell": node, "done": end(), "caught": end(code="{{ error.code }}")})

    listening = flow(
        "listening",
        {
            "hear": {"kind": "receive", "save": "heard", "timeout": "1d", "next": "done"},
            "done": end(sender="{{ heard.sender }}"),
        },
    )
    async with stack.worker():
        here, there = await stack.start_session(), await stack.start_session()
        await there.create("b", listening)
        await there.thread_waits("b", "message")
        assert (await outcome(here, "t", tell("b", there.session_id)))["status"] == "completed"
        assert (await there.thread("b").result())["result"] == {"sender": f"{here.session_id}/t"}
        again = await outcome(here, "u", tell("b", there.session_id))
        assert again["result"] == {"code": "THREAD_ENDED"}


# Subflows, compensation, hooks, policies


async def test_what_a_failed_thread_did_is_undone_in_reverse(stack: Stack) -> None:
    calls.clear()
    document = flow(
        "saga",
        {
            "book": compensated("book", next="pay"),
            "pay": compensated("pay", next="part"),
            "part": {"kind": "subflow", "flow": "inner", "next": "broken"},
            "broken": {"kind": "fail", "code": "SOLD_OUT", "message": "sold out"},
        },
    )
    inner = flow("inner", {"deep": compensated("deep", next="done"), "done": end()})
    async with stack.worker(step, echo):
        session = await stack.start_session()
        told = await outcome(session, "t", document, flows={"inner": inner})
        assert (told["status"], told["error"]["code"]) == ("failed", "SOLD_OUT")
        assert list(calls) == ["undo deep t", "undo pay t", "undo book t"]


async def test_what_a_cancelled_thread_did_is_undone_and_what_cannot_be_is_told(stack: Stack) -> None:
    calls.clear()
    undo = {"activity": "refuse", "args": ["STUCK"], "retry": NO_RETRY}
    document = flow(
        "saga",
        {
            "book": compensated("book", next="pay"),
            "pay": call("echo", 1, next="hear", compensate=undo),
            "hear": {"kind": "receive", "timeout": "1d", "next": "done"},
            "done": end(),
        },
    )
    async with stack.worker(step, echo, refuse):
        session = await stack.start_session()
        await session.create("t", document)
        await session.thread_waits("t", "message")
        await session.thread("t").signal("cancel", {"actor": "op"})
        assert (await session.thread("t").result())["status"] == "cancelled"
        assert list(calls) == ["refuse STUCK", "undo book t"]
        seen = await session.thread("t").query("describe")
        assert [(one["node"], one["error"]["code"]) for one in seen["not_undone"]] == [("pay", "STUCK")]


async def test_hooks_run_around_nodes_and_on_errors(stack: Stack) -> None:
    calls.clear()
    document = flow(
        "hooked",
        {
            "first": call("echo", 1, next="second"),
            "second": call("refuse", "NO", next="done", on_error="done"),
            "done": end(entered="{{ entered }}"),
        },
        variables={"entered": 0},
        hooks={
            "before_node": {"set": {"entered": "{{ entered + 1 }}"}},
            "after_node": {"nodes": ["first"], "call": {"activity": "step", "args": ["after {{ node.id }}"]}},
            "on_error": {"call": {"activity": "step", "args": ["error {{ error.code }}"]}},
        },
    )
    async with stack.worker(step, echo, refuse):
        session = await stack.start_session()
        told = await outcome(session, "t", document)
        assert told["result"] == {"entered": 3}
        assert calls == Counter({"after first": 1, "refuse NO": 1, "error NO": 1})


@pytest.mark.parametrize(
    ("policy", "status", "tries"),
    [
        ({"action": "stop"}, "failed", 1),
        ({"action": "continue"}, "completed", 1),
        ({"action": "skip"}, "completed", 1),
        ({"action": "retry", "maximum_attempts": 3, "interval": "10ms"}, "failed", 3),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else None,
)
async def test_the_flow_s_policy_decides_about_a_failure_that_nothing_catches(
    stack: Stack, policy: dict[str, Any], status: str, tries: int
) -> None:
    calls.clear()
    document = flow("policy", {"try": call("refuse", "NO", next="done"), "done": end()}, error_policy=policy)
    async with stack.worker(refuse):
        session = await stack.start_session()
        assert (await outcome(session, "t", document))["status"] == status
        assert calls["refuse NO"] == tries


async def test_an_approval_checks_what_it_is_told_and_reminds(stack: Stack) -> None:
    ask = {
        "kind": "approval",
        "prompt": "go on?",
        "choices": ["yes", "no"],
        "schema": {"type": "object", "required": ["why"], "properties": {"why": {"type": "string"}}},
        "remind": "200ms",
        "timeout": "1d",
        "save": "answer",
        "next": "done",
    }
    async with stack.worker():
        session = await stack.start_session()
        await session.create("t", flow("asking", {"ask": ask, "done": end(why="{{ answer.data.why }}")}))
        thread = session.thread("t")
        await session.thread_waits("t", "approval")
        await eventually(lambda: timers_fired(thread), lambda seen: seen >= 2)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await thread.execute_update("decide", {"node": "ask", "choice": "yes", "data": {"why": 1}})
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "BAD_DATA"
        await thread.execute_update("decide", {"node": "ask", "choice": "yes", "data": {"why": "because"}})
        assert (await thread.result())["result"] == {"why": "because"}
        asked = await stack.backend.records.history(session.session_id, thread_id="t", type="approval_requested")
        assert [bool(record.details.get("reminder")) for record in asked[:3]] == [False, True, True]
        await unharmed(thread)


async def timers_fired(handle: Handle) -> int:
    return await events_of(handle, "TIMER_FIRED")


# Activities, and where they run


async def test_a_request_is_sent_and_its_answer_taken(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADLOOM_SECRET_TOKEN", "correct-horse")
    async with running() as web, stack.worker():

        async def busy_at_first(request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(answer(503))
            web.says("/things", 200, b'{"n": 2}', Content_Type="application/json")

        web.answers["/things"] = busy_at_first
        session = await stack.start_session()
        ask = {
            "kind": "http",
            "url": web.url("/things"),
            "method": "POST",
            "headers": {"Authorization": {"secret": "TOKEN", "prefix": "Bearer "}},
            "json": {"of": "{{ thread.id }}"},
            "retry": {"initial_interval": "10ms"},
            "save": "told",
            "next": "done",
        }
        told = await outcome(
            session, "t", flow("asking", {"ask": ask, "done": end(n="{{ told.body.n }}", status="{{ told.status }}")})
        )
        assert told["result"] == {"n": 2, "status": 200}
        assert [request.method for request in web.seen] == ["POST", "POST"]
        history = await session.thread("t").fetch_history()
        assert "correct-horse" not in history.to_json()


@pytest.mark.parametrize("fused", [True, False])
async def test_local_and_inline_nodes_in_a_row_give_what_remote_ones_do(stack: Stack, fused: bool) -> None:
    calls.clear()

    def chain(mode: str) -> dict[str, Any]:
        names = [f"n{number}" for number in range(12)]
        nodes = {
            name: call("step", "{{ node.key }}", mode=mode, save=name, next=following)
            for name, following in zip(names, [*names[1:], "twice"], strict=True)
        }
        nodes["twice"] = call("twice@1", 21, mode="inline", save="twice", next="caught")
        nodes["caught"] = call("broken@1", "HERE", mode="inline", next="done", on_error="done")
        nodes["done"] = end(last="{{ n11 }}", twice="{{ twice }}", code="{{ error.code }}")
        return flow("chain", nodes, checkpoint={"nodes": 5 if fused else 1})

    async with stack.worker(step):
        session = await stack.start_session()
        for mode in ("local", "remote"):
            told = await outcome(session, mode, chain(mode))
            assert told["result"] == {"last": f"{mode}/n11/1", "twice": 42, "code": "HERE"}
        assert set(calls.values()) == {1}
        assert len(calls) == 24
        executed = await session.thread("local").query("executions")
        assert [one["node"] for one in executed] == [*(f"n{number}" for number in range(12)), "twice", "caught", "done"]
        assert await events_of(session.thread("local"), "MARKER_RECORDED") == (3 if fused else 12)


@pytest.mark.parametrize("nodes", [1, 50])
async def test_a_local_node_is_tried_as_often_as_it_says(stack: Stack, nodes: int) -> None:
    calls.clear()
    retry = {"maximum_attempts": 3, "initial_interval": "1ms"}
    document = flow(
        "faltering",
        {
            "twice": call("falter", "twice", 2, mode="local", retry=retry, next="often", save="first"),
            "often": call("falter", "often", 9, mode="local", retry=retry, next="done", on_error="done"),
            "done": end(first="{{ first }}", code="{{ error.code }}"),
        },
        checkpoint={"nodes": nodes},
    )
    async with stack.worker(falter):
        session = await stack.start_session()
        assert (await outcome(session, "t", document))["result"] == {"first": "twice", "code": "NOT_YET"}
        assert calls == Counter({"twice": 3, "often": 3})


@pytest.mark.parametrize("nodes", [1, 50])
async def test_a_local_node_whose_time_is_over_goes_its_way_out_once(stack: Stack, nodes: int) -> None:
    calls.clear()
    gates["slow"] = asyncio.Event()
    document = flow(
        "slow",
        {
            "slow": call(
                "gated", "slow", mode="local", timeout="200ms", retry=NO_RETRY, next="done", on_timeout="late"
            ),
            "late": end(code="{{ error.code }}"),
            "done": end(),
        },
        checkpoint={"nodes": nodes},
    )
    async with stack.worker(gated):
        session = await stack.start_session()
        assert (await outcome(session, "t", document))["result"] == {"code": "NODE_TIMEOUT"}
        assert calls == Counter({"slow": 1})


async def test_a_row_of_local_nodes_leaves_each_the_time_it_has(stack: Stack) -> None:
    """The second may take longer than the first one's time, which the row has when it begins."""
    calls.clear()
    gates["patient"] = asyncio.Event()
    document = flow(
        "patient",
        {
            "quick": call("step", "quick", mode="local", start_to_close="100ms", next="patient"),
            "patient": call("gated", "patient", mode="local", start_to_close="60s", next="done"),
            "done": end(),
        },
    )
    async with stack.worker(step, gated):
        session = await stack.start_session()
        await session.create("t", document)
        await eventually(lambda: called("patient"), bool)
        gates["patient"].set()
        assert (await session.thread("t").result())["status"] == "completed"
        assert calls == Counter({"quick": 1, "patient": 1})


async def called(key: str) -> int:
    return calls[key]


async def test_an_urgent_node_is_scheduled_with_its_priority(stack: Stack) -> None:
    document = flow("urgent", {"work": call("echo", 1, priority="urgent", next="done"), "done": end()})
    async with stack.worker(echo):
        session = await stack.start_session()
        assert (await outcome(session, "t", document))["status"] == "completed"
        events = (await session.thread("t").fetch_history()).events
        scheduled = [event.activity_task_scheduled_event_attributes for event in events]
        (work,) = [one for one in scheduled if one.activity_type.name == "echo"]
        assert work.priority.priority_key == 1


async def test_titles_and_paths_of_any_length_reach_temporal(stack: Stack) -> None:
    """Temporal refuses ids and summaries above its limits, and fails the workflow's task with them."""
    name, depth = "n" * 64, 18
    flows = {
        f"f{number}": flow(
            f"f{number}", {name: {"kind": "subflow", "flow": f"f{number + 1}", "next": "done"}, "done": end()}
        )
        for number in range(1, depth)
    }
    flows[f"f{depth}"] = flow(
        f"f{depth}",
        {
            name: call("echo", 1, title="\U0001f680" * 100, next="near"),
            "near": call("echo", 1, title="\U0001f680" * 100, mode="local", next="each"),
            "each": {
                "kind": "map",
                "over": [1],
                "activity": "echo",
                "args": [1],
                "effect": "none",
                "title": "\U0001f680" * 100,
                "next": "theirs",
            },
            "theirs": {
                "kind": "workflow",
                "workflow": "Theirs",
                "args": ["say"],
                "task_queue": "{{ 'x' }}",
                "next": "spawn",
            },
            "spawn": {"kind": "spawn", "flow": "part", "next": "split"},
            "split": {"kind": "fork", "enter": "rest", "next": "rest"},
            "rest": {"kind": "wait", "for": "10ms", "next": "done"},
            "done": end(),
        },
    )
    async with stack.worker(echo), their_worker(stack) as queue:
        flows[f"f{depth}"]["nodes"]["theirs"]["task_queue"] = queue
        flows["part"] = flow("part", {"done": end()})
        session = await stack.start_session()
        document = flow("deep", {name: {"kind": "subflow", "flow": "f1", "next": "done"}, "done": end()})
        told = await outcome(session, "t", document, flows=flows)
        assert told["status"] == "completed", told
