"""A worker that has other code than the client expects, as when versions were mixed up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from domain.errors import ThreadloomError
from tests.integration.stack import Stack
from threadloom import Threadloom


@workflow.defn(name="SessionWorkflow", sandboxed=False)
class AnotherSession:
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await workflow.sleep(timedelta(days=1))


def other_worker(stack: Stack) -> Worker:
    return Worker(stack.bare, task_queue=stack.settings.task_queue, workflows=[AnotherSession])


async def test_a_worker_that_knows_neither_question_nor_command(stack: Stack, loom: Threadloom, new_id: str) -> None:
    async with other_worker(stack):
        assert (await loom.start_session(new_id)).status == "inactive"
        session = loom.session(new_id)
        with pytest.raises(ThreadloomError, match="NO_WORKER"):
            await session.describe()
        with pytest.raises(ThreadloomError, match=r"NO_WORKER.*another version"):
            await session.configure({})
        assert (await session.pause()).status == "requested"


async def test_a_session_that_the_worker_cannot_replay(stack: Stack, loom: Threadloom) -> None:
    async with stack.worker():
        session = loom.session((await loom.start_session(title="Stuck")).session_id)
        await session.configure({"max_threads": 7})
        await session.history()
    async with other_worker(stack):
        shown = await session.describe()
        assert (shown.title, shown.config["max_threads"]) == ("Stuck", 7)
        assert shown.as_of is not None
        with pytest.raises(ThreadloomError, match="NO_WORKER"):
            await session.configure({"max_threads": 8})
