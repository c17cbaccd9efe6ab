"""Sessions and threads as people find them in Temporal's own lists and pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.worker import Worker

from tests.integration.client.flows import asking, end, flow
from tests.integration.stack import Stack, eventually
from threadloom import SessionHandle, Threadloom
from threadloom.search_attributes import missing

SITTING = flow(
    {"sit": {"kind": "wait", "for": "1h", "title": "Sit still", "next": "done"}, "done": end("")}, name="sit"
)

Found = Callable[[str], Awaitable[set[str]]]


@pytest.fixture
async def session(worker: Worker, stack: Stack, loom: Threadloom, new_id: str) -> SessionHandle:
    """A session that started when a worker had registered the attributes."""
    await eventually(lambda: missing(stack.bare), lambda absent: absent == [])
    await loom.start_session(new_id)
    return loom.session(new_id)


@pytest.fixture
def found(stack: Stack, session: SessionHandle) -> Found:
    """Which of the session's workflows a filter of Temporal's lists finds: ids of threads, or "" for itself."""

    async def look(query: str) -> set[str]:
        own = f"ThreadloomSession = '{session.session_id}' AND {query}"
        ids = [listed.id async for listed in stack.bare.list_workflows(own)]
        return {name.removeprefix(f"session/{session.session_id}").removeprefix("/thread/") for name in ids}

    return look


async def shows(found: Found, query: str, expected: set[str]) -> None:
    """Wait until the list is as expected: Temporal's lists are a moment behind."""
    await eventually(lambda: found(query), lambda names: names == expected)


async def test_temporals_lists_filter_by_session_status_flow_and_hold(session: SessionHandle, found: Found) -> None:
    for thread_id in ("a", "b"):
        await session.create_thread(SITTING, thread_id=thread_id)
    await session.create_thread(asking(), thread_id="c", input={"word": "yes"})
    await session.thread("b").pause(wait=True)

    await shows(found, "ThreadloomStatus = 'running'", {"a", "c"})
    await shows(found, "ThreadloomStatus = 'active'", {""})
    await shows(found, "ThreadloomFlow = 'sit@1'", {"a", "b"})
    await shows(found, "ThreadloomHeld = true", {"b"})

    await session.thread("a").cancel(wait=True)
    await session.thread("b").resume(wait=True)
    await shows(found, "ThreadloomStatus = 'cancelled'", {"a"})
    await shows(found, "ThreadloomHeld = true", set())


async def details(stack: Stack, workflow_id: str) -> str:
    handle = stack.bare.get_workflow_handle(workflow_id)
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


async def test_temporals_page_of_a_workflow_shows_where_it_stands(stack: Stack, session: SessionHandle) -> None:
    async def thread_details() -> str:
        return await details(stack, f"session/{session.session_id}/thread/a")

    await session.create_thread(SITTING, thread_id="a")
    shown = await eventually(thread_details, lambda text: "waits for" in text)
    assert "**running** · sit@1" in shown
    assert "at `sit#1` (Sit still)" in shown

    await session.thread("a").pause(wait=True)
    await eventually(thread_details, lambda text: "**paused**" in text)
    of_session = partial(details, stack, f"session/{session.session_id}")
    shown = await eventually(of_session, lambda text: "1 paused" in text)
    assert "**active**" in shown

    await session.thread("a").cancel(wait=True)
    await eventually(thread_details, lambda text: "**cancelled**" in text)
