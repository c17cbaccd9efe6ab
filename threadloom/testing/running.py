"""`run_flow`: a thread without Temporal, its clock turned from one thing that happens to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Code, ThreadloomError
from domain.flow.schema import check_input
from domain.instants import as_utc
from domain.thread.snapshot import first_seed, restore
from domain.thread.state import Identity
from domain.values import Json, JsonObject
from threadloom.testing.driving import Driver, Observer
from threadloom.testing.functions import Functions
from threadloom.testing.mocks import Mocks
from threadloom.testing.result import FlowRun
from threadloom.testing.sources import Source, load_program
from threadloom.testing.world import World

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When runs begin that are not told otherwise."""

SESSION = "local"
THREAD = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message for the run's mailbox.

    Attributes:
        after: How long after the start it comes.
    """

    body: Json = None
    name: str | None = None
    type: str = "data"
    sender: str | None = None
    after: timedelta = timedelta()


def run_flow(
    source: Source,
    input: Json = None,
    *,
    mocks: Mapping[str, Any] | None = None,
    flows: Iterable[Source] = (),
    activities: Iterable[Callable[..., Any]] = (),
    messages: Sequence[Message] = (),
    shared: JsonObject | None = None,
    start: datetime = START,
    until: datetime | timedelta | None = None,
    max_steps: int = 10_000,
    observer: Observer | None = None,
) -> FlowRun:
    """Run a flow to its end, or until it waits for what nobody gives.

    Args:
        source: The flow's file, or its document.
        input: The thread's input.
        mocks: What stands for the world outside, by node id, by path (`outer/inner`) or by
            `activity:NAME`: a value, a failure (`Fail` or any exception), `in_turn(…)` of these, or a
            function of the rendered arguments. The value of a map is the list of its results; of a
            receive, the message's body; of an approval, the choice or {choice, data, actor, reason};
            of a request, {status, headers, body}; of a join, the rows of its result.
        flows: The flows that it names.
        activities: The real functions; inline functions need only be registered.
        messages: What comes into the mailbox, and when.
        shared: The session's shared variables.
        start: The moment at which virtual time begins.
        until: When to stop looking: an instant, or a time after the start.
        max_steps: Node executions, further attempts and reminders before the run is stopped.
        observer: Called with each node execution as it ends, as in `FlowRun.executions`.

    Returns:
        How it ended. What waits for someone and has a timeout, times out when nobody answers.

    Raises:
        ThreadloomError: `FLOW_NOT_FOUND`, `FLOW_INVALID`, `INPUT_INVALID`; `MOCK_MISSING` names the
            node and the mock that it wants; `INVALID_ARGUMENT`, `BAD_CHOICE` and `BAD_DATA` for a mock
            that does not fit its node.
        AssertionError: As mocks that are functions raise it.
    """
    program = load_program(source, flows)
    executed = [program.flow, *map(program.named, program.documents)]
    check_input(program.flow, input)
    begins = as_utc(start)
    identity = Identity(session_id=SESSION, thread_id=THREAD, created_at=begins, root=THREAD)
    state = restore(first_seed(program.flow, identity, input=input, shared=shared), begins)
    ends = begins + until if isinstance(until, timedelta) else as_utc(until) if until else None
    if max_steps < 1:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "max_steps is at least 1")
    mail = [
        (begins + each.after, {"body": each.body, "name": each.name, "type": each.type, "sender": each.sender})
        for each in messages
    ]
    with Functions(activities) as functions:
        world = World(Mocks(mocks or {}, executed), functions)
        driver = Driver(program, state, world, begins, mail=mail, until=ends, max_steps=max_steps, observer=observer)
        return driver.run()
