"""Payloads of every signal, update, query and activity, and of workflow starts.

What people send (`Command`) is checked strictly: a field nobody knows is refused, since it is a
mistake. What workflows send each other (`Internal`) ignores unknown fields, so that two versions
can run side by side.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.flow.model import Duration
from domain.ids import NAME_PATTERN, require_id
from domain.values import JsonObject, digest, is_json

STATE_VERSION = 1
"""Version of the state that runs hand to each other."""

Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
PriorityName = Literal["low", "normal", "high", "urgent"]
Strategy = Literal["full", "partial", "minimal"]
NodeStates = Literal["copy", "inherit", "reset"]
NewThreadId = Annotated[str, AfterValidator(partial(require_id, "thread"))]
Amount = Annotated[int | float, Field(ge=0, le=1e30, allow_inf_nan=False)]
"""A sum of usage. Bounded far above what threads can use, so that whoever adds and divides cannot overflow."""
Seconds = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
M = TypeVar("M", bound=BaseModel)


class Command(BaseModel):
    """What somebody wants done, and who, and why. The id makes it happen once however often it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: ClassVar[str]

    command_id: Annotated[str, Field(min_length=1, max_length=200)]
    actor: Annotated[str, Field(min_length=1, max_length=200)] = "unknown"
    reason: Annotated[str | None, Field(max_length=2_000)] = None

    def digest(self) -> str:
        """Equal for equal commands, so that an id used for two different ones is noticed."""
        return digest(self.model_dump(mode="json"))


class CreateThread(Command):
    """Start a thread that executes a flow, given as its document."""

    operation = "create"

    thread_id: NewThreadId
    flow: dict[str, Any]
    input: Any = None
    context: Any = None
    metadata: dict[str, Any] = {}
    title: Text = ""
    description: Text = ""
    priority: PriorityName = "normal"
    hold: bool = False


class ForkThread(Command):
    """Start a thread from a point that another one has passed. See `domain.session.operations.fork`."""

    operation = "fork"

    thread_id: NewThreadId
    source: str
    at: str = ""
    resume: Literal["at", "after"] = "at"
    strategy: Strategy = "partial"
    retention: Strategy | None = None
    node_states: NodeStates | None = None
    include_history: bool | None = None
    include_metadata: bool | None = None
    set: dict[Name, Any] = {}
    flow: dict[str, Any] | None = None
    hold: bool = False
    plan: bool = False


class CopyThread(Command):
    """Start a copy of a thread. See `domain.session.operations.copy`."""

    operation = "copy"

    thread_id: NewThreadId
    source: str
    strategy: Literal["full", "partial", "selective"] = "full"
    nodes: list[Name] = []
    include_history: bool | None = None
    include_metadata: bool | None = None
    reset: bool | None = None
    hold: bool = False
    plan: bool = False


class ManageThread(Command):
    """Act on a thread through its session."""

    operation = "manage"

    thread_id: str
    action: Literal["start", "pause", "resume", "cancel"]


class DestroyThread(Command):
    """Take an ended thread off the lists; its history stays."""

    operation = "destroy"

    thread_id: str


class ConfigureSession(Command):
    """Change the session's configuration."""

    operation = "configure"

    config: dict[str, Any]


class PauseSession(Command):
    """Hold every thread of the session, also those started meanwhile."""

    operation = "pause"

    until: datetime | None = None


class ResumeSession(Command):
    """Lift the session's hold; with `hold_threads` each thread stays held by itself."""

    operation = "resume"

    hold_threads: bool = False


class CloseSession(Command):
    """Take no new threads; closed when the last one ends."""

    operation = "close"


class TerminateSession(Command):
    """End the session: its threads are cancelled, and after the grace ended by force."""

    operation = "terminate"

    grace: Duration | None = None


class SyncSession(Command):
    """Compare the threads believed alive with what Temporal knows of them, now."""

    operation = "sync"


class PauseThread(Command):
    """Hold the thread."""

    operation = "pause"

    until: datetime | None = None


class ResumeThread(Command):
    """Lift the thread's own holds."""

    operation = "resume"


class CancelThread(Command):
    """Cancel the thread."""

    operation = "cancel"


class Decide(Command):
    """Answer an approval; the first answer wins."""

    operation = "decide"

    node: Name
    choice: str
    visit: Annotated[int | None, Field(ge=1)] = None
    data: Any = None


