"""A flow with all kinds of nodes, paused and resumed at any moments, ends as it does when nobody disturbs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.thread.functions import register
from tests.integration.engine.flows import call, calls, end, flow, step
from tests.integration.engine.theirs import their_worker
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Session, Stack, eventually, running_stack
from tests.replay.test_replay import replayer
from tests.servers import TemporalServer
from tests.unit.activities.web import running
from workflows.session.workflow import SessionWorkflow
from workflows.thread.workflow import ThreadWorkflow

T = TypeVar("T")


def thrice(number: int) -> int:
    return number * 3


register("disturbed.thrice@1", thrice)

KEY = "{{ node.key }}"
PART = flow(
    "part", {"work": call("step", "part {{ input.n }}", next="done", save="said"), "done": end(said="{{ said }}")}
)
WITHIN = flow(
    "within",
    {
        "far": call("step", KEY, next="near", save="far"),
        "near": call("step", KEY, mode="local", next="each", save="near"),
        "each": {
            "kind": "map",
            "over": [1, 2],
            "activity": "step",
            "args": ["in {{ item }}"],
            "effect": "none",
            "mode": "local",
            "save": "each",
            "next": "done",
        },
        "done": end(all="{{ [far, near, each] }}"),
    },
)


def everything(queue: str, url: str) -> dict[str, Any]:
    undo = {"activity": "step", "args": ["undo {{ node.id }} {{ node.visit }}"]}
    return flow(
        "everything",
        {
            "far": call("step", KEY, next="near", save="a", compensate=undo),
            "near": call("step", KEY, mode="local", next="nearer", save="b"),
            "nearer": call("step", KEY, mode="local", next="inline", save="c"),
            "inline": call("disturbed.thrice@1", "{{ n }}", mode="inline", next="count", save="d"),
            "count": {
                "kind": "set",
                "set": {"n": "{{ n + 1 }}"},
                "append": {"log": ["{{ [a, b, c, d] }}"]},
                "next": "more",
            },
            "more": {"kind": "decision", "next": [{"when": "n < 3", "to": "far"}, {"to": "each"}]},
            "each": {
                "kind": "map",
                "over": "{{ range(8) | list }}",
                "activity": "step",
                "args": ["item {{ item }}"],
                "effect": "none",
                "concurrency": 3,
                "save": "each",
                "next": "theirs",
            },
            "theirs": {
                "kind": "workflow",
                "workflow": "Theirs",
                "args": ["say", "{{ n }}"],
                "task_queue": queue,
                "save": "theirs",
                "next": "ask_web",
            },
            "ask_web": {"kind": "http", "url": url, "save": {"web": "{{ result.body }}"}, "next": "rest"},
            "rest": {"kind": "wait", "for": "50ms", "next": "within"},
            "within": {"kind": "subflow", "flow": "within", "save": "within", "next": "parts"},
            "parts": {
                "kind": "spawn",
                "flow": "part",
                "each": [1, 2],
                "id": "p{{ item }}",
                "input": {"n": "{{ item }}"},
                "next": "gather",
            },
            "gather": {
                "kind": "join",
                "of": "parts",
                "save": {"parts": "{{ result | map(attribute='result') | list }}"},
                "next": "split",
            },
            "split": {"kind": "fork", "enter": "branch", "id": "b", "next": "branches"},
            "branch": call("step", "branch {{ n }}", next="branched", save="said"),
            "branched": end(said="{{ said }}"),
            "branches": {"kind": "join", "of": "split", "save": {"branch": "{{ result[0].result }}"}, "next": "tell"},
            "tell": {"kind": "send", "to": "{{ thread.id }}", "name": "note", "body": 7, "next": "hear"},
            "hear": {
                "kind": "receive",
                "name": "note",
                "timeout": "1d",
                "save": {"heard": "{{ message.body }}"},
                "next": "ask",
            },
            "ask": {
                "kind": "approval",
                "prompt": "?",
                "choices": ["yes"],
                "timeout": "1d",
                "save": {"said": "{{ result.choice }}"},
                "next": "trouble",
            },
            "trouble": call(
                "nobody@1", mode="inline", next="broken", on_error=[{"codes": ["FUNCTION_NOT_FOUND"], "to": "done"}]
            ),
            "broken": {"kind": "fail", "code": "BROKEN"},
            "done": {
                "kind": "end",
                "compensate": True,
                "result": {
                    name: f"{{{{ {name} }}}}"
                    for name in ("log", "each", "theirs", "web", "within", "parts", "branch", "heard", "said", "seen")
                },
            },
        },
        variables={"n": 0, "log": [], "seen": 0, "said": None},
        hooks={"before_node": {"set": {"seen": "{{ seen + 1 }}"}}},
        checkpoint={"nodes": 3},
    )


def local(key: str) -> bool:
    """Whether this was executed in the workflow task, which runs again when the task is not stored."""
    return "near" in key or key.startswith("in ")


def executed() -> dict[str, int]:
    """What was executed, and how often where that is certain."""
    return {key: 0 if local(key) else times for key, times in calls.items()}


class Disturbed:
    """One run of the flow in a session of its own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.thread = session.thread("t")

    async def answer(self) -> None:
        """Choose, if the thread waits for that."""
        try:
            await self.thread.execute_update("decide", {"node": "ask", "choice": "yes"})
        except (WorkflowUpdateFailedError, RPCError):
            return  # it does not wait for it, or no longer

    async def ask(self) -> None:
        """Look at the thread, as somebody who watches it does."""
        try:
            await self.thread.query("describe")
        except RPCError:
            return  # it is not there yet

    async def undisturbed(self) -> Any:
        """The result, once nothing holds anything any more."""
        await self.session.handle.signal("resume")

        async def look() -> str:
            # What the session told its threads before may reach them only now.
            threads = {seen["thread_id"]: seen["status"] for seen in await self.session.handle.query("threads")}
            for thread_id, status in threads.items():
                if status == "paused":
                    await self.tell(thread_id, "resume")
            await self.answer()
            await self.ask()
            return str(threads["t"])

        await eventually(look, lambda seen: seen in ("completed", "failed"))
        result = await ended(self.thread)
        for handle in (self.session.handle, self.thread):
            await unharmed(handle)
            await self.replays(handle.id)
        return result

    async def replays(self, workflow_id: str) -> None:
        """Each run of the workflow: what a worker that takes over would do is what was done."""
        client = self.session.stack.client
        taking_over = replayer(SessionWorkflow, ThreadWorkflow, data_converter=client.data_converter)
        run_id: str | None = None
        while run_id != "":
            history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
            await taking_over.replay_workflow(history)
            run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id

    async def tell(self, thread_id: str, what: str) -> None:
        try:
            await self.session.thread(thread_id).signal(what, {"actor": "op"})
        except RPCError:
            return  # it is not there yet, or no longer


