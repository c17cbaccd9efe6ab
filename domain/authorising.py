"""Who may do what: a port that a team fills with a pure function of its own; without one everybody may everything.

It is asked before anything else is looked at, and again whenever a history is replayed, so it decides by
what it is given and by nothing that changes. Who an actor is, it does not know: whoever lets people in
(a console, a gateway, Temporal's own authorisation) sees to that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import Code, ThreadloomError
from domain.messages import Command, CreateThreads, ManageThread
from domain.registry import NotRegisteredError, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody wants something done.

    Attributes:
        actor: Who, as the command says.
        command: What: `session.pause`, `session.resume`, `session.close`, `session.terminate`, `session.sync`,
            `session.recover`, `session.configure`, `session.cancel_flow`, `thread.create`, `thread.fork`,
            `thread.copy`, `thread.pause`, `thread.resume`, `thread.start`, `thread.cancel`, `thread.destroy`,
            `thread.prioritise`, `thread.decide`, `thread.send`.
        session_id: Where.
        thread_id: Which thread: the new one of a create, the source of a fork or copy.
        user_id: Whose session it is, where the session itself is asked.
    """

    actor: str
    command: str
    session_id: str
    thread_id: str | None = None
    user_id: str | None = None


Authoriser = Callable[[Attempt], bool]
"""Whether the attempt is permitted."""

REGISTERED: Registry[Authoriser] = Registry("an authoriser")


def attempt(command: Command, session_id: str, *, thread_id: str | None = None, user_id: str | None = None) -> Attempt:
    """What the command attempts.

    Args:
        command: What somebody sent.
        session_id: To which session, or to a thread of which.
        thread_id: To which thread; to the session itself without one.
        user_id: Whose session it is.
    """
    target = thread_id or getattr(command, "source", None) or getattr(command, "thread_id", None)
    operation = command.action if isinstance(command, ManageThread) else command.operation
    if isinstance(command, CreateThreads):
        operation = "create"
    of_thread = target is not None or isinstance(command, CreateThreads)
    return Attempt(
        actor=command.actor,
        command=f"{'thread' if of_thread else 'session'}.{operation}",
        session_id=session_id,
        thread_id=target,
        user_id=user_id,
    )


def require_permission(name: str | None, attempted: Attempt) -> None:
    """Let what is permitted pass.

    Args:
        name: The authoriser's, as `name@version`; None permits everything.
        attempted: What somebody wants.

    Raises:
        ThreadloomError: `FORBIDDEN`.
        NotRegisteredError: This worker does not have the authoriser.
    """
    if name is None:
        return
    if (found := REGISTERED.find(name)) is None:
        raise NotRegisteredError(f"no authoriser is registered as {name}: start the worker with --tasks MODULE")
    if not found[0](attempted):
        where = f"session {attempted.session_id}"
        where = f"thread {attempted.thread_id} of {where}" if attempted.thread_id else where
        message = f"{attempted.actor} may not {attempted.command.partition('.')[2]} {where}"
        details = {"actor": attempted.actor, "command": attempted.command, "authoriser": name}
        raise ThreadloomError(Code.FORBIDDEN, message, details)
