"""A session whose workflow was ended by force is recovered, and its threads finish under it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, ResetWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError
from temporalio.worker import Worker

from activities.recovering import RecoveryActivities
from domain.messages import RecoveredSession, RecoverInput
from tests.integration.client.flows import asking, behind_gate, echo, end, flow, gated, gates, receiving
from tests.integration.stack import Stack, eventually
from threadloom import Attempt, SessionHandle, Threadloom, ThreadloomError, authoriser
from threadloom.views import HistoryRecord
from workflows.session.entity import SessionEntity

TELL = flow({"tell": {"kind": "set", "set": {"told": "{{ input }}"}, "next": "done"}, "done": end("{{ told }}")})
CHILD = flow({"hear": {"kind": "receive", "name": "go", "next": "done"}, "done": end("heard")}, name="child")
PARENT = flow(
    {
        "hear": {"kind": "receive", "name": "begin", "next": "spawn"},
        "spawn": {"kind": "spawn", "flow": "child", "each": "{{ input }}", "id": "{{ item }}", "next": "join"},
        "join": {"kind": "join", "of": "spawn", "save": "ends", "next": "done"},
        "done": end("{{ ends | map(attribute='result') | list }}"),
    },
    name="parent",
)


@authoriser("recovers_as_ann", version="1")
def recovers_as_ann(attempted: Attempt) -> bool:
    return attempted.command != "session.recover" or attempted.actor == "ann"


async def lose(session: SessionHandle, loom: Threadloom) -> None:
    """End the session's workflow, as one may in Temporal's UI."""
    await loom.client.get_workflow_handle(f"session/{session.session_id}").terminate(reason="by mistake")


async def forget(session: SessionHandle, loom: Threadloom) -> None:
    """Delete the session's workflow, history and all."""
    await session.history()  # once the database has caught up
    workflow_id = f"session/{session.session_id}"
    await loom.client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=loom.client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
        )
    )

    async def there() -> bool:
        try:
            await loom.client.get_workflow_handle(workflow_id).describe()
        except Exception:
            return False
        return True

    await eventually(there, lambda found: not found)


async def standing(session: SessionHandle) -> dict[str, str]:
    return {entry.thread_id: entry.status for entry in (await session.threads()).threads}


async def stands(session: SessionHandle, **expected: str) -> None:
    await eventually(lambda: standing(session), lambda seen: {**seen, **expected} == seen)


async def restored(session: SessionHandle) -> HistoryRecord:
    (record,) = (await session.history(type="session_restored")).records
    return record


async def begin_parent(session: SessionHandle, loom: Threadloom, *children: str) -> None:
    """A thread that has started others and waits for their ends."""
    await loom.flows.register(CHILD)
    await session.create_thread(PARENT, thread_id="parent", input=list(children))
    await session.thread("parent").send("now", name="begin")
    await stands(session, **dict.fromkeys(children, "running"))

    async def waiting() -> str:
        shown = (await session.thread("parent").describe()).waiting
        return shown.kind if shown else ""

    await eventually(waiting, lambda kind: kind == "join")


async def refused(session: SessionHandle, **how: Any) -> ThreadloomError:
    with pytest.raises(ThreadloomError) as error:
        await session.recover(wait=True, timeout=50, **how)
    return error.value


