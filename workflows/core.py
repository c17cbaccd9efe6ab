"""What a workflow of this product brings to be an entity: its pure core, and what becomes of the core's effects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from domain.answers import Answered
from domain.errors import ThreadloomError
from domain.messages import Command
from domain.records import Fact, RecordBatch

State = TypeVar("State")
Input = TypeVar("Input")
Event = TypeVar("Event")
Effect = TypeVar("Effect")


class Core(ABC, Generic[State, Input, Event, Effect]):
    """A state machine: `decide`, `evolve`, `effects`, and what performs these. `workflows.entity` feeds it."""

    state: State

    @property
    @abstractmethod
    def answers(self) -> Mapping[str, Answered]:
        """Answers to commands, by command id."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether the state machine has reached its end."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether something is under way whose end another run would not hear of."""

    @abstractmethod
    def decide(self, input: Input) -> Sequence[Event]:
        """The events that follow from the input. Raises `ThreadloomError` to refuse it."""

    @abstractmethod
    def evolve(self, state: State, event: Event) -> tuple[State, Fact | None]:
        """The state after the event, and what the history is to say of it."""

    @abstractmethod
    def effects(self, state: State, events: Sequence[Event]) -> Sequence[Effect]:
        """What the events ask for; `state` is the state after them."""

    @abstractmethod
    def perform(self, effects: Sequence[Effect]) -> bool:
        """Do what is asked for; whether that certainly is a command to Temporal."""

    @abstractmethod
    def taken(self, command_id: str) -> str | None:
        """The digest of the command that was taken under this id, answered or not."""

    @abstractmethod
    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        """Note that the command was carried out, or refused."""

    def permit(self, command: Command) -> None:
        """Let the command pass if its actor may give it. Raises `ThreadloomError` if not."""

    def reconsider(self, command_id: str) -> None:
        """Forget a refusal that was for its moment only: the command comes again."""

    def examine(self, command: Command) -> None:
        """Refuse a command that is not in the history yet. Raises `ThreadloomError`."""

    @abstractmethod
    def input_for(self, command: Command, now: datetime) -> Input:
        """The command as an input."""

    @abstractmethod
    def advance(self, now: datetime) -> Input:
        """The input that lets the core go on by itself."""

    @abstractmethod
    def wake_at(self) -> tuple[datetime | None, str]:
        """When to go on although nothing arrives, and what that moment is."""

    @abstractmethod
    def details(self) -> str:
        """Where it stands, in Markdown, for Temporal's own pages."""

    @abstractmethod
    def sealed_batch(self) -> RecordBatch:
        """The next records to write."""

    def acknowledged(self, entry: int) -> None:
        """Storage holds the journal up to this entry, or 0 when the batch had none."""

    def instead(self, input: Input, error: ThreadloomError) -> Input | None:
        """What to take when an input that is no command is refused and somebody waits for what follows from it."""
        return None
