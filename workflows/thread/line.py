"""The line from a thread to its session: signals, one after the other, each known to have arrived."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.ids import session_workflow_id
from domain.messages import Internal, body
from workflows.trace import Trace


class SessionLine(ABC):
    """Sends what a subclass has to send. A signal sent in the task that ends the workflow would be lost: see `busy`.

    Args:
        trace: Left when a signal has arrived, since nothing else may follow from that.
        lost: Called when the session's workflow is not there.
    """

    signal: str

    def __init__(self, session_id: str, trace: Trace, lost: Callable[[], None]) -> None:
        self._workflow_id = session_workflow_id(session_id)
        self._trace = trace
        self._lost = lost
        self._task: asyncio.Task[None] | None = None
        self._recovered = False

    @property
    def busy(self) -> bool:
        """Whether something is to be sent."""
        return self._task is not None

    @abstractmethod
    def next(self) -> Internal | None:
        """The next message; it is not asked for again."""

    @abstractmethod
    def clear(self) -> None:
        """Nobody is there to take the rest."""

    def begin(self) -> None:
        """Send soon."""
        if self._task is None:
            self._task = asyncio.create_task(self._send())

    def recovered(self) -> None:
        """The session was lost and is there again."""
        self._recovered = True

    async def _send(self) -> None:
        try:
            while (message := self.next()) is not None:
                await self._deliver(message)
                self._trace.leave()
        except ApplicationError:
            self.clear()
            self._lost()
        finally:
            self._task = None

    async def _deliver(self, message: Internal) -> None:
        """Signal; again, when the session came back while it was found to be lost.

        Temporal may tell both at once, and the SDK then brings the session's signal first.
        """
        session = workflow.get_external_workflow_handle(self._workflow_id)
        while True:
            self._recovered = False
            try:
                return await session.signal(self.signal, body(message))
            except ApplicationError:
                if not self._recovered:
                    raise
