"""What a thread waits for when its activity is taken by nobody."""

from __future__ import annotations

from typing import cast

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo

from threadloom.attempts import with_activities
from threadloom.gateway import Gateway, Sighting
from threadloom.views import InFlight, ThreadView


class Queues:
    """A gateway that knows which task queues are polled."""

    def __init__(self, *polled: str) -> None:
        self._polled = polled

    async def polled(self, task_queue: str) -> bool:
        return task_queue in self._polled

    async def failure(self, activity: PendingActivityInfo) -> None:
        return None


def scheduled() -> Sighting:
    """A thread's workflow on queue `own`, whose activity waits for a worker."""
    activity = PendingActivityInfo(
        activity_id="act#1", state=PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED, attempt=1
    )
    activity.activity_type.name = "echo"
    return Sighting(
        run_id="run",
        task_queue="own",
        history_length=1,
        status="running",
        closed_at=None,
        pending=[activity],
        memo={},
    )


def calling(task_queue: str | None) -> ThreadView:
    activity = InFlight(node="act", visit=1, activity="echo", task_queue=task_queue)
    return ThreadView(session_id="s", thread_id="t", status="running", in_flight=[activity])


@pytest.mark.parametrize(("named", "queue"), [(None, "own"), ("special", "special")])
async def test_an_activity_on_a_queue_that_nobody_polls(named: str | None, queue: str) -> None:
    view = await with_activities(cast(Gateway, Queues()), calling(named), scheduled())
    assert view.in_flight[0].task_queue == queue
    assert view.waiting_for == f"a worker that takes echo at act: none polls task queue {queue}"


async def test_an_activity_that_a_worker_will_take_is_waited_for_by_nobody() -> None:
    view = await with_activities(cast(Gateway, Queues("own")), calling(None), scheduled())
    assert (view.waiting, view.waiting_for, view.in_flight[0].task_queue) == (None, None, "own")