async def test_everything_finishes_under_the_session_that_is_back(
    worker: Worker, loom: Threadloom, new_id: str
) -> None:
    config = {"max_running": 1, "quotas": {"seat": 2}}
    session = loom.session((await loom.start_session(new_id, config=config, title="Night")).session_id)
    gates[new_id] = asyncio.Event()
    await session.create_thread(TELL, thread_id="early", input=1)
    await session.thread("early").result(wait=True, timeout=30)
    await begin_parent(session, loom, "kid-1", "kid-2")
    await session.create_thread(receiving(), thread_id="hearing")
    await session.create_thread(asking(), thread_id="held", input={"word": "hi"}, hold=True)
    await session.create_thread(behind_gate(new_id), thread_id="busy", requires={"seat": 1})
    await session.create_thread(TELL, thread_id="queued", input=2)
    await stands(session, busy="running", queued="pending", held="paused")
    before = await session.statistics()

    await lose(session, loom)
    gates[new_id].set()  # this one ends while nobody hears of it
    await session.thread("kid-1").send("x", name="go")
    assert (await session.thread("busy").result(wait=True, timeout=30)).status == "completed"
    assert (await session.thread("kid-1").result(wait=True, timeout=30)).status == "completed"

    answer = await session.recover(reason="it was a mistake", wait=True, timeout=30)
    assert (answer.status, answer.source, answer.adopted, answer.ended, answer.lost) == ("active", "state", 4, 2, [])
    assert (await session.thread("queued").result(wait=True, timeout=30)).result == 2
    await session.thread("kid-2").send("x", name="go")
    assert (await session.thread("parent").result(wait=True, timeout=30)).result == ["heard", "heard"]
    await session.thread("hearing").send("x", name="word")
    await session.thread("held").resume()
    await eventually(session.thread("held").describe, lambda seen: seen.current_node == "ask" and not seen.holds)
    await session.thread("held").decide("ask", "yes")
    assert (await session.thread("held").result(wait=True, timeout=30)).result == "hi yes"

    record = await restored(session)
    assert (record.actor, record.reason) == ("ann", "it was a mistake")
    assert record.details == {"source": "state", "adopted": 4, "ended": 2, "lost": []}
    await eventually(session.describe, lambda seen: seen.threads.completed >= 7)
    shown = await session.describe()
    assert (shown.title, shown.config["max_running"], shown.threads.failed) == ("Night", 1, 0)
    after = await session.statistics()
    created = before.operations["other"]["create"] + 1  # the one that waited for its turn
    assert after.operations["other"] == {**before.operations["other"], "create": created, "recover": 1}
    assert after.performance["completed"] == shown.threads.completed
    assert (await session.resources()).resources["seat"] == {"used": 0, "peak": 1, "limit": 2}
    assert (await session.close(wait=True, timeout=30)).status == "closed"


async def test_a_thread_that_cannot_reach_its_session_holds_itself_until_that_is_back(
    session: SessionHandle, loom: Threadloom
) -> None:
    """What it asked for is asked for again, once."""
    await loom.flows.register(CHILD)
    await session.create_thread(PARENT, thread_id="parent", input=["kid"])
    await lose(session, loom)
    await session.thread("parent").send("now", name="begin")

    async def holds() -> list[str]:
        return [hold.kind for hold in (await session.thread("parent").describe()).holds]

    await eventually(holds, lambda kinds: kinds == ["lost_session"])
    assert (await session.recover(wait=True, timeout=30)).adopted == 1
    await stands(session, kid="running", parent="running")
    await session.thread("kid").send("x", name="go")
    assert (await session.thread("parent").result(wait=True, timeout=30)).result == ["heard"]
    assert (await standing(session)) == {"parent": "completed", "kid": "completed"}


async def test_a_paused_session_comes_back_paused(session: SessionHandle, loom: Threadloom, new_id: str) -> None:
    gates[new_id] = asyncio.Event()
    await session.create_thread(receiving(), thread_id="idle")
    await session.create_thread(behind_gate(new_id), thread_id="busy")
    await session.pause(reason="night")
    await stands(session, idle="paused", busy="pausing")
    await lose(session, loom)
    gates[new_id].set()
    await session.recover(wait=True, timeout=30, actor="bob")
    shown = await eventually(session.describe, lambda seen: seen.status == "paused")
    assert [(hold.actor, hold.reason) for hold in shown.holds] == [("ann", "night")]
    kinds = {hold.kind for hold in (await session.thread("busy").describe()).holds}
    assert kinds == {"session"}
    await session.resume(wait=True, timeout=30)
    assert (await session.thread("busy").result(wait=True, timeout=30)).status == "completed"


