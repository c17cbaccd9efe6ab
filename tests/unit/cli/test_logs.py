"""What a worker's log lines say of where they come from."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from domain.errors import Code, ThreadloomError
from threadloom.logs import JsonFormatter, TextFormatter, configure_logs

THREAD = {"workflow_id": "session/s-1/thread/t.2", "run_id": "r", "workflow_type": "ThreadWorkflow", "task_queue": "q"}


def record(message: str = "done %s", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("somewhere", logging.WARNING, "file.py", 1, message, ("it",), None)
    vars(made).update(extra)
    return made


def line(**extra: Any) -> dict[str, Any]:
    text = JsonFormatter().format(record(**extra))
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_a_line_is_one_json_object() -> None:
    found = line()
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "warning", "logger": "somewhere", "message": "done it"}


def test_a_thread_is_named_with_its_session() -> None:
    found = line(temporal_workflow=THREAD)
    assert (found["session"], found["thread"], found["workflow_id"]) == ("s-1", "t.2", "session/s-1/thread/t.2")


def test_a_session_is_named_alone() -> None:
    found = line(temporal_workflow={"workflow_id": "session/s-1"})
    assert found["session"] == "s-1"


def test_a_pool_is_named_as_that() -> None:
    found = line(temporal_workflow={"workflow_id": "pool/licences"})
    assert found["pool"] == "licences"
    assert "session" not in found
    assert "thread" not in found


def test_an_activity_is_named_with_its_node() -> None:
    given = {**THREAD, "activity_id": "greet#2", "activity_type": "greet_people", "attempt": 3}
    found = line(temporal_activity=given)
    assert (found["thread"], found["node"], found["visit"]) == ("t.2", "greet", 2)
    assert (found["activity"], found["attempt"]) == ("greet_people", 3)


@pytest.mark.parametrize("foreign", [{"workflow_id": "order-17", "activity_id": "1"}, {}, "odd"])
def test_what_is_not_ours_has_no_session(foreign: object) -> None:
    found = line(temporal_workflow=foreign)
    assert not {"session", "thread", "node"} & set(found)


def test_an_exception_stays_on_the_line() -> None:
    made = record()
    try:
        raise ValueError("oh\nno")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    text = JsonFormatter().format(made)
    assert "\n" not in text
    assert "ValueError: oh" in json.loads(text)["exception"]


def test_text_for_people_ends_with_the_place() -> None:
    text = TextFormatter().format(record(temporal_activity={**THREAD, "activity_id": "greet#2"}))
    assert text.endswith("WARNING somewhere done it [session=s-1 thread=t.2 node=greet]")


@pytest.mark.parametrize(("level", "format"), [("loud", "json"), ("info", "xml")])
def test_a_log_that_cannot_be_is_refused(level: str, format: str) -> None:
    with pytest.raises(ThreadloomError) as caught:
        configure_logs(level, format, io.StringIO())
    assert caught.value.code == Code.INVALID_ARGUMENT
