"""A run in the process ends as the thread does that meets the same."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.flow.parse import analyse
from domain.thread.state import wake_at
from domain.values import JsonObject
from tests.builders import NOW, ThreadDriver
from tests.property.thread.flows import flows
from threadloom.testing import Fail, run_flow

answers = st.sampled_from([1, None, ["x"], {"model": "m", "tokens": 2}, Fail("BOOM", retryable=False)])
choices = st.sampled_from(["yes", "no", None])
bodies = st.sampled_from([1, {"k": 1}])


def driven(document: JsonObject, answer: Any, choice: str | None, body: Any) -> ThreadDriver:
    """The thread, answered like this whenever it asks, its clock turned to whatever it waits for."""
    thread = ThreadDriver.begin(document, input={"n": 1})
    asked, sent = None, 0
    while thread.state.outcome is None:
        active = thread.state.active
        if thread.call is not None:
            thread.fail(answer.code, answer.message) if isinstance(answer, Fail) else thread.complete(answer)
        elif active is not None and active.waiting.kind == "approval" and choice and not thread.state.holds:
            thread.answer(active.node, choice, actor="mock")
        elif active is not None and active.waiting.kind == "message" and active.key != asked:
            asked, sent = active.key, sent + 1
            thread.send(body, name=active.waiting.expects["name"], id=f"message-{sent}")
        elif (moment := wake_at(thread.state)) is not None:
            thread.after((moment - thread.now).total_seconds())
        else:
            break
    return thread


@settings(max_examples=400)
@given(flows(), answers, choices, bodies)
def test_it_goes_the_same_way(document: JsonObject, answer: Any, choice: str | None, body: Any) -> None:
    assume(analyse(document).flow is not None)
    kinds = {name: node["kind"] for name, node in document["nodes"].items()}
    mocks = {name: answer for name, kind in kinds.items() if kind == "activity"}
    mocks |= {name: choice for name, kind in kinds.items() if kind == "approval" and choice}
    mocks |= {name: body for name, kind in kinds.items() if kind == "receive"}
    run = run_flow(document, {"n": 1}, mocks=mocks, start=NOW)
    thread = driven(document, answer, choice, body)
    assert run.path == thread.path
    assert run.variables == thread.state.current.outermost.variables
    assert run.ended_at == thread.now
    assert run.status == ("waiting" if thread.state.outcome is None else thread.status)
    if run.status == "completed":
        assert run.result == thread.result
    if run.status == "failed":
        assert run.error == thread.error
