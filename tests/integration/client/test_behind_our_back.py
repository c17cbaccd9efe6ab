"""What others did in Temporal itself is found and shown as what it is."""

from __future__ import annotations

import pytest

from domain.errors import ThreadloomError
from tests.integration.client.flows import asking
from tests.integration.client.test_threads import asked
from tests.integration.stack import eventually
from threadloom import SessionHandle, Threadloom


def workflow_of(session: SessionHandle, thread_id: str) -> str:
    return f"session/{session.session_id}/thread/{thread_id}"


async def test_a_terminated_thread_has_failed(session: SessionHandle, loom: Threadloom) -> None:
    thread = await asked(session)
    await loom.client.get_workflow_handle(workflow_of(session, "t")).terminate(reason="by hand")
    shown = await thread.describe()
    assert (shown.status, shown.error.code if shown.error else None) == ("failed", "THREAD_TERMINATED")
    assert (shown.waiting, shown.waiting_for, shown.current_node, shown.holds) == (None, None, None, [])
    assert shown.completed_at is not None
    assert shown.variables == {"said": "hello"}
    result = await thread.result(wait=True, timeout=30)
    assert (result.status, result.error.code if result.error else None) == ("failed", "THREAD_TERMINATED")
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.pause()
    with pytest.raises(ThreadloomError, match="THREAD_ENDED"):
        await thread.decide("ask", "yes")


async def test_nothing_runs_in_a_terminated_thread(session: SessionHandle, loom: Threadloom) -> None:
    thread = await asked(session)
    await loom.client.get_workflow_handle(workflow_of(session, "t")).terminate(reason="by hand")
    closed_at = (await loom.client.get_workflow_handle(workflow_of(session, "t")).describe()).close_time
    said, cut_off = (await thread.executions()).executions
    assert (said.node, said.status) == ("say", "completed")
    assert (cut_off.node, cut_off.status, cut_off.ended_at) == ("ask", "cancelled", closed_at)
    assert cut_off.duration_seconds is not None


async def test_looking_at_a_terminated_thread_makes_its_session_record_it(
    session: SessionHandle, loom: Threadloom
) -> None:
    """In a new run the session hears nothing of its children: somebody has to look."""
    await session.configure({"continue_as_new_after": 50})
    thread = await asked(session)
    handle = loom.client.get_workflow_handle(f"session/{session.session_id}")
    run = (await handle.describe()).run_id

    async def sync_until_the_next_run() -> str:
        await session.sync()
        return (await handle.describe()).run_id

    await eventually(sync_until_the_next_run, lambda now: now != run)
    await loom.client.get_workflow_handle(workflow_of(session, "t")).terminate()
    assert (await thread.describe()).status == "failed"
    await eventually(session.describe, lambda seen: seen.threads.failed == 1)
    records = (await session.history(thread="t", type="thread_failed")).records
    assert [record.details["error"]["code"] for record in records] == ["THREAD_TERMINATED"]


async def test_a_terminated_thread_in_the_list(session: SessionHandle, loom: Threadloom) -> None:
    await asked(session, "one")
    await asked(session, "two")
    await loom.client.get_workflow_handle(workflow_of(session, "one")).terminate()
    listed = (await session.threads()).threads
    assert [(entry.thread_id, entry.status) for entry in listed] == [("one", "failed"), ("two", "running")]


async def test_threads_that_the_session_ended_by_force_are_cancelled(session: SessionHandle, loom: Threadloom) -> None:
    thread = await asked(session)
    await loom.client.get_workflow_handle(workflow_of(session, "t")).terminate(reason="grace is over")
    await eventually(session.describe, lambda seen: seen.threads.failed == 1)
    recorded = (await session.threads()).threads[0]
    shown = await thread.describe()
    assert (shown.status, shown.error, shown.completed_at) == (recorded.status, recorded.error, recorded.completed_at)


async def test_a_terminated_session_is_terminated(session: SessionHandle, loom: Threadloom) -> None:
    await asked(session)
    await loom.client.get_workflow_handle(f"session/{session.session_id}").terminate()
    shown = await session.describe()
    assert (shown.status, shown.holds) == ("terminated", [])
    assert shown.ended_at is not None
    for command in (session.pause, session.close, session.terminate):
        with pytest.raises(ThreadloomError, match=r"SESSION_NOT_ACTIVE.*terminated"):
            await command()
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.create_thread(asking(), input={"word": "hello"})
    assert (await session.thread("t").describe()).status in ("running", "paused")


async def test_workflows_that_were_started_with_nonsense(session: SessionHandle, loom: Threadloom, new_id: str) -> None:
    queue = loom.settings.task_queue
    bad = await loom.client.start_workflow(
        "SessionWorkflow", {"session_id": 1}, id=f"session/{new_id}", task_queue=queue
    )
    stray = await loom.client.start_workflow("ThreadWorkflow", "x", id=workflow_of(session, "stray"), task_queue=queue)
    for handle in (bad, stray):
        await eventually(handle.describe, lambda seen: seen.close_time is not None)
    assert (await loom.session(new_id).describe()).status == "terminated"
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await loom.session(new_id).pause()
    shown = await session.thread("stray").describe()
    assert (shown.status, shown.error.code if shown.error else None) == ("failed", "THREAD_TERMINATED")
