"""Where a session stands, in Markdown, for Temporal's own pages."""

from __future__ import annotations

from domain.session.state import SessionState


def details(state: SessionState) -> str:
    """A few lines: status, who holds it, and how many threads have which status."""
    lines = [f"**{state.status.value}**{f' · {state.title}' if state.title else ''}"]
    if state.hold:
        lines.append(f"held by {state.hold.actor}{f': {state.hold.reason}' if state.hold.reason else ''}")
    counts = ", ".join(f"{count} {status}" for status, count in state.counts().items() if count and status != "total")
    lines.append(f"threads: {counts or 'none'}")
    return "\n\n".join(lines)
