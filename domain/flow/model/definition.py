"""A flow as a whole: its nodes and what holds for all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from domain.flow.model.fields import (
    Call,
    Duration,
    Effect,
    FlowModel,
    Mode,
    NodeId,
    PositiveDuration,
    PriorityName,
    Retry,
    Template,
    VariableName,
)
from domain.flow.model.nodes import Node
from domain.ids import ID_PATTERN
from domain.resources import Requirements
from domain.values import Json


def _as_policy(value: object) -> object:
    return {"action": value} if isinstance(value, str) else value


class Hook(FlowModel):
    """What a flow does around its nodes: an activity whose result nobody reads, or variables set.

    Attributes:
        nodes: The nodes that it is for; all when there are none.
    """

    call: Call | None = None
    set: dict[VariableName, Template] = {}
    nodes: list[NodeId] = []

    @model_validator(mode="after")
    def _one_of(self) -> Hook:
        if (self.call is None) != bool(self.set):
            raise ValueError("a hook has one of `call` and `set`")
        return self


class Hooks(FlowModel):
    """Hooks of a flow. Those of an error run before the way on is chosen or the thread ends."""

    before_node: Hook | None = None
    after_node: Hook | None = None
    on_error: Hook | None = None


class ErrorPolicy(FlowModel):
    """What becomes of a failure that no edge catches.

    Attributes:
        action: `stop` fails the thread; `continue` goes on along `next`, with the node failed; `skip`
            goes on with the node skipped; `retry` visits the node again, then stops.
        maximum_attempts: Visits to the failing node in a row, for `retry`.
        interval: Time between them.
    """

    action: Literal["stop", "continue", "retry", "skip"] = "stop"
    maximum_attempts: Annotated[int, Field(ge=1)] = 3
    interval: Duration = timedelta(seconds=1)


class LocalCheckpoint(FlowModel):
    """How much local work is lost at most when a worker dies: what one local activity does in a row.

    Attributes:
        nodes: Nodes in a row; 1 runs each as a local activity of its own.
        time: Time after which the row ends.
    """

    nodes: Annotated[int, Field(ge=1, le=1_000)] = 50
    time: PositiveDuration = timedelta(milliseconds=500)


class ActivityDefaults(FlowModel):
    """What activity nodes take when they say nothing of their own."""

    task_queue: str | None = None
    start_to_close: PositiveDuration | None = None
    schedule_to_start: PositiveDuration | None = None
    heartbeat: PositiveDuration | None = None
    timeout: PositiveDuration | None = None
    retry: Retry | None = None
    priority: PriorityName | None = None
    mode: Mode | None = None
    effect: Effect | None = None


class Defaults(FlowModel):
    """Defaults by kind of node; those of `activity` are also a map's."""

    activity: ActivityDefaults = ActivityDefaults()


class Limits(FlowModel):
    """How far a thread may run before it is held or fails."""

    max_duration: Duration | None = None
    max_steps: Annotated[int | None, Field(ge=1)] = None
    on_limit: Literal["pause", "fail"] = "fail"


class FlowDefinition(FlowModel):
    """A flow: business logic only. It owns no lifecycle and no execution state."""

    flow: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$", max_length=100)]
    version: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
    title: Annotated[str, Field(max_length=100)] = ""
    description: Annotated[str, Field(max_length=500)] = ""
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(max_length=20)] = []
    inputs: dict[str, Json] | None = None
    outputs: dict[str, Json] | None = None
    variables: dict[VariableName, Template] = {}
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    requires: Requirements = {}
    error_policy: Annotated[ErrorPolicy, BeforeValidator(_as_policy)] = ErrorPolicy()
    hooks: Hooks = Hooks()
    checkpoint: LocalCheckpoint = LocalCheckpoint()
    start: NodeId
    nodes: Annotated[dict[NodeId, Node], Field(min_length=1)]

    @property
    def label(self) -> str:
        """`name@version`, as people and the registry write it."""
        return f"{self.flow}@{self.version}"
