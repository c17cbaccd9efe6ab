"""Asks the session for what only it can do: to start, watch or cancel threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.ids import session_workflow_id
from domain.messages import ThreadRequest, body
from domain.thread.calls import SessionRequest
from workflows.trace import Trace


class Asker:
    """Sends requests, one after the other. Each has an id, so that one sent twice is carried out once.

    Args:
        lost: Called when the session's workflow is not there.
    """

    def __init__(self, session_id: str, thread_id: str, trace: Trace, lost: Callable[[], None]) -> None:
        self._workflow_id = session_workflow_id(session_id)
        self._thread_id = thread_id
        self._trace = trace
        self._lost = lost
        self._waiting: deque[SessionRequest] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self._task is not None

    def ask(self, request: SessionRequest) -> None:
        """Send this request soon."""
        self._waiting.append(request)
        if self._task is None:
            self._task = asyncio.create_task(self._send())

    async def drain(self) -> None:
        """Wait until all is sent: a signal sent in the task that ends the workflow would be lost."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _send(self) -> None:
        session = workflow.get_external_workflow_handle(self._workflow_id)
        try:
            while self._waiting:
                request = self._waiting[0]
                message = ThreadRequest(
                    thread_id=self._thread_id,
                    request_id=request.key,
                    kind=request.kind,
                    commands=list(request.commands),
                    common=request.common,
                    threads=list(request.threads),
                    reason=request.reason,
                )
                await session.signal("thread_request", body(message))
                self._waiting.popleft()
                self._trace.leave()
        except ApplicationError:
            self._waiting.clear()
            self._lost()
        finally:
            self._task = None
