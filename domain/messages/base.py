"""What all messages have in common: two ways of being read, and the types of their fields."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.ids import NAME_PATTERN, require_id
from domain.values import JsonObject, digest, is_json

STATE_VERSION = 1
"""Version of the state that runs hand to each other."""

Text = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
NodePath = Annotated[str, Field(pattern=rf"^(\d{{1,9}}/)?{NAME_PATTERN}(/{NAME_PATTERN})*$", max_length=1_000)]
"""A node of a flow, or of a flow inside it: `outer/inner`; of one that a thread was given: `2/outer/inner`."""
PriorityName = Literal["low", "normal", "high", "urgent"]
Strategy = Literal["full", "partial", "minimal"]
NodeStates = Literal["copy", "inherit", "reset"]
Amount = Annotated[int | float, Field(ge=0, le=1e30, allow_inf_nan=False)]
"""A sum of usage. Bounded far above what threads can use, so that whoever adds and divides cannot overflow."""
Seconds = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
NewThreadId = Annotated[str, AfterValidator(partial(require_id, "thread"))]
Flows = dict[str, dict[str, Any]]
"""Documents of flows by the reference that a flow has to them: `name` or `name@version`."""
M = TypeVar("M", bound=BaseModel)


class Command(BaseModel):
    """What somebody wants done, and who, and why. The id makes it happen once however often it is sent.

    Attributes:
        passed_on: Its session has passed on to a thread what somebody may do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: ClassVar[str]

    command_id: Annotated[str, Field(min_length=1, max_length=200)]
    actor: Annotated[str, Field(min_length=1, max_length=200)] = "unknown"
    reason: Annotated[str | None, Field(max_length=2_000)] = None
    passed_on: bool = False

    def digest(self) -> str:
        """Equal for equal commands, so that an id used for two different ones is noticed.

        Defaults are left out, so that a later version's new field does not make an old command another one.
        """
        return digest({"operation": self.operation, **self.model_dump(mode="json", exclude_defaults=True)})


class Internal(BaseModel):
    """What workflows and activities send each other."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read(model: type[M], args: tuple[Any, ...]) -> M:
    """The message that a handler was called with.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT` for anything but one well-formed argument, `INVALID_ID`.
    """
    if len(args) != 1 or not isinstance(args[0], dict) or not is_json(args[0]):
        raise ThreadloomError(
            Code.INVALID_ARGUMENT, f"{model.__name__} takes one JSON object", {"arguments": len(args)}
        )
    try:
        return model.model_validate(args[0])
    except ValidationError as error:
        raise invalid(model.__name__, error) from error


def body(message: BaseModel) -> JsonObject:
    """The message as it is sent. Of a command without defaults: a worker of an earlier version knows no new fields."""
    return message.model_dump(mode="json", exclude_defaults=isinstance(message, Command))
