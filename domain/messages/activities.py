"""Inputs and results of the product's own activities."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from domain.flow.model import MessageType
from domain.messages.base import Flows, Internal


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
        flow: The flow's document; None when the thread has no flow of its own, or goes on in one that its
            source was given, whose documents are in the seed.
        flows: The documents of the flows that the flow names, by reference.
        flow_name: None for a thread without a flow of its own.
        identity: `domain.thread.state.Identity` as JSON.
        seed: `domain.thread.snapshot.Seed` as JSON; None for a plan.
        answer: What the command answers with.
    """

    flow: dict[str, Any] | None
    flow_digest: str
    flows: Flows = {}
    flow_name: str | None
    flow_version: str | None
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


class DeliverInput(Internal):
    """Input of the activity that sends a message to threads.

    Attributes:
        to: The threads; None for all living ones of the session but the sender.
        sender: The thread that sends.
        key: The same one again is the same message: a thread takes it once.
        number: Of the message among those that the sender sends, one after the other; None from a thread of a
            version that did not count them.
        name: What receivers may ask for.
    """

    session_id: str
    to: list[str] | None
    sender: str
    key: str
    number: int | None = None
    name: str
    type: MessageType = "data"
    body: Any = None


class OutcomesInput(Internal):
    """Input of the activity that tells how threads ended."""

    session_id: str
    thread_ids: list[str]


class ThreadOutcome(Internal):
    """How a thread ended.

    Attributes:
        status: completed, failed or cancelled.
        error: {code, message, details}, unless it completed.
    """

    thread_id: str
    status: str
    result: Any = None
    error: dict[str, Any] | None = None


class RunLocalInput(Internal):
    """Input of the local activity that executes local nodes in a row; see `activities.handoff`.

    Attributes:
        key: Under which the thread left the row.
        execution: The first node's execution.
        nodes: How many nodes at most.
        seconds: For how long at most.
        now: Workflow time.
    """

    key: str
    execution: str
    nodes: int
    seconds: float
    now: datetime


class RunLocalResult(Internal):
    """What became of a row of local nodes.

    Attributes:
        results: `domain.thread.ahead.LocalResult` as JSON, in order.
        again: The execution behind them that failed and may be tried again, or was not tried.
        tried: Whether it was.
        cancelled: The row was to stop, and the execution behind them did not end.
    """

    results: list[dict[str, Any]]
    again: str | None = None
    tried: bool = True
    cancelled: bool = False
