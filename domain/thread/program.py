"""The flows that a thread executes: its own, and those that its subflows name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import runnable
from domain.flow.model import FlowDefinition
from domain.thread.checkpoint import Frame
from domain.thread.state import ThreadState
from domain.values import JsonObject


class Program:
    """A thread's flow and the documents of the flows it names, each parsed when it is first needed.

    The documents were fixed when the thread was created, so that a subflow is the same on every day
    of its life.
    """

    def __init__(self, flow: FlowDefinition, documents: Mapping[str, JsonObject] | None = None) -> None:
        self.flow = flow
        self.documents: Mapping[str, JsonObject] = documents or {}
        self._parsed: dict[str, FlowDefinition] = {}

    @classmethod
    def of(cls, document: JsonObject, documents: Mapping[str, JsonObject] | None = None) -> Program:
        """The program of a flow's document.

        Raises:
            ThreadloomError: `FLOW_INVALID`.
        """
        return cls(runnable(document), documents)

    def named(self, reference: str) -> FlowDefinition:
        """The flow that a node names.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`, `FLOW_INVALID`.
        """
        if reference not in self._parsed:
            if reference not in self.documents:
                raise ThreadloomError(Code.FLOW_NOT_FOUND, f"{self.flow.label} came without the flow {reference}")
            self._parsed[reference] = runnable(self.documents[reference])
        return self._parsed[reference]

    def ends_at(self, state: ThreadState) -> datetime | None:
        """When the flow's `max_duration` is over; None without one, or once somebody has waived it."""
        longest = self.flow.limits.max_duration
        if longest is None or state.started_at is None or state.limits_waived:
            return None
        return state.started_at + longest

    def at(self, frame: Frame) -> FlowDefinition:
        """The flow that is in execution there."""
        return self.flow if frame.flow is None else self.named(frame.flow)
