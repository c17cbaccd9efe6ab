"""Commands: what people, and flows, want of a session or a thread."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.flow.model import Duration
from domain.messages.base import (
    Command,
    Flows,
    Name,
    NewThreadId,
    NodePath,
    NodeStates,
    PriorityName,
    Strategy,
    Text,
)


class CreateThread(Command):
    """Start a thread that executes a flow, given as its document, or one that waits for flows to execute.

    Attributes:
        flow: None for a thread without a flow of its own; see `ExecuteFlow`.
        flows: The documents of the flows that it names, and of those that they name.
    """

    operation = "create"

    thread_id: NewThreadId
    flow: dict[str, Any] | None = None
    flows: Flows = {}
    input: Any = None
    context: Any = None
    metadata: dict[str, Any] = {}
    title: Text = ""
    description: Text = ""
    priority: PriorityName = "normal"
    hold: bool = False


class SpawnThread(CreateThread):
    """A thread of the same session starts one beside itself.

    Attributes:
        spawned_by: The thread that starts it, its parent in the lineage.
        on_parent_end: What becomes of it when that thread ends.
        requires: Resources of the session that it needs, by name.
    """

    operation = "spawn"

    spawned_by: str
    on_parent_end: Literal["cancel", "leave"] = "cancel"
    requires: dict[str, float] = {}


class ForkThread(Command):
    """Start a thread from a point that another one has passed. See `domain.session.operations.fork`.

    Attributes:
        flow: Another flow, or version of the flow, to go on with.
        flows: With another flow, the documents of the flows that it names, as for `CreateThread`.
        enter: The node to go on at, instead of the point's: a branch of a fork node, which ends with its flow.
    """

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
    flows: Flows = {}
    enter: Name | None = None
    hold: bool = False
    plan: bool = False


class CopyThread(Command):
    """Start a copy of a thread. See `domain.session.operations.copy`."""

    operation = "copy"

    thread_id: NewThreadId
    source: str
    strategy: Literal["full", "partial", "selective"] = "full"
    nodes: list[NodePath] = []
    include_history: bool | None = None
    include_metadata: bool | None = None
    reset: bool | None = None
    hold: bool = False
    plan: bool = False


class ManageThread(Command):
    """Act on a thread through its session."""

    operation = "manage"

    thread_id: str
    action: Literal["start", "pause", "resume", "cancel", "close"]


class ExecuteFlow(Command):
    """Give a thread without a flow of its own one to execute, in the context that the last one left.

    It waits in line while the thread executes another one. The command's id is the execution's.

    Attributes:
        flow: The flow's document.
        flows: The documents of the flows that it names, as for `CreateThread`.
    """

    operation = "execute"

    thread_id: str
    flow: dict[str, Any]
    flows: Flows = {}
    input: Any = None


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


class CloseThread(Command):
    """Let a thread without a flow of its own take no more; it completes when it has executed those in line."""

    operation = "close"


class Decide(Command):
    """Answer an approval; the first answer wins."""

    operation = "decide"

    node: NodePath
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
