from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import ThreadloomError
from domain.messages import CreateThread, Decide, PauseSession, Send, body, read
from threadloom.delivery import command

FLOW: dict[str, Any] = {"flow": "f"}


def test_a_command_without_an_id_gets_one_of_its_own() -> None:
    first, second = (command(PauseSession, None, "ann", None) for _ in range(2))
    assert first.command_id != second.command_id


def test_a_command_reads_the_same_on_the_other_side() -> None:
    """Otherwise the same command again would be taken for another one."""
    sent = command(PauseSession, "c", "ann", "why", until=datetime.now(UTC) + timedelta(hours=1))
    assert read(PauseSession, (body(sent),)).digest() == sent.digest()
    created = command(CreateThread, "c", "ann", None, thread_id="t", flow=FLOW, input={"b": [1.5, None], "a": "ü"})
    assert read(CreateThread, (body(created),)).digest() == created.digest()


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (CreateThread, {"thread_id": "a b", "flow": FLOW}, "INVALID_ID"),
        (CreateThread, {"thread_id": "t", "flow": FLOW, "title": "t" * 501}, "INVALID_ARGUMENT.*title"),
        (CreateThread, {"thread_id": "t", "flow": FLOW, "input": {1: 2}}, "INVALID_ARGUMENT.*input"),
        (CreateThread, {"thread_id": "t", "flow": FLOW, "context": datetime.now(UTC)}, "INVALID_ARGUMENT.*context"),
        (Decide, {"node": "n", "choice": "c", "visit": 0}, "INVALID_ARGUMENT.*visit"),
        (Send, {"body": float("nan")}, "INVALID_ARGUMENT.*body"),
        (Send, {"body": {"a": {1, 2}}}, "INVALID_ARGUMENT.*body"),
        (Send, {"type": "shout"}, "INVALID_ARGUMENT.*type"),
    ],
)
def test_a_malformed_command_is_refused_before_it_is_sent(model: type[Any], fields: Any, message: str) -> None:
    with pytest.raises(ThreadloomError, match=message):
        command(model, None, "ann", None, **fields)
