"""Commands that go to a thread itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from domain.flow.model import MessageType
from domain.messages.base import Command, NodePath


def _absent(value: object) -> bool:
    return value is None


class PauseThread(Command):
    """Hold the thread."""

    operation = "pause"

    until: datetime | None = None


class ResumeThread(Command):
    """Lift the thread's own holds."""

    operation = "resume"


class CancelThread(Command):
    """Cancel the thread.

    Attributes:
        compensate: Whether what it has done is undone first.
    """

    operation = "cancel"

    compensate: bool = True


class CloseThread(Command):
    """Let a thread without a flow of its own take no more; it completes when it has executed those in line."""

    operation = "close"


class Decide(Command):
    """Answer an approval; the first answer wins."""

    operation = "decide"

    node: NodePath
    choice: str
    visit: Annotated[int | None, Field(ge=1)] = None
    data: Any = None


class SerialNumber(BaseModel):
    """The number of a message among those that one run of a thread's workflow sends; later ones have higher ones.

    A run that Temporal has reset is another one: it may send something else under a number used before.

    Attributes:
        sender_run: The run: workflow id, `/` and run id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender_run: Annotated[str, Field(min_length=1, max_length=250)]
    number: Annotated[int, Field(ge=1)]


class Send(Command):
    """Put a message into the thread's mailbox. The command's id is the message's, if it has no other.

    Attributes:
        serial: Set when a thread sends it.
    """

    operation = "send"

    body: Any = None
    name: Annotated[str | None, Field(max_length=100)] = None
    type: MessageType = "data"
    sender: Annotated[str | None, Field(max_length=200)] = None
    message_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    serial: Annotated[SerialNumber | None, Field(exclude_if=_absent)] = None

    def digest(self) -> str:
        """Equal for equal messages, whichever run sent them."""
        unnumbered = self if self.serial is None else self.model_copy(update={"serial": None})
        return super(Send, unnumbered).digest()
