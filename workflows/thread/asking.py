"""Asks the session for what only it can do: to start, watch or cancel threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from domain.messages import ThreadRequest
from domain.thread.calls import SessionRequest
from workflows.thread.line import SessionLine
from workflows.trace import Trace


class Asker(SessionLine):
    """Sends requests in their order. Each has an id, so that one sent twice is carried out once."""

    signal = "thread_request"

    def __init__(self, session_id: str, thread_id: str, trace: Trace, lost: Callable[[], None]) -> None:
        super().__init__(session_id, trace, lost)
        self._thread_id = thread_id
        self._waiting: deque[SessionRequest] = deque()

    def ask(self, request: SessionRequest) -> None:
        """Send this request soon."""
        self._waiting.append(request)
        self.begin()

    def next(self) -> ThreadRequest | None:
        if not self._waiting:
            return None
        request = self._waiting.popleft()
        return ThreadRequest(
            thread_id=self._thread_id,
            request_id=request.key,
            kind=request.kind,
            commands=list(request.commands),
            common=request.common,
            threads=list(request.threads),
            reason=request.reason,
        )

    def clear(self) -> None:
        self._waiting.clear()