async def test_a_recovered_session_can_be_replayed(stack: Stack, loom: Threadloom) -> None:
    """Without a cache every step of it is."""
    async with stack.worker(echo, gated, max_cached_workflows=0):
        session = loom.session((await loom.start_session(config={"max_running": 1})).session_id)
        await begin_parent(session, loom, "kid")
        await session.create_thread(receiving(), thread_id="t", priority="low")
        await lose(session, loom)
        await session.thread("kid").send("x", name="go")
        requested = asyncio.create_task(session.recover(wait=True, timeout=60))
        await session.thread("t").pause()
        assert (await requested).source == "state"
        assert (await session.thread("parent").result(wait=True, timeout=60)).result == ["heard"]
        await session.thread("t").resume()
        await session.thread("t").send("x", name="word")
        await stands(session, t="completed", parent="completed", kid="completed")


async def test_recovered_once(session: SessionHandle, loom: Threadloom, other: Threadloom) -> None:
    await session.create_thread(receiving(), thread_id="t")
    assert (await refused(session)).code == "ILLEGAL_TRANSITION"
    await lose(session, loom)
    first, again = await asyncio.gather(
        session.recover(command_id="back", wait=True, timeout=30),
        other.session(session.session_id).recover(command_id="back", actor="ann", wait=True, timeout=30),
    )
    assert first == again
    assert await session.recover(command_id="back") == first
    assert (await refused(session, command_id="back", reason="another")).code == "COMMAND_ID_REUSED"
    assert (await refused(session, command_id="another")).code == "ILLEGAL_TRANSITION"
    assert (await restored(session)).details["adopted"] == 1
    await lose(session, loom)
    assert (await session.recover(wait=True, timeout=30)).adopted == 1
    assert len((await session.history(type="session_restored")).records) == 2


async def test_nothing_to_recover(session: SessionHandle, loom: Threadloom, new_id: str) -> None:
    assert (await refused(loom.session(new_id))).code == "SESSION_NOT_FOUND"
    await session.close(wait=True, timeout=30)
    await eventually(
        lambda: refused(session), lambda error: error.code == "ILLEGAL_TRANSITION" and "closed" in str(error)
    )
    queue = loom.settings.task_queue
    nonsense = await loom.client.start_workflow("SessionWorkflow", {"x": 1}, id=f"session/{new_id}", task_queue=queue)
    await eventually(nonsense.describe, lambda seen: seen.close_time is not None)
    assert (await refused(loom.session(new_id))).code == "SESSION_NOT_FOUND"


@pytest.mark.parametrize(
    "start",
    [
        {"recover": {"command": {}}},
        {"recover": {"command": {"command_id": "x", "odd": 1}, "run_id": "nosuch"}},
        {"recover": {"command": {"command_id": "x"}, "run_id": 7}},
        {"recover": {"command": {"command_id": "x"}}, "session_id": "' OR WorkflowType = 'ThreadWorkflow"},
        {"recover": "please"},
    ],
)
async def test_a_recovery_that_makes_no_sense_fails(
    worker: Worker, loom: Threadloom, new_id: str, start: dict[str, Any]
) -> None:
    """Rather than its task, for ever."""
    queue = loom.settings.task_queue
    handle = await loom.client.start_workflow(
        "SessionWorkflow", {"session_id": new_id, **start}, id=f"session/{new_id}", task_queue=queue
    )
    with pytest.raises(WorkflowFailureError):
        await handle.result()


