"""What the fields of an `activity` node mean to a real server: its times, its name, the use it tells."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.integration.engine.flows import call, calls, end, flow, outcome, step
from tests.integration.stack import Stack, eventually

NO_RETRY = {"maximum_attempts": 1}
ONE_MORE = {"maximum_attempts": 2, "initial_interval": "10ms"}


class Silent:
    """An activity whose first attempts work on and never say that they are alive."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.attempts = 0
        self.done = asyncio.Event()

    @activity.defn(name="silent")
    async def work(self) -> int:
        self.attempts += 1
        attempt = self.attempts
        if attempt <= self.times:
            await self.done.wait()
        return attempt


def catching(work: dict[str, Any]) -> dict[str, Any]:
    """Whichever way leads out of the node: the result says it."""
    told = {"code": "{{ error.code }}", "details": "{{ error.details }}"}
    late = {"late": end(way="on_timeout", **told)} if "timeout" in work else {}
    return flow(
        "catching",
        {
            "work": {
                **work,
                "save": "worked",
                "next": "done",
                "on_error": "failed",
                **({"on_timeout": "late"} if late else {}),
            },
            "done": end(worked="{{ worked }}"),
            "failed": end(way="on_error", **told),
            **late,
        },
    )


@pytest.mark.parametrize(
    ("retry", "attempts", "result"),
    [
        (NO_RETRY, 1, {"way": "on_error", "code": "NODE_TIMEOUT", "details": {"timeout": "heartbeat"}}),
        (ONE_MORE, 2, {"worked": 2}),
    ],
    ids=["for good", "tried again"],
)
async def test_an_attempt_that_falls_silent_is_taken_for_dead(
    stack: Stack, retry: dict[str, Any], attempts: int, result: dict[str, Any]
) -> None:
    silent = Silent(times=1)
    work = call("silent", start_to_close="10m", heartbeat="200ms", retry=retry, next="done")
    async with stack.worker(silent.work):
        session = await stack.start_session()
        told = await outcome(session, "t", catching(work))
        silent.done.set()
    assert told["result"] == result
    assert silent.attempts == attempts


async def test_an_activity_that_shows_it_is_alive_is_asked_to_stop_when_its_thread_is_cancelled(stack: Stack) -> None:
    asked = asyncio.Event()

    @activity.defn(name="beating")
    async def beating() -> None:
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            asked.set()
            raise

    # The SDK sends a heartbeat on when four fifths of the time are over: with it comes the wish to cancel.
    work = call("beating", start_to_close="10m", heartbeat="2s", retry=NO_RETRY, next="done")
    async with stack.worker(beating):
        session = await stack.start_session()
        await session.create("t", flow("beating", {"work": work, "done": end()}))
        await session.thread_shows("t", lambda seen: bool(seen["in_flight"]))
        await session.thread("t").signal("cancel")
        assert (await session.thread("t").result())["status"] == "cancelled"
        assert asked.is_set()


@pytest.mark.parametrize(
    ("times", "way", "details"),
    [
        ({"schedule_to_start": "200ms"}, "on_error", {"timeout": "schedule_to_start"}),
        ({"schedule_to_start": "200ms", "timeout": "1d"}, "on_error", {"timeout": "schedule_to_start"}),
        ({"timeout": "200ms"}, "on_timeout", {}),
        ({"timeout": "200ms", "schedule_to_start": "1d"}, "on_timeout", {}),
    ],
    ids=["for want of a worker", "for want of a worker, in time", "out of time", "out of time, still hoping"],
)
async def test_a_call_that_no_worker_takes_is_given_up(
    stack: Stack, times: dict[str, str], way: str, details: dict[str, str]
) -> None:
    work = call("step", "x", task_queue=f"nobody-{uuid.uuid4().hex[:12]}", next="done", **times)
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", catching(work))
    assert told["result"] == {"way": way, "code": "NODE_TIMEOUT", "details": details}


async def test_a_call_that_no_worker_takes_is_not_told_as_the_end_of_the_thread_s_time(stack: Stack) -> None:
    work = call("step", "x", task_queue=f"nobody-{uuid.uuid4().hex[:12]}", schedule_to_start="200ms", next="done")
    async with stack.worker(step):
        session = await stack.start_session()
        told = await outcome(session, "t", catching(work) | {"limits": {"max_duration": "7d"}})
    assert (told["status"], told["error"]) == ("completed", None)
    assert told["result"]["way"] == "on_error"


