"""The state that a thread's workflow starts with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.flow.bundle import shared
from domain.messages import STATE_VERSION, ThreadStart
from domain.thread.checkpoint import Checkpoint, fold
from domain.thread.mailbox import MailboxLimits
from domain.thread.program import Program, Programs
from domain.thread.snapshot import Seed, restore
from domain.thread.state import Hold, ThreadState
from domain.values import JsonObject


def restored(program: Program, start: ThreadStart, ids: tuple[str, str], now: datetime) -> ThreadState:
    """The state that the last run handed over, or the one that the seed describes.

    Args:
        program: The flows that the thread executes.
        start: The workflow's input.
        ids: Session and thread, as the workflow's id has them.
        now: Workflow time.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` when the input is of another thread, of a newer version
            or of none; `NODE_NOT_FOUND` when it stands at a node that the flow does not have.
    """
    if start.version > STATE_VERSION:
        message = f"state of version {start.version} is newer than this program's {STATE_VERSION}"
        raise ThreadloomError(Code.INVALID_ARGUMENT, message)
    if start.state is not None:
        state = _handed_over(start.state)
    elif start.seed is not None:
        limits = MailboxLimits(messages=start.max_mailbox, size=start.mailbox_bytes)
        state = replace(_held(restore(load(Seed, start.seed), now), start.holds), mailbox_limits=limits)
    else:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a thread starts from a seed or from a state")
    if state.library:
        state = replace(state, library={name: shared(document) for name, document in state.library.items()})
    if (state.identity.session_id, state.identity.thread_id) != ids:
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"the start input is of another thread than {'/'.join(ids)}")
    if state.identity.flowless and program.main is not None:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a thread without a flow of its own starts without one")
    if state.idle:
        return state
    program = Programs(program).at(state.current, state.library)
    if program.main is None:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a thread that has a flow of its own starts with it")
    if state.outcome is None and state.ending is None and state.returned is None:
        flow, stands_at = program.at(state.current), state.current.next
        if stands_at not in flow.nodes:
            raise ThreadloomError(Code.NODE_NOT_FOUND, f"{flow.label} has no node {stands_at}", {"node": stands_at})
    return state


def _handed_over(data: JsonObject) -> ThreadState:
    state = load(ThreadState, {**data, "current": dump(Checkpoint())})
    return replace(state, current=fold(state.base, state.journal))


def _held(state: ThreadState, holds: list[JsonObject]) -> ThreadState:
    held = [load(Hold, hold) for hold in holds]
    # The status stays as it is: its change is the first decision's, so that it is reported and recorded.
    return replace(state, holds={hold.kind: hold for hold in held})
