"""The flow with every kind and nearly every field runs on a real server, to both of its ends."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.worker import Worker

from domain.flow.loader import load_flow
from domain.thread.functions import register
from tests.integration.hostile.odd import ended, unharmed
from tests.integration.stack import Stack
from tests.unit.activities.web import running

DATA = Path(__file__).parents[2] / "data"

LOOPS = ["loop 1", "loop 2", "loop 3"]
WAY = [
    *("loop", "loop", "loop", "choose", "remote", "near", "within", "each_number", "theirs", "request", "asked"),
    *("pause", "until", "part/double", "part/done", "part", "siblings", "gather", "all_of_them", "tell", "hear"),
    *("announce", "split", "branches_end", "ask"),
]
VARIABLES = {
    "steps": 24,  # those of the subflow are counted by nobody
    "total": 12,
    "numbers": [1, 2, 3],
    "echoed": [{"status": "completed", "result": number, "error": None} for number in (1, 3, 5)],
    "theirs": 6,
    "status": 201,
    "siblings": ["t-part-0", "t-part-1", "t-part-2"],
    "told": ["t"],
    "heard": 12,
    "same": True,
    "branch": None,
    "branches": ["t-way-1", "t-way-2"],
}

register("double@1", lambda number: number * 2)


@activity.defn(name="echo")
async def echo(value: Any, *more: Any) -> Any:
    return value


@workflow.defn(name="Echo", sandboxed=False)
class Echo:
    @workflow.run
    async def run(self, value: Any) -> Any:
        return value


class Noted:
    """What was noted and released, in order."""

    def __init__(self) -> None:
        self.notes: list[Any] = []
        self.released: list[list[Any]] = []

    @activity.defn(name="note")
    async def note(self, value: Any) -> None:
        self.notes.append(value)

    @activity.defn(name="release")
    async def release(self, *args: Any) -> None:
        self.released.append(list(args))


def document(name: str) -> dict[str, Any]:
    """A flow file of the tests' data, as it would be sent."""
    path = DATA / f"{name}.yaml"
    found = load_flow(path.read_text(encoding="utf-8"), path.name).document
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("choice", ["publish", "drop"])
async def test_a_flow_of_every_kind_ends_as_it_says(stack: Stack, monkeypatch: pytest.MonkeyPatch, choice: str) -> None:
    monkeypatch.setenv("THREADLOOM_SECRET_TOKEN", "correct-horse")
    noted = Noted()
    part = document("every_kind_part")
    async with AsyncExitStack() as open_workers:
        web = await open_workers.enter_async_context(running())
        web.says("/numbers", 201, b"{}", Content_Type="application/json")
        web.says("/6", 404)
        await open_workers.enter_async_context(stack.worker(echo, noted.release, noted.note))
        for worker in (
            Worker(stack.bare, task_queue="analytics", activities=[echo]),
            Worker(stack.bare, task_queue="notes", activities=[noted.note]),
            Worker(stack.bare, task_queue="releases", activities=[noted.release]),
            Worker(stack.bare, task_queue="theirs", workflows=[Echo]),
        ):
            await open_workers.enter_async_context(worker)
        session = await stack.start_session()
        given = {"url": web.url(""), "numbers": [1, 2, 3]}
        flows = {"every-kind-part": part, "every-kind-part@1": part}
        await session.create("t", document("every_kind"), input=given, flows=flows)
        await session.thread_waits("t", "approval")
        await session.thread("t").execute_update("decide", {"node": "ask", "choice": choice, "data": {"why": "so"}})
        told = await ended(session.thread("t"))
        seen = await session.thread("t").query("describe")
        executed = await session.thread("t").query("executions")
        await unharmed(session.handle, session.thread("t"))
    assert told["status"] == "completed", told
    assert told["result"] == ({"total": 12, "verdict": "publish"} if choice == "publish" else {"total": 0})
    assert [(one["node"], one["status"]) for one in executed] == [
        *((node, "failed" if node == "asked" else "completed") for node in WAY),
        ("done" if choice == "publish" else "undone", "completed"),
    ]
    assert {name: seen["variables"][name] for name in VARIABLES} == VARIABLES
    assert [entry for entry in seen["variables"]["log"] if isinstance(entry, str)] == [*LOOPS, "remote"]
    assert seen["usage"] == {"echo": {"calls": 2, "tokens": 6, "cost": 0.5}}
    assert noted.notes == ["remote has ended", "each_number has ended", {"node": "asked", "code": "HTTP_404"}]
    # In reverse: what `request`, `theirs`, `within` and `remote` did.
    assert noted.released == ([] if choice == "publish" else [[201], [6], [], [[1, 2, 3], [1, 2, 3]]])
    assert [request.target for request in web.seen] == ["/numbers?total=6&token=correct-horse", "/6"]