async def test_a_node_whose_attempt_outlasts_its_whole_time_takes_the_way_of_a_timeout(stack: Stack) -> None:
    silent = Silent(times=1)
    work = call("silent", start_to_close="10m", timeout="200ms", next="done")
    async with stack.worker(silent.work):
        session = await stack.start_session()
        told = await outcome(session, "t", catching(work))
        silent.done.set()
    assert told["result"] == {"way": "on_timeout", "code": "NODE_TIMEOUT", "details": {}}
    assert silent.attempts == 1


async def test_a_node_that_could_not_be_tried_again_in_its_time_says_why_it_failed_last(stack: Stack) -> None:
    @activity.defn(name="stumble")
    async def stumble() -> None:
        calls["stumble"] += 1
        raise ApplicationError("not now", type="NOT_NOW")

    calls.clear()
    work = call("stumble", timeout="1m", retry={"initial_interval": "2m"}, next="done")
    async with stack.worker(stumble):
        session = await stack.start_session()
        told = (await outcome(session, "t", catching(work)))["result"]
    assert (told["way"], told["code"]) == ("on_timeout", "NODE_TIMEOUT")
    assert (told["details"]["last"]["code"], calls["stumble"]) == ("NOT_NOW", 1)


# Which activity


@pytest.mark.parametrize("kind", ["activity", "map"])
async def test_a_name_that_data_choose_is_called_if_it_is_among_those_allowed(stack: Stack, kind: str) -> None:
    calls.clear()
    work = call("{{ input.name }}", "{{ node.key }}", allowed=["step", "other"], next="done")
    if kind == "map":
        work = {**work, "kind": "map", "over": [1]}
    document = catching(work)
    async with stack.worker(step):
        session = await stack.start_session()
        inside = await outcome(session, "inside", document, input={"name": "step"})
        outside = await outcome(session, "outside", document, input={"name": "gated"})
    key = "inside/work/1"
    assert inside["result"] == {"worked": [key] if kind == "map" else key}
    assert (outside["result"]["way"], outside["result"]["code"]) == ("on_error", "ACTIVITY_NOT_ALLOWED")
    assert dict(calls) == {key: 1}


async def test_a_name_that_data_choose_needs_a_list_of_those_allowed(stack: Stack) -> None:
    async with stack.worker():
        session = await stack.start_session()
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await session.create("t", catching(call("{{ input.name }}", next="done")))
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == "FLOW_INVALID"


# What it used


@activity.defn(name="ask_model")
async def ask_model(model: str, tokens: int) -> dict[str, Any]:
    return {"model": model, "tokens": tokens, "cost": tokens / 1000}


USAGE = {"model": "{{ result.model }}", "tokens": "{{ result.tokens }}", "cost": "{{ result.cost }}"}


async def test_what_activities_used_is_told_by_the_thread_and_added_up_by_its_session(stack: Stack) -> None:
    document = flow(
        "asking",
        {
            "small": call("ask_model", "small", 500, usage=USAGE, next="near"),
            "near": call("ask_model", "small", 1500, mode="local", usage=USAGE, next="large"),
            "large": call("ask_model", "large", 4000, usage=USAGE, next="free"),
            "free": call("ask_model", "small", 9, usage="{{ none }}", next="done"),
            "done": end(usage="{{ thread.usage }}"),
        },
    )
    used = {
        "small": {"calls": 2, "tokens": 2000, "cost": 2.0},
        "large": {"calls": 1, "tokens": 4000, "cost": 4.0},
    }
    async with stack.worker(ask_model):
        session = await stack.start_session()
        for thread_id in ("t", "u"):
            told = await outcome(session, thread_id, document)
            assert told["result"] == {"usage": used}
            executed = await session.thread(thread_id).query("executions")
            assert [one["usage"]["tokens"] for one in executed if one["usage"]] == [500, 1500, 4000]

        async def usage() -> dict[str, Any]:
            statistics: dict[str, Any] = await session.handle.query("statistics")
            told: dict[str, Any] = statistics["usage"]
            return told

        total = await eventually(usage, lambda seen: seen["calls"] == 6)
    assert (total["tokens"], total["cost"], total["average_cost_per_call"]) == (12_000, 12.0, 2.0)
    assert total["by_model"]["large"] == {"calls": 2, "tokens": 8000, "cost": 8.0, "average_tokens_per_call": 4000}


async def test_usage_that_is_none_fails_its_node(stack: Stack) -> None:
    work = call("ask_model", "small", 1, usage={"model": "small", "tokens": "many"}, next="done")
    async with stack.worker(ask_model):
        session = await stack.start_session()
        told = (await outcome(session, "t", catching(work)))["result"]
    assert (told["way"], told["code"]) == ("on_error", "EXPRESSION_ERROR")
