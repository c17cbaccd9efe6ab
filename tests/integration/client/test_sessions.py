"""A session's life, as a program drives it through the client."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.worker import Worker

from domain.errors import ThreadloomError
from domain.records import Record, RecordBatch, RecordType, SessionRow
from tests.integration.client.flows import asking, behind_gate, gates
from tests.integration.stack import eventually
from threadloom import SessionHandle, Threadloom


async def test_a_started_session_is_active_and_shown_as_it_was_wished(worker: Worker, loom: Threadloom) -> None:
    started = await loom.start_session(
        title="Audit", user_id="u1", preset="interactive", config={"max_threads": 3}, metadata={"team": "blue"}
    )
    shown = await loom.session(started.session_id).describe()
    assert shown == started
    assert shown.status == "active"
    assert shown.config["max_threads"] == 3
    assert shown.config["idle_timeout"] == "30m"
    assert shown.model_dump(mode="json") | {"config": {}} == {
        "session_id": started.session_id,
        "status": "active",
        "title": "Audit",
        "user_id": "u1",
        "metadata": {"team": "blue"},
        "created_at": shown.model_dump(mode="json")["created_at"],
        "updated_at": shown.model_dump(mode="json")["updated_at"],
        "last_activity_at": shown.model_dump(mode="json")["last_activity_at"],
        "ended_at": None,
        "config": {},
        "threads": {
            "total": 0,
            "running": 0,
            "paused": 0,
            "pending": 0,
            "completed": 0,
            "failed": 0,
            "cancelled": 0,
        },
        "holds": [],
        "not_paused_yet": [],
        "in_flight": [],
        "queue": {"waiting": 0, "taken": 0},
        "preparing": [],
        "activity": {"message_count": 0},
        "as_of": None,
    }


async def test_the_same_start_again_is_the_same_session_in_another_process_too(
    worker: Worker, loom: Threadloom, other: Threadloom
) -> None:
    command_id = str(datetime.now(UTC).timestamp())
    first = await loom.start_session(command_id=command_id, title="one")
    assert await loom.start_session(command_id=command_id, title="one") == first
    assert await other.start_session(command_id=command_id, title="one", actor="ann") == first


async def test_a_start_that_comes_again_after_the_session_began_a_new_run(
    worker: Worker, loom: Threadloom, new_id: str
) -> None:
    config = {"continue_as_new_after": 50}
    first = await loom.start_session(new_id, command_id="c", config=config)
    session, handle = loom.session(new_id), loom.client.get_workflow_handle(f"session/{new_id}")
    run = (await handle.describe()).run_id

    async def sync_until_the_next_run() -> str:
        await session.sync()
        return (await handle.describe()).run_id

    await eventually(sync_until_the_next_run, lambda now: now != run)
    again = await loom.start_session(new_id, command_id="c", config=config)
    assert (again.session_id, again.status, again.created_at) == (new_id, "active", first.created_at)


async def test_a_start_command_id_used_for_another_start(worker: Worker, loom: Threadloom, new_id: str) -> None:
    await loom.start_session(new_id, command_id="c", title="one")
    with pytest.raises(ThreadloomError, match="COMMAND_ID_REUSED"):
        await loom.start_session(new_id, command_id="c", title="two")


async def test_an_id_is_taken_for_good(worker: Worker, loom: Threadloom, other: Threadloom, new_id: str) -> None:
    await loom.start_session(new_id)
    with pytest.raises(ThreadloomError, match="SESSION_EXISTS"):
        await other.start_session(new_id)
    await loom.session(new_id).close(wait=True, timeout=30)
    with pytest.raises(ThreadloomError, match="SESSION_EXISTS"):
        await other.start_session(new_id)


async def test_an_id_that_only_the_database_knows_is_taken(loom: Threadloom, new_id: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row = SessionRow(session_id=new_id, status="closed", created_at=at, updated_at=at, ended_at=at)
    record = Record(seq=1, type=RecordType.SESSION_CREATED, at=at, session_id=new_id, session=row)
    await loom.backend.records.apply(RecordBatch(workflow_id=f"session/{new_id}", epoch=0, records=[record]))
    with pytest.raises(ThreadloomError, match="SESSION_EXISTS"):
        await loom.start_session(new_id)
    with pytest.raises(ThreadloomError, match=r"SESSION_NOT_ACTIVE.*closed"):
        await loom.session(new_id).pause()
    assert (await loom.session(new_id).describe()).as_of == at


@pytest.mark.parametrize(
    ("wishes", "named"),
    [
        ({"config": {"max_threads": 0}}, "max_threads"),
        ({"config": {"no_such_field": 1}}, "no_such_field"),
        ({"config": {"grace": "soon"}}, "grace"),
        ({"preset": "generous"}, "generous"),
        ({"title": "t" * 501}, "title"),
        ({"metadata": {"share": float("nan")}}, "metadata"),
    ],
)
async def test_a_malformed_start_starts_nothing(
    loom: Threadloom, new_id: str, wishes: dict[str, object], named: str
) -> None:
    with pytest.raises(ThreadloomError, match=rf"INVALID_ARGUMENT.*{named}"):
        await loom.start_session(new_id, **wishes)  # type: ignore[arg-type]
    with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
        await loom.session(new_id).describe()


async def test_an_id_that_is_none(loom: Threadloom) -> None:
    with pytest.raises(ThreadloomError, match="INVALID_ID"):
        await loom.start_session("a b")
    with pytest.raises(ThreadloomError, match="INVALID_ID"):
        loom.session("../x")


async def test_a_pause_waits_for_what_is_in_flight(session: SessionHandle, new_id: str) -> None:
    gates[new_id] = asyncio.Event()
    await session.create_thread(behind_gate(new_id), thread_id="t")
    await session.thread("t").wait_until(lambda view: bool(view.in_flight), timeout=30)
    assert (await session.pause(reason="look")).status == "pausing"
    shown = await session.describe()
    assert (shown.status, shown.not_paused_yet, shown.holds[0].actor) == ("pausing", ["t"], "ann")
    with pytest.raises(ThreadloomError, match=r"TIMED_OUT.*command stands"):
        await session.pause(wait=True, timeout=0.3)
    gates[new_id].set()
    assert (await session.pause(wait=True, timeout=30)).status == "paused"
    listed = (await session.threads()).threads
    assert [(entry.status, entry.current_node) for entry in listed] == [("paused", "after")]
    assert listed[0].waiting is not None
    assert listed[0].waiting.kind == "hold"
    assert "look" in (listed[0].waiting_for or "")
    assert (await session.resume(wait=True, timeout=30)).status == "active"
    assert (await session.thread("t").result(wait=True, timeout=30)).result == new_id


async def test_what_starts_something_is_refused_while_paused(session: SessionHandle) -> None:
    await session.pause(wait=True, timeout=30)
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.create_thread(asking(), input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.configure({"max_threads": 2})


async def test_a_pause_until_a_time_ends_by_itself(session: SessionHandle) -> None:
    end = datetime.now(UTC) + timedelta(seconds=0.5)
    await session.pause(until=end)
    await eventually(session.describe, lambda seen: seen.status == "active")
    assert datetime.now(UTC) >= end


async def test_resume_can_leave_the_threads_held(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="t", input={"word": "hello"})
    await session.pause(wait=True, timeout=30)
    assert (await session.resume(hold_threads=True, wait=True, timeout=30)).status == "active"
    view = await session.thread("t").wait_until(
        lambda seen: [hold.kind for hold in seen.holds] == ["thread"], timeout=30
    )
    assert view.status == "paused"
    assert (await session.thread("t").resume(wait=True, timeout=30)).status == "running"


async def test_a_configuration_changes_only_where_it_says(session: SessionHandle) -> None:
    changed = await session.configure({"max_threads": 1})
    assert changed.config["max_threads"] == 1
    assert changed.config["grace"] == "30s"
    await session.create_thread(asking(), input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="THREAD_LIMIT_REACHED"):
        await session.create_thread(asking(), input={"word": "hello"})
    with pytest.raises(ThreadloomError, match=r"INVALID_ARGUMENT.*idle_timeout"):
        await session.configure({"idle_timeout": "2h", "max_duration": "1h"})


async def test_a_closing_session_takes_no_threads_and_closes_with_the_last(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="t", input={"word": "hello"})
    assert (await session.close()).status == "closing"
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.create_thread(asking(), input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="ILLEGAL_TRANSITION"):
        await session.pause()
    await session.thread("t").wait_until(lambda view: view.waiting is not None, timeout=30)
    await session.thread("t").decide("ask", "no")
    await eventually(session.describe, lambda seen: seen.status == "closed")


async def test_an_ended_session_answers_questions_and_refuses_commands(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="t", input={"word": "hello"})
    assert (await session.terminate(grace=10, wait=True, timeout=30)).status == "terminated"
    assert (await session.describe()).threads.cancelled == 1
    assert [entry.status for entry in (await session.threads()).threads] == ["cancelled"]
    assert (await session.tree()).roots[0]["thread_id"] == "t"
    for command in (session.pause, session.resume, session.close, session.sync):
        with pytest.raises(ThreadloomError, match=r"SESSION_NOT_ACTIVE.*terminated"):
            await command()
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.create_thread(asking(), input={"word": "hello"})
    with pytest.raises(ThreadloomError, match="SESSION_NOT_ACTIVE"):
        await session.configure({})


async def test_a_session_that_never_was(worker: Worker, loom: Threadloom, new_id: str) -> None:
    missing = loom.session(new_id)
    for question in (missing.describe, missing.threads, missing.tree, missing.statistics, missing.history):
        with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
            await question()
    for command in (missing.pause, missing.resume, missing.close, missing.terminate, missing.sync):
        with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
            await command()
    with pytest.raises(ThreadloomError, match="SESSION_NOT_FOUND"):
        await missing.create_thread(asking(), input={"word": "hello"})


async def test_the_history_holds_at_once_what_was_just_done(session: SessionHandle) -> None:
    await session.pause(reason="lunch", actor="carl", wait=True, timeout=30)
    by_carl = (await session.history(actor="carl")).records
    assert [record.type for record in by_carl] == ["session_status_changed"]
    assert (by_carl[0].reason, by_carl[0].details) == ("lunch", {"from": "active", "to": "paused"})
    all_of_it = (await session.history()).records
    assert [record.seq for record in all_of_it] == list(range(1, len(all_of_it) + 1))
    assert (await session.history(after=all_of_it[-1].seq)).records == []
    assert (await session.history(limit=1)).records == all_of_it[:1]
    assert (await session.history(until=all_of_it[0].timestamp)).records == []
    assert (await session.history(since=all_of_it[0].timestamp)).records == all_of_it
    with pytest.raises(ThreadloomError, match="INVALID_ARGUMENT"):
        await session.history(type="coffee_made")


async def test_the_history_of_one_thread(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="a", input={"word": "hello"})
    await session.create_thread(asking(), thread_id="b", input={"word": "hello"})
    records = (await session.history(thread="a", type="thread_created")).records
    assert [(record.thread, record.flow) for record in records] == [("a", "asking@1")]
    assert (await session.history(flow="other@1")).records == []


async def test_statistics_count_operations(session: SessionHandle) -> None:
    await session.create_thread(asking(), thread_id="a", input={"word": "hello"})
    await session.thread("a").wait_until(lambda view: view.waiting is not None, timeout=30)
    await session.fork_thread("a", "ask")
    with pytest.raises(ThreadloomError, match="FORK_POINT_NOT_EXECUTED"):
        await session.fork_thread("a", "done", strategy="minimal")
    statistics = await session.statistics()
    assert statistics.operations["fork"] == {
        "total": 2,
        "successful": 1,
        "failed": 1,
        "by_strategy": {"partial": 1, "minimal": 1},
    }
    assert statistics.resources["threads"]["used"] == 2


async def test_lists_of_sessions_and_threads(session: SessionHandle, loom: Threadloom) -> None:
    await session.create_thread(asking(), thread_id="a", input={"word": "hello"})
    await session.history()
    listed = await loom.sessions(status="active")
    assert [entry.session_id for entry in listed] == [session.session_id]
    assert await loom.sessions(status="closed") == []
    threads = (await loom.threads(flow="asking@1")).threads
    assert [(entry.session_id, entry.thread_id) for entry in threads] == [(session.session_id, "a")]
    assert (await loom.threads(flow="asking@2")).threads == []
