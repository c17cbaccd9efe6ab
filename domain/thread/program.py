"""The flows that a thread executes: its own or one that it was given, and those that its subflows name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.errors import Code, ThreadloomError
from domain.flow.bundle import runnable
from domain.flow.model import FlowDefinition
from domain.thread.checkpoint import Checkpoint
from domain.thread.frame import Frame
from domain.thread.journal import Execution
from domain.thread.state import ThreadState
from domain.values import JsonObject


class Program:
    """A flow and the documents of the flows it names, each parsed when it is first needed.

    The documents were fixed when the thread was created, or given the flow, so that a subflow is the
    same on every day of its life.

    Attributes:
        main: The flow; None while a thread that has none of its own executes none.
    """

    def __init__(self, main: FlowDefinition | None, documents: Mapping[str, JsonObject] | None = None) -> None:
        self.main = main
        self.documents: Mapping[str, JsonObject] = documents or {}
        self._parsed: dict[str, FlowDefinition] = {}

    @classmethod
    def of(cls, document: JsonObject | None, documents: Mapping[str, JsonObject] | None = None) -> Program:
        """The program of a flow's document, or of none.

        Raises:
            ThreadloomError: `FLOW_INVALID`.
        """
        return cls(None if document is None else runnable(document), documents)

    @property
    def flow(self) -> FlowDefinition:
        """The flow. Nothing asks for it while none is executed."""
        assert self.main is not None
        return self.main

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
        return max(state.started_at, state.current.outermost.started_at or state.started_at) + longest

    def at(self, frame: Frame) -> FlowDefinition:
        """The flow that is in execution there."""
        return self.flow if frame.flow is None else self.named(frame.flow)


class Programs:
    """The program of a thread at each moment: that of its own flow, or of the one that it executes.

    Args:
        own: Of its own flow; without one, an empty program.
    """

    def __init__(self, own: Program) -> None:
        self._own = own
        self._executed: tuple[Execution, Program] | None = None

    def at(self, current: Checkpoint, library: Mapping[str, JsonObject]) -> Program:
        """The program at a moment.

        Args:
            current: The moment.
            library: Documents by digest, of all flows that the thread was given.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND` when the library lacks one of them.
        """
        execution = current.execution
        if execution is None:
            return self._own
        if self._executed is None or self._executed[0] is not execution:
            self._executed = execution, _of_execution(execution, library)
        return self._executed[1]


def _of_execution(execution: Execution, library: Mapping[str, JsonObject]) -> Program:
    if absent := [wanted for wanted in execution.documents if wanted not in library]:
        message = f"the document of {execution.label}, or of a flow that it names, is not there"
        raise ThreadloomError(Code.FLOW_NOT_FOUND, message, {"missing": absent})
    named = {reference: library[found] for reference, found in execution.flows.items()}
    return Program.of(library[execution.document], named)
