"""Which holders of leases count as gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.supervision import SupervisionActivities
from domain.messages import FindHoldersInput, ThreadHolder

RUNNING, COMPLETED, TERMINATED, CONTINUED = (
    WorkflowExecutionStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.CONTINUED_AS_NEW,
)
MISSING = RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")
AWAY = RPCError("no answer", RPCStatusCode.UNAVAILABLE, b"")
UNKNOWN = ValueError("8 is not a valid WorkflowExecutionStatus")

Known = WorkflowExecutionStatus | Exception


@dataclass(frozen=True)
class Described:
    status: WorkflowExecutionStatus


@dataclass(frozen=True)
class Handle:
    known: Known

    async def describe(self, **_: Any) -> Described:
        if isinstance(self.known, Exception):
            raise self.known
        return Described(self.known)


@dataclass(frozen=True)
class Server:
    """A Temporal server that knows these workflows."""

    workflows: dict[str, Known]

    def get_workflow_handle(self, workflow_id: str) -> Handle:
        return Handle(self.workflows[workflow_id])


@pytest.mark.parametrize(
    ("thread", "session", "gone"),
    [
        (RUNNING, MISSING, False),
        (CONTINUED, MISSING, False),
        (COMPLETED, RUNNING, True),
        (TERMINATED, RUNNING, True),
        (MISSING, RUNNING, False),
        (MISSING, COMPLETED, True),
        (MISSING, MISSING, True),
        (MISSING, AWAY, False),
        (MISSING, UNKNOWN, False),
        (AWAY, MISSING, False),
        (UNKNOWN, MISSING, False),
    ],
)
async def test_only_a_thread_that_is_certainly_gone_is(thread: Known, session: Known, gone: bool) -> None:
    server = Server({"session/s": session, "session/s/thread/t": thread, "session/s/thread/living": RUNNING})
    activities = SupervisionActivities(cast(Client, server))
    holders = [ThreadHolder(session_id="s", thread_id=name) for name in ("living", "t")]
    found = await ActivityEnvironment().run(activities.find_holders, FindHoldersInput(holders=holders))
    assert found.gone == (holders[1:] if gone else [])
