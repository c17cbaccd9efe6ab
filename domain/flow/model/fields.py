"""What nodes and flows are made of: durations, templates, edges, retries."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from domain.flow.diagnostics import HINTS, DiagnosticCode, HintedError
from domain.flow.durations import MAX_CHARACTERS, PATTERN, format_duration, parse_duration
from domain.ids import ID_PATTERN, NAME_PATTERN


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise HintedError("a duration is text", HINTS[DiagnosticCode.BAD_DURATION])


def _some_time(value: object) -> timedelta:
    found = _duration(value)
    if not found:
        raise HintedError(f"{str(value)[:40]!r} is no time at all", "write a longer one, or leave it out")
    return found


def _duration_schema(**more: Any) -> WithJsonSchema:
    form = {"type": "string", "pattern": PATTERN, "maxLength": MAX_CHARACTERS}
    return WithJsonSchema({**form, **more, "examples": ["250ms", "30s", "5m", "2h", "7d", "PT5M"]})


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_edge(value: object) -> object:
    return {"to": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration), _duration_schema()]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(_some_time),
    PlainSerializer(format_duration),
    _duration_schema(allOf=[{"pattern": "[1-9]"}]),
]
NodeId = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
VariableName = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,99}$")]
Expression = Annotated[str, Field(min_length=1, max_length=10_000, description="An expression, always quoted")]
Template = Annotated[Any, Field(description='Any value; text may hold "{{ expressions }}"')]
TextTemplate = Annotated[str, Field(min_length=1, description='Text; may hold "{{ expressions }}"')]
FlowReference = Annotated[str, Field(pattern=rf"^{ID_PATTERN}(@{ID_PATTERN})?$", description="name or name@version")]
Effect = Literal["none", "idempotent", "external"]
Mode = Literal["remote", "local", "inline"]
PriorityName = Literal["low", "normal", "high", "urgent"]
MessageType = Literal["data", "control", "event", "error"]


class FlowModel(BaseModel):
    """Base of every part of a flow file: immutable, and a field nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Edge(FlowModel):
    """A way to the next node. The highest priority that holds wins; the file's order breaks ties."""

    to: NodeId
    when: Expression | None = None
    priority: int = 0


class ErrorEdge(Edge):
    """A way out of a failure, for all errors or for some codes."""

    codes: list[Code] = []


Edges = Annotated[list[Annotated[Edge, BeforeValidator(_as_edge)]], BeforeValidator(_as_list), Field(min_length=1)]
ErrorEdges = Annotated[
    list[Annotated[ErrorEdge, BeforeValidator(_as_edge)]], BeforeValidator(_as_list), Field(min_length=1)
]
Attempts = Annotated[int, Field(ge=0, le=1_000_000_000, description="Attempts altogether; 0: no limit")]
Save = VariableName | dict[VariableName, Template]


class Retry(FlowModel):
    """Temporal's retry policy, with its names and defaults."""

    initial_interval: PositiveDuration = timedelta(seconds=1)
    backoff_coefficient: Annotated[float, Field(ge=1, le=1_000, strict=False)] = 2.0
    maximum_interval: PositiveDuration | None = None
    maximum_attempts: Attempts = 0
    non_retryable: list[Code] = []

    @field_validator("maximum_interval")
    @classmethod
    def _not_below_the_first(cls, longest: timedelta | None, info: ValidationInfo) -> timedelta | None:
        first = info.data.get("initial_interval")
        if longest is not None and first is not None and longest < first:
            text = format_duration(first)
            raise HintedError(
                f"`maximum_interval` is below `initial_interval`, {text}",
                f"write {text} or more, or a smaller `initial_interval`",
            )
        return longest


class Call(FlowModel):
    """How an activity is called, on whichever node."""

    activity: Annotated[str, Field(min_length=1, description="Its name, written out")]
    args: list[Template] = []
    task_queue: str | None = None
    start_to_close: PositiveDuration = timedelta(minutes=10)
    retry: Retry = Retry()
