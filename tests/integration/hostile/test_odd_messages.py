"""Whatever is sent to a workflow: it refuses with a code, changes nothing, and goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.engine.flows import asking, end, flow
from tests.integration.hostile.odd import NEARLY, ODD, Args, unharmed
from tests.integration.stack import Handle, Session, Stack, eventually

SOON = timedelta(seconds=20)
"""A workflow whose task fails answers nobody; without this a test would wait for its own time limit."""

SESSION_UPDATES = (
    *("create_thread", "fork_thread", "copy_thread", "manage_thread", "execute_thread", "destroy_thread"),
    "configure",
)
SESSION_SIGNALS = ("pause", "resume", "close", "terminate", "cancel", "sync", "thread_report")
SESSION_QUERIES = ("describe", "threads", "tree", "statistics", "history", "answer", "outbox")
THREAD_UPDATES = ("decide", "send")
THREAD_SIGNALS = ("pause", "resume", "cancel", "execute", "close", "session_hold")
THREAD_QUERIES = ("describe", "executions", "execution", "variables", "snapshot", "answer", "outbox")


async def waiting_thread(stack: Stack) -> tuple[Session, Handle, Handle]:
    """A session, and one thread of it that waits for an approval."""
    session = await stack.start_session()
    await session.create("t", asking())
    await session.thread_waits("t", "approval")
    # What the thread reports of itself would change the session while a test looks.
    await eventually(session.describe, lambda seen: seen["threads"]["running"] == 1)
    return session, session.handle, session.thread("t")


async def refusal(handle: Handle, update: str, args: Args) -> str | None:
    """The code that an update is refused with; None when it is carried out."""
    try:
        await handle.execute_update(update, args=args, rpc_timeout=SOON)
    except WorkflowUpdateFailedError as error:
        assert isinstance(error.cause, ApplicationError)
        return error.cause.type
    return None


async def standing(*handles: Handle) -> list[Any]:
    """What the workflows say of themselves."""
    return [await handle.query("describe", rpc_timeout=SOON) for handle in handles]


@pytest.mark.parametrize(
    ("of_thread", "update"),
    [*((False, name) for name in SESSION_UPDATES), *((True, name) for name in THREAD_UPDATES)],
)
async def test_an_odd_update_is_refused_with_a_code(stack: Stack, of_thread: bool, update: str) -> None:
    async with stack.worker():
        _, *handles = await waiting_thread(stack)
        before = await standing(*handles)
        odd = ODD if update == "send" else {**ODD, **NEARLY}
        refusals = {name: await refusal(handles[of_thread], update, args) for name, args in odd.items()}
        assert refusals == dict.fromkeys(odd, "INVALID_ARGUMENT")
        assert await standing(*handles) == before
        await unharmed(*handles)


@pytest.mark.parametrize(
    ("of_thread", "signal"),
    [*((False, name) for name in SESSION_SIGNALS), *((True, name) for name in THREAD_SIGNALS)],
)
async def test_an_odd_signal_changes_nothing(stack: Stack, of_thread: bool, signal: str) -> None:
    async with stack.worker():
        _, *handles = await waiting_thread(stack)
        before = await standing(*handles)
        internal = signal in ("thread_report", "session_hold")
        for args in ({**ODD, **NEARLY} if internal else ODD).values():
            await handles[of_thread].signal(signal, args=args)
        assert await standing(*handles) == before
        await unharmed(*handles)


async def test_an_odd_flow_does_not_wedge_a_thread_that_takes_flows(stack: Stack) -> None:
    """What comes past the session is looked at as closely as what comes through it."""
    good = flow("good", {"note": {"kind": "set", "set": {"n": 1}, "next": "done"}, "done": end(n="{{ n }}")})
    recursive = flow("r", {"sub": {"kind": "subflow", "flow": "absent", "next": "done"}, "done": end()})
    odd: list[dict[str, Any]] = [
        {"flow": {}},
        {"flow": []},
        {"flow": None},
        {"flow": {**good, "start": "absent"}},
        {"flow": {**good, "nodes": {"note": {"kind": "no such kind"}}}},
        {"flow": {**good, "variables": {"n": "{{ input.absent.at_all }}"}}},
        {"flow": {**good, "inputs": {"type": "object"}}, "input": "text"},
        {"flow": {**good, "inputs": {"type": "no such type"}}},
        {"flow": recursive},
        {"flow": recursive, "flows": {"absent": {"flow": "absent"}}},
        {"flow": recursive, "flows": []},
        {"flow": good, "surplus": 1},
        {"flow": good, "thread_id": None},
        {"flow": good, "input": "x" * 100_000, "reason": "y" * 5_000},
    ]
    async with stack.worker():
        session = await stack.start_session()
        await session.update("create_thread", thread_id="t")
        await session.thread_waits("t", "flow")
        thread = session.thread("t")
        for args in ODD.values():
            await thread.signal("execute", args=args)
        for number, message in enumerate(odd):
            await thread.signal("execute", {"command_id": f"odd {number}", "thread_id": "t", **message})
        await session.update("execute_thread", thread_id="t", flow=good)
        seen = await session.thread_shows("t", lambda seen: seen["last_execution"] is not None)
        assert (seen["last_execution"]["number"], seen["last_execution"]["result"]) == (1, {"n": 1})
        assert (seen["waiting"]["kind"], seen["in_line"]) == ("flow", 0)
        await unharmed(session.handle, thread)


@pytest.mark.parametrize("of_thread", [False, True])
async def test_an_odd_query_is_answered_all_the_same(stack: Stack, of_thread: bool) -> None:
    async with stack.worker():
        _, *handles = await waiting_thread(stack)
        handle = handles[of_thread]
        for query in THREAD_QUERIES if of_thread else SESSION_QUERIES:
            for name, args in {**ODD, **NEARLY}.items():
                answer = await handle.query(query, args=args, rpc_timeout=SOON)
                assert (answer is None) == (query in ("answer", "execution")), (query, name)
        await unharmed(*handles)


@pytest.mark.parametrize("of_thread", [False, True])
async def test_names_that_nobody_knows(stack: Stack, of_thread: bool) -> None:
    async with stack.worker():
        _, *handles = await waiting_thread(stack)
        handle = handles[of_thread]
        for name in ("nosuch", "", "__init__", "run", "x" * 500):
            await handle.signal(name or " ", {"command_id": "x"})
            with pytest.raises(WorkflowUpdateFailedError):
                await handle.execute_update(name or " ", {"command_id": "x"}, rpc_timeout=SOON)
            with pytest.raises(WorkflowQueryFailedError):
                await handle.query(name or " ", rpc_timeout=SOON)
        await unharmed(*handles)


@pytest.mark.parametrize("thread_id", ["", "a b", "../t", "x" * 65, "t\n", "ä", "-t"])
async def test_an_id_that_is_none_is_refused_as_that(stack: Stack, thread_id: str) -> None:
    async with stack.worker():
        session = await stack.start_session()
        creation = {"thread_id": thread_id, "flow": asking()}
        assert await refusal(session.handle, "create_thread", [creation]) == "INVALID_ID"
        await unharmed(session.handle)
