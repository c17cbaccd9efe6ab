"""Leaves a command in workflow tasks that would have none.

The SDK's core (1.35) takes a completed workflow task without commands for a heartbeat and merges it
with the next one, but not always: when the next one brings an update and the worker has lost its
cache, it merges while it runs and does not when it replays. The jobs then come in another order, and
the workflow fails its tasks for ever (temporalio/sdk-rust issue 1146). A thread or session whose
records were written leaves such a task, and an operator's answer is such an update, so this would
happen. One small event in each task that would be empty keeps the two apart; see docs/adr/0012.
"""

from __future__ import annotations

from temporalio import workflow

MEMO_KEY = "threadloom_turn"


class Trace:
    """Counts the workflow tasks of a run that might have been empty, in the workflow's memo."""

    def __init__(self) -> None:
        self._turn = 0
        self._task = -1

    def leave(self) -> None:
        """Put a command into this workflow task; once is enough."""
        task = workflow.info().get_current_history_length()
        if task == self._task:
            return
        self._task = task
        self._turn += 1
        workflow.upsert_memo({MEMO_KEY: self._turn})
