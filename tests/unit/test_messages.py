"""Messages as they come: strict where people write them, lenient between workflows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from domain.messages import (
    CopyThread,
    CreateThread,
    Decide,
    ExecuteFlow,
    ForkThread,
    ManageThread,
    PauseSession,
    Send,
    SessionHoldChanged,
    TerminateSession,
    ThreadReport,
    body,
    read,
)
from tests.builders import NOW, refusal


@pytest.mark.parametrize(
    "args",
    [(), (1,), ("text",), (None,), ([],), ({}, {}), ({"command_id": float("nan")},), ({1: 2},), ({"x": {1, 2}},)],
)
def test_what_is_no_json_object_is_refused(args: tuple[Any, ...]) -> None:
    error = refusal(lambda: read(PauseSession, args))
    assert (error.code, error.details) == (Code.INVALID_ARGUMENT, {"arguments": len(args)})


@pytest.mark.parametrize(
    ("model", "fields", "at"),
    [
        (PauseSession, {"command_id": ""}, "command_id"),
        (PauseSession, {"command_id": "c" * 201}, "command_id"),
        (PauseSession, {"until": "tomorrow"}, "until"),
        (PauseSession, {"reason": "x" * 2_001}, "reason"),
        (PauseSession, {"unheard_of": 1}, "unheard_of"),
        (ExecuteFlow, {"thread_id": "t"}, "flow"),
        (CreateThread, {"thread_id": "t", "flow": [], "priority": "low"}, "flow"),
        (CreateThread, {"thread_id": "t", "flow": {}, "priority": "highest"}, "priority"),
        (ForkThread, {"thread_id": "t", "source": "s", "set": {"not a name": 1}}, "set.not a name.[key]"),
        (ForkThread, {"thread_id": "t", "source": "s", "resume": "before"}, "resume"),
        (CopyThread, {"thread_id": "t", "source": "s", "nodes": "load"}, "nodes"),
        (ManageThread, {"thread_id": "t", "action": "explode"}, "action"),
        (Decide, {"node": "ask", "choice": "y", "visit": 0}, "visit"),
        (Send, {"message_id": ""}, "message_id"),
        (TerminateSession, {"grace": "soon"}, "grace"),
    ],
)
def test_a_malformed_command_is_refused_with_the_place(model: Any, fields: dict[str, Any], at: str) -> None:
    error = refusal(lambda: read(model, ({"command_id": "c", **fields},)))
    assert error.code == Code.INVALID_ARGUMENT
    assert [problem["at"] for problem in error.details["problems"]] == [at]
    assert f"{at}: " in error.message


@pytest.mark.parametrize("thread_id", ["", "-a", "a/b", "x" * 65, "a b", "ä"])
def test_a_new_thread_has_an_id_that_people_can_write(thread_id: str) -> None:
    fields = {"command_id": "c", "thread_id": thread_id, "flow": {}}
    assert refusal(lambda: read(CreateThread, (fields,))).code == Code.INVALID_ID


def test_what_is_read_is_what_was_sent() -> None:
    command = read(TerminateSession, ({"command_id": "c", "actor": "ann", "grace": "90s"},))
    assert command.grace == timedelta(seconds=90)
    assert body(command) == {"command_id": "c", "actor": "ann", "grace": "1m30s"}, "defaults go without saying"
    assert read(TerminateSession, (body(command),)) == command


def test_equal_commands_have_equal_digests_and_others_do_not() -> None:
    one = ForkThread(command_id="c", thread_id="t", source="s", set={"a": 1, "b": 2})
    same = ForkThread(command_id="c", thread_id="t", source="s", set={"b": 2, "a": 1})
    other = ForkThread(command_id="c", thread_id="t", source="s", set={"a": 1, "b": 3})
    assert one.digest() == same.digest() != other.digest()


def test_workflows_of_another_version_may_say_more() -> None:
    report = {"thread_id": "t", "status": "running", "at": NOW.isoformat(), "mood": "good"}
    assert read(ThreadReport, (report,)).status == "running"
    changed = read(SessionHoldChanged, ({"held": True, "actor": "ann", "why": 1},))
    assert (changed.held, changed.keep) == (True, False)
    assert refusal(lambda: read(SessionHoldChanged, ({"held": "perhaps", "actor": "ann"},))).code == "INVALID_ARGUMENT"
