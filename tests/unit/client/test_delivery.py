"""How commands are brought to a workflow when many come at once, and when answers are slow."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from domain.errors import ThreadloomError
from domain.messages import Send
from domain.ports import RecordStore
from domain.values import JsonObject
from threadloom.delivery import IN_FLIGHT, Delivery, command
from threadloom.gateway import Gateway, Sighting, UnansweredError
from threadloom.targets import Target

TARGET = Target("s", "t")


class Workflow:
    """A workflow behind a gateway, which answers updates once the test lets it.

    Attributes:
        under_way: Updates that are being answered, by message.
        most: How many there were at once.
        history: Its length at each look; the last one stays.
    """

    def __init__(self, *, history: list[int] | None = None, unanswered: int = 0) -> None:
        self.history = history or [1]
        self.unanswered = unanswered
        self.tried: list[str] = []
        self.answering = asyncio.Event()
        self.under_way = 0
        self.most = 0

    async def update(self, workflow_id: str, name: str, message: JsonObject, *, update_id: str) -> JsonObject:
        self.tried.append(message["command_id"])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.answering.wait()
        finally:
            self.under_way -= 1
        if self.unanswered:
            self.unanswered -= 1
            raise UnansweredError("time-out")
        return {"done": message["command_id"]}

    async def query(self, *_: Any, **__: Any) -> None:
        raise UnansweredError("time-out")

    async def look(self, workflow_id: str) -> Sighting:
        length = self.history.pop(0) if len(self.history) > 1 else self.history[0]
        return Sighting(
            run_id="run",
            task_queue="queue",
            history_length=length,
            status="running",
            closed_at=None,
            pending=[],
            memo={},
        )


def delivery_to(workflow: Workflow) -> Delivery:
    return Delivery(cast(Gateway, workflow), cast(RecordStore, None))


def burst(delivery: Delivery, count: int) -> list[asyncio.Task[JsonObject]]:
    sent = [command(Send, f"c{number}", "ann", None, body=number) for number in range(count)]
    return [asyncio.create_task(delivery.update(TARGET, "send", one)) for one in sent]


async def until_all_wait() -> None:
    """Let every task go on until it can go no further; nothing here waits for anything outside the loop."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_burst_goes_out_a_few_at_a_time_and_in_order() -> None:
    workflow = Workflow()
    sending = burst(delivery_to(workflow), 120)
    await until_all_wait()
    assert len(workflow.tried) == IN_FLIGHT < 10
    workflow.answering.set()
    answers = await asyncio.gather(*sending)
    assert [answer["done"] for answer in answers] == workflow.tried == [f"c{number}" for number in range(120)]
    assert workflow.most == IN_FLIGHT


async def test_a_full_way_to_one_workflow_holds_up_no_other() -> None:
    workflow = Workflow()
    delivery = delivery_to(workflow)
    sending = burst(delivery, 20)
    other = command(Send, "other", "ann", None, body=1)
    sending.append(asyncio.create_task(delivery.update(Target("s", "another"), "send", other)))
    await until_all_wait()
    assert "other" in workflow.tried
    workflow.answering.set()
    await asyncio.gather(*sending)


async def test_where_nobody_answers_those_who_wait_do_not_find_it_out_in_turn() -> None:
    workflow = Workflow(unanswered=1_000)
    sending = burst(delivery_to(workflow), 120)
    await until_all_wait()
    workflow.answering.set()
    outcomes = await asyncio.gather(*sending, return_exceptions=True)
    assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["NO_WORKER"] * 120
    assert len(workflow.tried) == IN_FLIGHT


async def test_after_nobody_answered_a_later_command_is_tried_again() -> None:
    workflow = Workflow(unanswered=1)
    workflow.answering.set()
    delivery = delivery_to(workflow)
    [refused] = burst(delivery, 1)
    with pytest.raises(ThreadloomError, match="NO_WORKER"):
        await refused
    [again] = burst(delivery, 1)
    assert await again == {"done": "c0"}


async def test_a_workflow_that_gets_on_is_waited_for_although_it_is_slow() -> None:
    """In a crowd neither the update nor a question is answered in time, and yet a worker is at it."""
    workflow = Workflow(history=[5, 9], unanswered=1)
    workflow.answering.set()
    [sending] = burst(delivery_to(workflow), 1)
    assert await sending == {"done": "c0"}
