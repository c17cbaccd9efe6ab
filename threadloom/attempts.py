"""What only Temporal knows of a thread's activities: attempts, workers, and who would take them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo

from domain.errors import ThreadloomError
from domain.ports import RecordStore
from domain.values import JsonObject
from threadloom.gateway import Gateway, Sighting
from threadloom.targets import Target, recorded
from threadloom.views import Execution, InFlight, ThreadView, Waiting

RUNS_SEARCHED = 20
"""Runs of a thread whose histories are searched for attempts, the newest first."""

_NOT_REGISTERED = ("is not registered", "unable to find activitytype")
"""How the SDKs' workers say that they have no activity of this name; there is no code for it."""


async def with_activities(gateway: Gateway, view: ThreadView, seen: Sighting) -> ThreadView:
    """The thread's view, completed with Temporal's own view of its activities.

    A thread whose activity simply runs waits for nothing. One that backs off, or that no worker takes,
    is what the thread waits for.
    """
    by_id = {activity.activity_id: activity for activity in seen.pending}
    asked = view.as_of is None
    told = view.in_flight if asked else [_unasked(activity) for activity in seen.pending if _of_node(activity)]
    # The workflow's own queue takes the activities of nodes that name none.
    told = [known.model_copy(update={"task_queue": known.task_queue or seen.task_queue or None}) for known in told]
    found = [await _completed(gateway, known, by_id[known.id]) if known.id in by_id else known for known in told]
    changes: JsonObject = {"in_flight": found}
    if view.waiting is None and found:
        changes |= await _awaited(gateway, found[0])
    return view.model_copy(update=changes)


async def attempts(gateway: Gateway, workflow_id: str, run_id: str, wanted: Collection[str]) -> Mapping[str, int]:
    """How many attempts each activity took, as far as Temporal still has the histories.

    Args:
        gateway: To Temporal.
        workflow_id: The thread's workflow.
        run_id: Its latest run.
        wanted: Activity ids: `node#visit`.
    """
    found: dict[str, int] = {}
    missing = set(wanted)
    for _ in range(RUNS_SEARCHED):
        if not missing or not run_id:
            break
        scheduled: dict[int, str] = {}
        previous = ""
        async for event in gateway.events(workflow_id, run_id):
            if event.HasField("workflow_execution_started_event_attributes"):
                previous = event.workflow_execution_started_event_attributes.continued_execution_run_id
            elif event.HasField("activity_task_scheduled_event_attributes"):
                scheduled[event.event_id] = event.activity_task_scheduled_event_attributes.activity_id
            elif event.HasField("activity_task_started_event_attributes"):
                begun = event.activity_task_started_event_attributes
                activity_id = scheduled.get(begun.scheduled_event_id)
                if activity_id in missing:
                    found[activity_id] = begun.attempt
        missing -= found.keys()
        run_id = previous
    return found


async def inherited_attempts(
    gateway: Gateway, records: RecordStore, target: Target, inherited: Sequence[Execution]
) -> Mapping[str, int]:
    """How many attempts the activities took that a thread's ancestors executed, the nearest ancestor first.

    Needs no worker: the lineage is in the database, the histories are in Temporal.

    Args:
        gateway: To Temporal.
        records: What the database holds.
        target: The thread that has inherited them.
        inherited: Its inherited executions of activities.
    """
    found: dict[str, int] = {}
    left = list(inherited)
    row = await recorded(records.thread(target.session_id, str(target.thread_id)))
    while left and row is not None and row.parent is not None:
        ancestor = Target(target.session_id, row.parent)
        row = await recorded(records.thread(target.session_id, row.parent))
        seen = await gateway.look(ancestor.workflow_id)
        if row is None:
            break
        # Only what began in the ancestor's lifetime is its own: it may itself have inherited the rest, and
        # an ancestor further up may have gone on to execute the same node once more.
        born = row.created_at
        own = {entry_id(entry) for entry in left if entry.started_at >= born}
        left = [entry for entry in left if entry.started_at < born]
        if own and seen is not None:
            found |= await attempts(gateway, ancestor.workflow_id, seen.run_id, own)
    return found


def entry_id(execution: Execution) -> str:
    """The id of the activity that an execution called."""
    return f"{execution.node}#{execution.visit}"


def _of_node(activity: PendingActivityInfo) -> bool:
    """Whether a node called the activity; the product's own have ids without a visit."""
    return "#" in activity.activity_id


def _unasked(activity: PendingActivityInfo) -> InFlight:
    """The activity of a thread that could not be asked."""
    node, _, rest = activity.activity_id.partition("#")
    visit, _, _ = rest.partition("/")
    queue = activity.activity_options.task_queue.name
    return InFlight(node=node, visit=int(visit), id=activity.activity_id, task_queue=queue or None)


async def _completed(gateway: Gateway, known: InFlight, activity: PendingActivityInfo) -> InFlight:
    last_failure = await gateway.failure(activity)
    scheduled = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    next_attempt = activity.next_attempt_schedule_time.ToDatetime(UTC)
    backing_off = scheduled and last_failure is not None
    return known.model_copy(
        update={
            "activity": activity.activity_type.name or known.activity,
            "state": "backing_off" if backing_off else "scheduled" if scheduled else "running",
            "attempt": activity.attempt or 1,
            "maximum_attempts": activity.maximum_attempts or None,
            "next_attempt_at": next_attempt if backing_off else None,
            "last_failure": last_failure,
            "worker": activity.last_worker_identity or None,
        }
    )


async def _awaited(gateway: Gateway, activity: InFlight) -> JsonObject:
    words = None
    if activity.state == "backing_off" and activity.last_failure is not None:
        words = _words_for_backoff(activity, activity.last_failure)
    elif activity.state == "scheduled" and activity.task_queue and not await _polled(gateway, activity.task_queue):
        words = (
            f"a worker that takes {activity.activity} at {activity.node}: none polls task queue {activity.task_queue}"
        )
    if words is None:
        return {}
    waiting = Waiting(kind="activity", node=activity.node, since=activity.since)
    return {"waiting": waiting, "waiting_for": words}


async def _polled(gateway: Gateway, task_queue: str) -> bool:
    try:
        return await gateway.polled(task_queue)
    except ThreadloomError:
        return True  # not known; what a thread waits for must not be a guess


def _words_for_backoff(activity: InFlight, failure: JsonObject) -> str:
    if any(phrase in failure["message"].lower() for phrase in _NOT_REGISTERED):
        return f"a worker that has activity {activity.activity} at {activity.node}: none on {activity.task_queue} has"
    of = f" of {activity.maximum_attempts}" if activity.maximum_attempts else ""
    when = f" at {activity.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC" if activity.next_attempt_at else ""
    why = failure["message"][:200]
    return f"attempt {activity.attempt}{of} of {activity.activity} at {activity.node}{when}, after: {why}"
