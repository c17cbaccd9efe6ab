"""Who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from domain import authorising
from domain.authorising import Attempt, Authoriser, attempt, require_permission
from domain.errors import Code
from domain.messages import (
    CancelFlow,
    CancelThread,
    CreateThread,
    CreateThreads,
    ForkThread,
    ManageThread,
    PauseSession,
    PauseThread,
    TerminateSession,
)
from domain.registry import NotRegisteredError, Registry
from domain.session.config import make_config
from domain.session.effects import SignalThread
from tests.builders import SessionDriver, refusal

C: dict[str, Any] = {"command_id": "c", "actor": "ann"}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(authorising, "REGISTERED", Registry[Authoriser]("an authoriser"))


@pytest.mark.parametrize(
    ("command", "name", "thread_id"),
    [
        (PauseSession(**C), "session.pause", None),
        (TerminateSession(**C), "session.terminate", None),
        (CancelFlow(**C, flow="f"), "session.cancel_flow", None),
        (CreateThread(**C, thread_id="t", flow={}), "thread.create", "t"),
        (CreateThreads(**C, flows={}, threads=[{"thread_id": "t", "flow": "f"}]), "thread.create", None),
        (ForkThread(**C, thread_id="t", source="s", at="n"), "thread.fork", "s"),
        (ManageThread(**C, thread_id="t", action="cancel"), "thread.cancel", "t"),
    ],
)
def test_an_attempt_says_who_wants_what_of_whom(command: Any, name: str, thread_id: str | None) -> None:
    seen = attempt(command, "s1", user_id="u")
    assert seen == Attempt(actor="ann", command=name, session_id="s1", thread_id=thread_id, user_id="u")


def test_a_command_to_a_thread_itself_is_named_alike() -> None:
    assert attempt(PauseThread(**C), "s1", thread_id="t").command == "thread.pause"
    assert attempt(CancelThread(**C), "s1", thread_id="t").command == "thread.cancel"


def test_what_is_not_permitted_is_forbidden() -> None:
    authorising.REGISTERED.register("ann_only@1", lambda attempted: attempted.actor == "ann")
    require_permission("ann_only@1", attempt(PauseSession(**C), "s1"))
    bob = attempt(PauseThread(command_id="c", actor="bob"), "s1", thread_id="t")
    error = refusal(lambda: require_permission("ann_only@1", bob))
    assert (error.code, error.message) == (Code.FORBIDDEN, "bob may not pause thread t of session s1")
    assert error.details == {"actor": "bob", "command": "thread.pause", "authoriser": "ann_only@1"}
    require_permission(None, bob)


def test_without_the_function_nobody_decides() -> None:
    with pytest.raises(NotRegisteredError, match="--tasks"):
        require_permission("ann_only@1", attempt(PauseSession(**C), "s1"))


def test_a_session_keeps_its_authoriser() -> None:
    config = make_config({"authoriser": "ann_only@1"})
    assert make_config({"authoriser": "ann_only@1", "max_threads": 1}, base=config).max_threads == 1
    assert refusal(lambda: make_config({"authoriser": None}, base=config)).code == Code.INVALID_ARGUMENT
    assert refusal(lambda: make_config({"authoriser": "somebody"})).code == Code.INVALID_ARGUMENT


def test_what_a_session_passes_on_is_not_asked_for_again() -> None:
    session = SessionDriver(authoriser="ann_only@1").create("a")
    session.told()
    session.ask(ManageThread, thread_id="a", action="pause")
    (signal,) = [effect for effect in session.told() if isinstance(effect, SignalThread)]
    assert signal.message["passed_on"] is True
