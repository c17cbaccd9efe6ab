"""Large values: through the payload store, or refused; never a wedged workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from tests.integration.engine.flows import call, end, flow
from tests.integration.stack import Stack

EARTHQUAKES = Path(__file__).parents[4] / "shared" / "data" / "earthquakes.json"
HISTORY_BYTES = 200_000
"""What the history of a run that handles megabytes may take, with some room."""


@activity.defn(name="load")
async def load(path: str) -> Any:
    """The document in a file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))  # noqa: ASYNC240 a test's small file


@activity.defn(name="measure")
async def measure(document: Any) -> dict[str, int]:
    """How large what arrived is."""
    return {"bytes": len(json.dumps(document)), "items": len(document["features"])}


def quakes(path: Path) -> dict[str, Any]:
    return flow(
        "quakes",
        {
            "load": call("load", str(path), next="measure", save="document"),
            "measure": call("measure", "{{ document }}", next="ask", save="size"),
            "ask": {"kind": "approval", "prompt": "{{ size.items }} items?", "choices": ["yes"], "next": "done"},
            "done": end(items="{{ size.items }}", first="{{ document.features[0].id }}", note="{{ note }}"),
        },
        variables={"note": "none"},
    )


def documents(folder: Path) -> dict[str, Path]:
    """A made document of two megabytes, and the real one where it is there."""
    made = folder / "made.json"
    features = [{"id": f"made-{number}", "text": "x" * 1_000} for number in range(2_500)]
    made.write_text(json.dumps({"features": features}), encoding="utf-8")
    return {"made": made} | ({"earthquakes": EARTHQUAKES} if EARTHQUAKES.exists() else {})


@pytest.mark.parametrize("name", ["made", *(["earthquakes"] if EARTHQUAKES.exists() else [])])
async def test_a_thread_over_a_large_variable_runs_forks_and_copies(stack: Stack, tmp_path: Path, name: str) -> None:
    path = documents(tmp_path)[name]
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    async with stack.worker(load, measure):
        session = await stack.start_session()
        await session.create("t", quakes(path))
        await session.thread_waits("t", "approval")
        await session.update("fork_thread", source="t", thread_id="f", at="measure", set={"note": "forked"})
        await session.update("copy_thread", source="t", thread_id="c", strategy="full")
        for thread_id, note in (("t", "none"), ("f", "forked"), ("c", "none")):
            await session.thread_waits(thread_id, "approval")
            thread = session.thread(thread_id)
            await thread.execute_update("decide", {"node": "ask", "choice": "yes"})
            result = await stack.client.get_workflow_handle(thread.id).result()
            assert result["result"] == {"items": len(features), "first": features[0]["id"], "note": note}
            history = await thread.fetch_history()
            assert sum(event.ByteSize() for event in history.events) < HISTORY_BYTES
        shown = await thread.query("describe")
        assert shown["variables"]["document"]["elided"]
        variables = await stack.client.get_workflow_handle(thread.id).query("variables")
        assert len(variables["document"]["features"]) == len(features)
        history = await session.handle.fetch_history()
        assert sum(event.ByteSize() for event in history.events) < HISTORY_BYTES


async def test_an_argument_too_large_for_a_foreign_queue_is_refused_and_can_be_caught(
    stack: Stack, tmp_path: Path
) -> None:
    path = documents(tmp_path)["made"]
    nodes = {
        "load": call("load", str(path), next="foreign", save="document"),
        "foreign": call(
            "measure",
            "{{ document }}",
            next="done",
            task_queue="somebody-elses",
            on_error=[{"codes": ["PAYLOAD_TOO_LARGE"], "to": "caught"}],
        ),
        "caught": end(code="{{ error.code }}"),
        "done": end(),
    }
    async with stack.worker(load):
        session = await stack.start_session()
        await session.create("t", flow("foreign", nodes))
        result = await session.thread("t").result()
        assert (result["result"], result["error"]) == ({"code": "PAYLOAD_TOO_LARGE"}, None)


async def test_a_foreign_worker_without_our_payload_store_gets_its_arguments_whole(stack: Stack) -> None:
    text = "x" * 200_000
    queue = f"{stack.settings.task_queue}-foreign"

    @activity.defn(name="length")
    async def length(value: str) -> int:
        return len(value)

    nodes = {"foreign": call("length", text, next="done", save="n", task_queue=queue), "done": end(n="{{ n }}")}
    bare: Client = stack.bare
    async with stack.worker(), Worker(bare, task_queue=queue, activities=[length]):
        session = await stack.start_session()
        await stack.client.get_workflow_handle(session.handle.id).execute_update(
            "create_thread", {"thread_id": "t", "flow": flow("inline", nodes)}
        )
        assert (await session.thread("t").result())["result"] == {"n": len(text)}