async def test_from_the_records_alone(worker: Worker, loom: Threadloom, new_id: str) -> None:
    config = {"max_running": 1, "quotas": {"seat": 2}}
    session = loom.session(
        (await loom.start_session(new_id, config=config, title="Night", shared={"rate": 2})).session_id
    )
    gates[new_id] = asyncio.Event()
    await session.create_thread(TELL, thread_id="early", input=1)
    await session.thread("early").result(wait=True, timeout=30)
    await begin_parent(session, loom, "kid")
    await session.create_thread(behind_gate(new_id), thread_id="busy", requires={"seat": 1})
    await session.create_thread(TELL, thread_id="queued", input=2)
    await stands(session, busy="running", queued="pending", early="completed")
    await session.pause(reason="night")
    await stands(session, parent="paused", kid="paused", busy="pausing")
    before = await session.statistics()
    await forget(session, loom)

    answer = await session.recover(wait=True, timeout=40)
    assert (answer.source, answer.adopted, answer.ended, answer.lost) == ("records", 3, 0, ["queued"])
    shown = await eventually(session.describe, lambda seen: seen.threads.failed == 1)
    assert (shown.title, shown.config["max_running"], shown.status) == ("Night", 1, "pausing")
    assert [(hold.actor, hold.reason) for hold in shown.holds] == [("ann", "night")]
    lost = await session.thread("queued").describe()
    assert (lost.status, lost.error.code if lost.error else None) == ("failed", "THREAD_LOST")
    assert (await session.resources()).resources["seat"]["used"] == 1
    gates[new_id].set()
    await session.resume(wait=True, timeout=30)
    await session.thread("kid").send("x", name="go")
    assert (await session.thread("parent").result(wait=True, timeout=30)).result == ["heard"]
    rate = flow({"done": end("{{ session.shared.rate }}")}, name="rate")
    await session.create_thread(rate, thread_id="after")
    assert (await session.thread("after").result(wait=True, timeout=30)).result == 2
    with pytest.raises(ThreadloomError, match="THREAD_EXISTS"):
        await session.create_thread(TELL, thread_id="early")
    await eventually(session.describe, lambda seen: seen.threads.completed == 5)
    after = await session.statistics()
    created = before.operations["other"]["create"]
    assert after.operations["other"]["create"] == created + 1
    assert after.performance["completed"] == 5
    assert (await session.resources()).resources["seat"]["used"] == 0