@asynccontextmanager
async def product(server: TemporalServer, folder: Path) -> AsyncIterator[tuple[Stack, dict[str, Any]]]:
    async with (
        running_stack(server.address, folder) as stack,
        stack.worker(step),
        their_worker(stack) as queue,
        running() as web,
    ):
        web.says("/", 200, b'{"n": 1}', Content_Type="application/json")
        yield stack, everything(queue, web.url("/"))


async def begin(stack: Stack, document: dict[str, Any], events: int) -> Disturbed:
    calls.clear()
    session = await stack.start_session(config={"continue_as_new_after": events})
    await session.create("t", document, flows={"part": PART, "within": WITHIN})
    return Disturbed(session)


class Disturbances(RuleBasedStateMachine):
    """What operators may do to a thread and its session while it runs."""

    server: TemporalServer
    folder: Path
    wanted: tuple[Any, Any]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.product = product(self.server, self.folder)
        self.stack, self.document = self.run(self.product.__aenter__())
        self.disturbed: Disturbed | None = None

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    @initialize(events=st.sampled_from([60, 2_000]))
    def start(self, events: int) -> None:
        self.disturbed = self.run(begin(self.stack, self.document, events))

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.1, 0.3]))
    def let_it_work(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))  # how far it comes is what differs from run to run

    @rule()
    def pause_the_thread(self) -> None:
        assert self.disturbed
        self.run(self.disturbed.tell("t", "pause"))

    @rule()
    def resume_the_thread(self) -> None:
        assert self.disturbed
        self.run(self.disturbed.tell("t", "resume"))

    @rule()
    def pause_the_session(self) -> None:
        assert self.disturbed
        self.run(self.disturbed.session.handle.signal("pause", {"actor": "op"}))

    @rule(hold=st.booleans())
    def resume_the_session(self, hold: bool) -> None:
        assert self.disturbed
        self.run(self.disturbed.session.handle.signal("resume", {"actor": "op", "hold_threads": hold}))

    @rule()
    def answer(self) -> None:
        assert self.disturbed
        self.run(self.disturbed.answer())

    @rule(times=st.sampled_from([1, 20]))
    def ask(self, times: int) -> None:
        assert self.disturbed
        for _ in range(times):
            self.run(self.disturbed.ask())

    def teardown(self) -> None:
        try:
            if self.disturbed is not None:
                assert (self.run(self.disturbed.undisturbed()), executed()) == self.wanted
        finally:
            self.run(self.product.__aexit__(None, None, None))
            self.runner.close()


def test_a_flow_of_all_kinds_ends_the_same_however_it_is_paused(
    temporal_server: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def once() -> tuple[Any, Any]:
        async with product(temporal_server, tmp_path_factory.mktemp("once")) as (stack, document):
            return await (await begin(stack, document, 2_000)).undisturbed(), executed()

    wanted = asyncio.run(once())
    assert wanted[0]["status"] == "completed", wanted
    assert {times for key, times in wanted[1].items() if not local(key)} == {1}

    class OnThisServer(Disturbances):
        server = temporal_server

        def __init__(self) -> None:
            self.folder = tmp_path_factory.mktemp("disturbed")
            self.wanted = wanted
            super().__init__()

    # Each example is a thread of some seconds; the property over the pure core tries thousands.
    unhurried = settings(max_examples=4, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(OnThisServer, settings=unhurried)
