"""Where a thread stands, in Markdown, for Temporal's own pages."""

from __future__ import annotations

from domain.flow.model import FlowDefinition
from domain.thread.state import ThreadState
from domain.thread.views import progress
from domain.thread.waiting import current_node, waiting_for


def details(flow: FlowDefinition | None, state: ThreadState) -> str:
    """A few lines; never a value of the thread's, which may be large or private."""
    lines = [
        f"**{state.status.value}** · {flow.label} · {progress(flow, state)} %" if flow else f"**{state.status.value}**"
    ]
    if flow is not None and (node := current_node(state)):
        visit = state.active.visit if state.active else state.current.visits(state.current.next or "") + 1
        title = getattr(flow.nodes.get(node), "title", "")
        lines.append(f"at `{node}#{visit}`{f' ({title})' if title else ''}, after {state.steps} steps")
    if waits := waiting_for(state):
        lines.append(f"waits for {waits}")
    if state.outcome and state.outcome.error:
        lines.append(f"`{state.outcome.error.code}`: {state.outcome.error.message[:500]}")
    return "\n\n".join(lines)