async def test_from_an_earlier_state(worker: Worker, loom: Threadloom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last run cannot be replayed, what it began with is completed from the records.

    It began with more than travels in a message.
    """
    session = loom.session((await loom.start_session(metadata={"padding": "x" * 50_000})).session_id)
    await session.create_thread(receiving(), thread_id="first")
    await session.create_thread(TELL, thread_id="over", input=1)
    await session.thread("over").result(wait=True, timeout=30)
    await eventually(session.describe, lambda seen: seen.threads.completed == 1)
    await session.pause()
    await stands(session, first="paused")
    await session.history()
    await lose(session, loom)
    with monkeypatch.context() as patch:
        patch.setattr(SessionEntity, "next_run", lambda entity: 1 / 0)
        answer = await session.recover(wait=True, timeout=50)
    assert (answer.source, answer.adopted, answer.ended, answer.lost) == ("start", 1, 0, [])
    await eventually(session.describe, lambda seen: seen.status == "paused")
    assert (await session.statistics()).performance["completed"] == 1
    await session.resume(wait=True, timeout=30)
    await stands(session, first="running", over="completed")


async def test_commands_wait_until_a_session_is_back(
    stack: Stack, loom: Threadloom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its worker goes in the middle of it, and when the half recovered session is lost once more."""
    gather, begun = RecoveryActivities.recover, asyncio.Event()

    async def hang(activities: RecoveryActivities, input: RecoverInput) -> RecoveredSession:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with stack.worker(echo, gated):
        session = loom.session((await loom.start_session()).session_id)
        await session.create_thread(receiving(), thread_id="t")
        await lose(session, loom)
    with monkeypatch.context() as patch:
        hang.__dict__.update(gather.__dict__)
        patch.setattr(RecoveryActivities, "recover", hang)
        async with stack.worker(echo, gated):
            assert (await session.recover(command_id="one")).status == "requested"
            await asyncio.wait_for(begun.wait(), 30)
            await lose(session, loom)
            assert (await session.recover(command_id="two")).status == "requested"
            creating = asyncio.create_task(session.create_thread(TELL, thread_id="new", input=1))
            assert (await session.pause(reason="first of all")).status == "requested"
    async with stack.worker(echo, gated):
        answer = await session.recover(command_id="two", wait=True, timeout=60)
        assert (answer.source, answer.adopted) == ("state", 1)
        shown = await eventually(session.describe, lambda seen: seen.status == "paused")
        assert [hold.reason for hold in shown.holds] == ["first of all"]
        creating.cancel()
        await asyncio.gather(creating, return_exceptions=True)


async def test_who_may(worker: Worker, loom: Threadloom) -> None:
    session = loom.session((await loom.start_session(config={"authoriser": "recovers_as_ann@1"})).session_id)
    await session.create_thread(receiving(), thread_id="t")
    await lose(session, loom)
    assert (await refused(session, actor="bob")).code == "FORBIDDEN"
    assert (await session.recover(wait=True, timeout=30)).adopted == 1


async def test_two_hundred_threads(session: SessionHandle, loom: Threadloom) -> None:
    document = receiving()
    await session.create_threads([{"id": f"t{number}", "flow": document} for number in range(200)])
    await eventually(session.describe, lambda seen: seen.threads.running == 200)
    await lose(session, loom)
    for number in range(20):
        await session.thread(f"t{number}").cancel()
    answer = await session.recover(wait=True, timeout=50)
    assert answer.adopted is not None
    assert answer.ended is not None
    assert answer.adopted + answer.ended == 200
    await eventually(session.describe, lambda seen: (seen.threads.cancelled, seen.threads.running) == (20, 180))
    await session.terminate(grace=5, compensate=False)
    shown = await eventually(session.describe, lambda seen: seen.ended)
    assert shown.threads.cancelled == 200


async def reset(session: SessionHandle, loom: Threadloom, *, to_the_first: bool) -> None:
    """Reset the session's workflow, as one may in Temporal's UI."""
    handle = loom.client.get_workflow_handle(f"session/{session.session_id}")
    history = await handle.fetch_history()
    done = [event.event_id for event in history.events if event.HasField("workflow_task_completed_event_attributes")]
    await loom.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=loom.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=(await handle.describe()).run_id),
            workflow_task_finish_event_id=done[0] if to_the_first else done[-1],
            reason="a test",
            request_id=str(to_the_first),
        )
    )


async def test_a_session_that_was_cancelled_or_reset_in_temporal_was_never_lost(
    session: SessionHandle, loom: Threadloom
) -> None:
    await session.create_thread(receiving(), thread_id="t")
    await reset(session, loom, to_the_first=False)
    assert (await refused(session)).code == "ILLEGAL_TRANSITION"
    await session.pause()
    await stands(session, t="paused")
    await session.resume()
    await loom.client.get_workflow_handle(f"session/{session.session_id}").cancel()
    await eventually(session.describe, lambda seen: seen.status == "terminated")
    assert await standing(session) == {"t": "cancelled"}
    assert (await refused(session)).code == "ILLEGAL_TRANSITION"


async def test_a_session_that_a_reset_has_made_forget_its_threads(session: SessionHandle, loom: Threadloom) -> None:
    """It runs, and does not know them: ended by force and recovered, it does."""
    await session.create_thread(receiving(), thread_id="t")
    await session.create_thread(receiving(), thread_id="u")
    await reset(session, loom, to_the_first=True)
    await eventually(lambda: standing(session), lambda seen: "t" not in seen and "u" not in seen)
    await lose(session, loom)

    async def listed() -> int:
        query = f"WorkflowId STARTS_WITH 'session/{session.session_id}/thread/' AND ExecutionStatus = 'Running'"
        return (await loom.client.count_workflows(query)).count

    await eventually(listed, lambda count: count == 2)
    answer = await session.recover(wait=True, timeout=30)
    assert (answer.source, answer.adopted) == ("state", 2)
    assert await standing(session) == {"t": "running", "u": "running"}
    await session.thread("t").send("x", name="word")
    await session.thread("u").cancel()
    await stands(session, t="completed", u="cancelled")