class Send(Command):
    """Put a message into the thread's mailbox. The command's id is the message's, if it has no other."""

    operation = "send"

    body: Any = None
    name: Annotated[str | None, Field(max_length=100)] = None
    type: Literal["data", "control", "event", "error"] = "data"
    sender: Annotated[str | None, Field(max_length=200)] = None
    message_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class Internal(BaseModel):
    """What workflows and activities send each other."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SessionHoldChanged(Internal):
    """The session holds the thread, or no longer does.

    Attributes:
        keep: On release, hold the thread by itself instead.
    """

    held: bool
    actor: str
    reason: str | None = None
    keep: bool = False


class ThreadReport(Internal):
    """A thread tells its session where it stands.

    Attributes:
        seconds: Execution time so far.
    """

    thread_id: str
    status: str
    at: datetime
    started_at: datetime | None = None
    error: dict[str, Any] | None = None
    usage: dict[str, dict[str, Amount]] = {}
    seconds: Seconds = 0.0


class ThreadStart(Internal):
    """What a thread's workflow starts with: a seed, or the state its last run handed over.

    Attributes:
        seed: `domain.thread.snapshot.Seed` as JSON.
        holds: Holds from the first moment, `domain.thread.state.Hold` as JSON.
        created_by: Who asked for the thread, for its first record.
        state: `domain.thread.state.ThreadState` as JSON.
        outbox: Records not yet acknowledged, as JSON.
    """

    version: int = STATE_VERSION
    flow: dict[str, Any]
    flow_digest: str
    continue_as_new_after: int = 2_000
    shared_task_queues: list[str] = []
    seed: dict[str, Any] | None = None
    holds: list[dict[str, Any]] = []
    created_by: str | None = None
    reason: str | None = None
    state: dict[str, Any] | None = None
    answers: dict[str, dict[str, Any]] = {}
    outbox: dict[str, Any] | None = None


class SessionStart(Internal):
    """What a session's workflow starts with: its wishes, or the state its last run handed over.

    Attributes:
        config: As `domain.session.config.SessionConfig`.
        state: `domain.session.state.SessionState` as JSON.
        recent: The session's newest records, as it tells them when it is asked itself.
    """

    version: int = STATE_VERSION
    session_id: str
    config: dict[str, Any] = {}
    preset: str | None = None
    title: Text = ""
    user_id: str | None = None
    metadata: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    actor: str = "unknown"
    reason: str | None = None
    state: dict[str, Any] | None = None
    outbox: dict[str, Any] | None = None
    recent: list[dict[str, Any]] = []


class PrepareBranchInput(Internal):
    """Input of the activity that reads a source and prepares a fork or copy of it.

    Attributes:
        request: `ForkThread` or `CopyThread` as JSON.
    """

    session_id: str
    operation: Literal["fork", "copy"]
    request: dict[str, Any]
    at: datetime
    max_depth: int | None = None


class PreparedBranch(Internal):
    """A branch ready to start.

    Attributes:
        identity: `domain.thread.state.Identity` as JSON.
        seed: `domain.thread.snapshot.Seed` as JSON; None for a plan.
        answer: What the command answers with.
    """

    flow: dict[str, Any]
    flow_digest: str
    flow_name: str
    flow_version: str
    identity: dict[str, Any]
    seed: dict[str, Any] | None
    answer: dict[str, Any]


class ReconcileInput(Internal):
    """Input of the activity that looks for threads in Temporal."""

    session_id: str
    thread_ids: list[str]


class Finding(Internal):
    """What Temporal knows of a thread.

    Attributes:
        status: `running`, how the workflow closed, or `missing`.
        outcome: Of a completed workflow, the status that the thread ended with: its result says so.
        error: Of a completed workflow, why the thread failed or was cancelled.
    """

    thread_id: str
    status: str
    outcome: str | None = None
    error: dict[str, Any] | None = None
    closed_at: datetime | None = None


class ReconcileResult(Internal):
    """Threads that are not running."""

    findings: list[Finding]


class TerminateInput(Internal):
    """Input of the activity that ends workflows by force."""

    session_id: str
    thread_ids: list[str]
    reason: str


def completed(thread_id: str, result: object) -> Finding:
    """What the result of a thread's workflow, {status, result, error}, tells of it."""
    told = result if isinstance(result, dict) else {}
    error = told.get("error")
    return Finding(
        thread_id=thread_id,
        status="completed",
        outcome=str(told.get("status")),
        error=error if isinstance(error, dict) else None,
    )


def read(model: type[M], args: tuple[Any, ...]) -> M:
    """The message that a handler was called with.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for anything but one well-formed argument, `INVALID_ID`.
    """
    if len(args) != 1 or not isinstance(args[0], dict) or not is_json(args[0]):
        raise ThreadloomError(
            Code.INVALID_ARGUMENT, f"{model.__name__} takes one JSON object", {"arguments": len(args)}
        )
    try:
        return model.model_validate(args[0])
    except ValidationError as error:
        raise invalid(model.__name__, error) from error


def body(message: BaseModel) -> JsonObject:
    """The message as it is sent."""
    return message.model_dump(mode="json")
