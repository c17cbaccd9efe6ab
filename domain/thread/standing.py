"""What a thread tells its session of itself."""

from __future__ import annotations

from datetime import datetime

from domain.flow.model import FlowDefinition
from domain.messages import Standing, ThreadReport
from domain.thread.state import ThreadState, ThreadStatus
from domain.thread.views import thread_row


def report(state: ThreadState, status: ThreadStatus, at: datetime, *, tells_idle: bool) -> ThreadReport:
    """Where the thread stands.

    Args:
        state: The thread.
        status: What to tell of.
        at: Since when.
        tells_idle: The session wants to hear whether it waits for something.
    """
    began = state.started_at or state.identity.created_at
    error = state.outcome.error if state.outcome else None
    ended = state.outcome is not None
    return ThreadReport(
        thread_id=state.identity.thread_id,
        status=status.value,
        idle=tells_idle and state.waits,
        at=at,
        started_at=state.started_at,
        error=error.visible() if error else None,
        usage={model: dict(figures) for model, figures in state.current.usage.items()} if ended else {},
        seconds=(at - began).total_seconds(),
        messages=dict(state.received),
    )


def standing(
    flow: FlowDefinition | None, flow_digest: str, state: ThreadState, at: datetime, *, tells_idle: bool
) -> Standing:
    """All that a session keeps of the thread; arguments as for `domain.thread.views.thread_row` and `report`."""
    own = None if state.identity.flowless else flow
    return Standing(
        report=report(state, state.status, at, tells_idle=tells_idle),
        row=thread_row(flow, flow_digest, state),
        requires=dict(own.requires) if own is not None else {},
    )
