"""Answers to commands, kept so that the same command again gets the first answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import Code, ThreadloomError
from domain.messages import Command
from domain.values import JsonObject

ANSWERS_KEPT = 1_000
"""Answers that a workflow remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The first answer to a command: a result, or a refusal {code, message, details}.

    Attributes:
        digest: Of the command, to notice an id used for another one.
    """

    digest: str
    result: JsonObject | None = None
    error: JsonObject | None = None

    @property
    def passing(self) -> bool:
        """Whether it refuses the command for that moment only, so that the same command again is decided anew."""
        return self.error is not None and self.error["code"] == Code.MAILBOX_FULL


def accepted(command: Command, result: JsonObject) -> Answered:
    """The answer to a command that was carried out."""
    return Answered(digest=command.digest(), result=result)


def refused(command: Command, error: ThreadloomError) -> Answered:
    """The answer to a command that was refused when its turn came."""
    return Answered(digest=command.digest(), error=error.visible())


def require_same(command: Command, digest: str) -> None:
    """Let the command pass when it is the one that was taken under its id before.

    Raises:
        ThreadloomError: `COMMAND_ID_REUSED` when the id belongs to another command.
    """
    if digest != command.digest():
        raise ThreadloomError(
            Code.COMMAND_ID_REUSED, f"command id {command.command_id} came before with other arguments"
        )


def remember(answers: Mapping[str, Answered], command_id: str, answer: Answered) -> dict[str, Answered]:
    """The answers with one more, and without the oldest when there are too many.

    The first answer to a command stays, unless it was passing.
    """
    if command_id in answers and not answers[command_id].passing:
        return dict(answers)
    kept = {**answers, command_id: answer}
    if len(kept) > ANSWERS_KEPT:
        del kept[next(iter(kept))]
    return kept
