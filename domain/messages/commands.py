"""Commands: what people, and flows, want of a session or a thread."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.flow.model import Duration, PositiveDuration
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
from domain.resources import Requirements

THREADS_TOGETHER = 200
"""Threads of one command at most. They are admitted within one workflow task, about a millisecond each."""


class CreateThread(Command):
    """Start a thread that executes a flow, given as its document, or one that waits for flows to execute.

    Attributes:
        flow: None for a thread without a flow of its own; see `ExecuteFlow`.
        flows: The documents of the flows that it names, and of those that they name.
        requires: What it needs before it starts, besides what its flow requires; where both name a resource,
            this counts.
        wait_for_resources: Wait for what is taken, instead of being refused.
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
    requires: Requirements = {}
    wait_for_resources: bool = True


class NewThread(BaseModel):
    """One of many threads to start. Fields as in `CreateThread`.

    Attributes:
        flow: Key of its flow in the command.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    thread_id: str
    flow: str
    input: Any = None
    context: Any = None
    metadata: dict[str, Any] = {}
    title: Text = ""
    description: Text = ""
    priority: PriorityName = "normal"
    hold: bool = False
    requires: Requirements = {}
    wait_for_resources: bool = True


class FlowDocuments(BaseModel):
    """A flow's document, and those of the flows that it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: dict[str, Any]
    flows: Flows = {}


class CreateThreads(Command):
    """Start many threads at once. Each is admitted or refused by itself; the answer has one for each, in order.

    Attributes:
        flows: What they execute, by keys of the sender's choice.
    """

    operation = "create_many"

    flows: dict[str, FlowDocuments]
    threads: Annotated[list[NewThread], Field(min_length=1, max_length=THREADS_TOGETHER)]


class SpawnThread(CreateThread):
    """A thread of the same session starts one beside itself.

    Attributes:
        spawned_by: The thread that starts it, its parent in the lineage.
        on_parent_end: What becomes of it when that thread ends.
    """

    operation = "spawn"

    spawned_by: str
    on_parent_end: Literal["cancel", "leave"] = "cancel"


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


class PrioritiseThread(Command):
    """Change the priority of a thread that waits for its turn."""

    operation = "prioritise"

    thread_id: str
    priority: PriorityName


class CancelFlow(Command):
    """Cancel all threads of a flow, those that wait for their turn and those that run.

    Attributes:
        flow: Its name, or `name@version`.
    """

    operation = "cancel_flow"

    flow: Annotated[str, Field(min_length=1, max_length=200)]


class AllocateResources(Command):
    """Take resources of the session, for whoever is not a thread of it.

    Attributes:
        allocation_id: The command's own id when there is none.
        duration: After which they are free again; as configured when there is none.
    """

    operation = "allocate"

    allocation_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    holder: Annotated[str | None, Field(max_length=200)] = None
    resources: Annotated[Requirements, Field(min_length=1)]
    duration: PositiveDuration | None = None


class ReleaseResources(Command):
    """Free what was allocated, before its time; a thread's too."""

    operation = "release"

    allocation_id: str


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
    """End the session: its threads are cancelled, and after the grace ended by force.

    Attributes:
        compensate: Whether what the threads have done is undone first.
    """

    operation = "terminate"

    grace: Duration | None = None
    compensate: bool = True


class SyncSession(Command):
    """Compare the threads believed alive with what Temporal knows of them, now."""

    operation = "sync"
