"""How the workflow of a session begins that was lost: it gathers what is left before it does anything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.recovering import RecoveryActivities
from domain.errors import ThreadloomError
from domain.ids import require_id
from domain.messages import (
    RecoveredSession,
    RecoverInput,
    RecoverSession,
    SessionStart,
    TerminateSession,
    read,
)
from domain.registry import NotRegisteredError
from workflows.failures import defect, refusal_of, to_failure
from workflows.host import Host
from workflows.session.entity import SessionEntity

_ATTEMPT = timedelta(minutes=10)
_HEARTBEAT = timedelta(seconds=20)
_AS_LONG_AS_IT_TAKES = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


def lost_session(args: tuple[Any, ...]) -> SessionStart | None:
    """The workflow's input, if it is to recover a session; None if it has a state or makes one."""
    if len(args) != 1 or not isinstance(args[0], dict) or not args[0].get("recover"):
        return None
    try:
        start = read(SessionStart, args)
    except ThreadloomError:
        return None  # whoever begins says what is wrong with it
    return start if start.recover is not None and start.state is None else None


async def begin_again(start: SessionStart, host: Host[SessionEntity]) -> None:
    """Gather what is left of the session, for as long as that takes, and go on from there.

    Raises:
        ApplicationError: Nothing is left of the session, or who wants it back may not.
    """
    assert start.recover is not None
    with _told_as_failure():
        require_id("session", start.session_id)
        command = read(RecoverSession, (start.recover.command,))
    wanted = RecoverInput(
        session_id=start.session_id,
        run_id=start.recover.run_id,
        at=workflow.now(),
        searchable=start.searchable,
    )
    found = await _gather(wanted, host)
    with _told_as_failure():
        session = SessionEntity(read(SessionStart, (found.start,)))
        session.restore(found, command)
    host.begin(lambda: session)


@contextmanager
def _told_as_failure() -> Iterator[None]:
    """Fail the workflow: it can be recovered again, which a task that fails for ever cannot."""
    try:
        yield
    except NotRegisteredError:
        raise  # the task fails, and is another worker's
    except ThreadloomError as error:
        raise to_failure(error) from error
    except Exception as error:
        raise to_failure(defect(error)) from error


async def _gather(wanted: RecoverInput, host: Host[SessionEntity]) -> RecoveredSession:
    while True:
        try:
            return await workflow.execute_activity_method(
                RecoveryActivities.recover,
                wanted,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=_AS_LONG_AS_IT_TAKES,
                summary="what is left of the session",
            )
        except BaseException as error:
            if is_cancelled_exception(error):
                # It ends properly once it is back, and its threads with it.
                host.signal(TerminateSession, ({"actor": "temporal", "reason": "cancelled in Temporal"},))
            elif isinstance(error, ActivityError):
                raise to_failure(refusal_of(error)) from error
            else:
                raise
