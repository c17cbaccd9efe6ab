"""A thread's line to its session while that is lost and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.messages import ThreadReport
from tests.builders import NOW
from workflows.thread import line
from workflows.thread.reporter import Reporter


class Away:
    """A session that is not there for the first signals.

    Attributes:
        meanwhile: What happens while each of them is under way.
    """

    def __init__(self, fails: int) -> None:
        self.arrived: list[str] = []
        self.meanwhile: list[Callable[[], None]] = []
        self._fails = fails

    async def signal(self, name: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        if self._fails:
            self._fails -= 1
            for happen in self.meanwhile[:1]:
                happen()
            del self.meanwhile[:1]
            raise ApplicationError("not found")
        self.arrived.append(message["status"])


def reporter_to(session: Away, monkeypatch: pytest.MonkeyPatch, lost: list[str]) -> Reporter:
    fake = SimpleNamespace(get_external_workflow_handle=lambda workflow_id: session)
    monkeypatch.setattr(line, "workflow", fake)
    trace = SimpleNamespace(leave=lambda: None)
    return Reporter("s", trace, lambda: lost.append("lost"), new=False)  # type: ignore[arg-type]


async def until_sent(reporter: Reporter) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    assert not reporter.busy


PAUSED = ThreadReport(thread_id="t", status="paused", at=NOW)


async def test_a_session_that_is_not_there_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    session, lost = Away(1), list[str]()
    reporter = reporter_to(session, monkeypatch, lost)
    reporter.report(PAUSED)
    await until_sent(reporter)
    assert (session.arrived, lost) == ([], ["lost"])


async def test_one_that_came_back_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's own signal may be heard of before the end of the thread's, which found it gone."""
    session, lost = Away(1), list[str]()
    reporter = reporter_to(session, monkeypatch, lost)
    session.meanwhile.append(reporter.recovered)
    reporter.report(PAUSED)
    await until_sent(reporter)
    assert (session.arrived, lost) == (["paused"], [])


async def test_one_that_is_lost_once_more_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    session, lost = Away(2), list[str]()
    reporter = reporter_to(session, monkeypatch, lost)
    session.meanwhile.append(reporter.recovered)
    reporter.report(PAUSED)
    await until_sent(reporter)
    assert (session.arrived, lost) == ([], ["lost"])
