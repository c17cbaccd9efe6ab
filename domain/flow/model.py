"""The flow model: what a flow file may say, kind by kind.

The models are the schema: the loader reports their complaints with file, line and column, and the
JSON Schema for editors is generated from them. Whether names, edges and expressions make sense
together is `domain.flow.validation`'s business.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from domain.flow.durations import format_duration, parse_duration
from domain.ids import ID_PATTERN, NAME_PATTERN
from domain.values import Json


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration is text such as 30s, 5m, 2h or PT5M")


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_edge(value: object) -> object:
    return {"to": value} if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "examples": ["250ms", "30s", "5m", "2h", "7d", "PT5M"]}),
]
NodeId = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
VariableName = Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,99}$")]
Expression = Annotated[str, Field(min_length=1, max_length=10_000, description="An expression, always quoted")]
Template = Annotated[Any, Field(description='Any value; text may hold "{{ expressions }}"')]
TextTemplate = Annotated[str, Field(min_length=1, description='Text; may hold "{{ expressions }}"')]
Effect = Literal["none", "idempotent", "external"]


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
Save = VariableName | dict[VariableName, Template]


class Retry(FlowModel):
    """Temporal's retry policy, with its names and defaults."""

    initial_interval: Duration = timedelta(seconds=1)
    backoff_coefficient: Annotated[float, Field(ge=1, le=1_000, strict=False)] = 2.0
    maximum_interval: Duration | None = None
    maximum_attempts: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    non_retryable: list[Code] = []


class NodeBase(FlowModel):
    """What every node has."""

    title: Annotated[str, Field(max_length=100)] = ""
    description: Annotated[str, Field(max_length=500)] = ""
    max_visits: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000

    leads_on: ClassVar[bool] = True
    """Whether the node has edges to a next one."""


class Step(NodeBase):
    """A node that leads on."""

    next: Edges
    on_error: ErrorEdges = []


class WaitingStep(Step):
    """A step that can wait or fail, and whose result can be saved."""

    save: Save | None = None
    timeout: Annotated[Duration | None, Field(description="For the whole node, retries included")] = None
    on_timeout: Edges = []


class ActivityNode(WaitingStep):
    """Calls an activity by name on a task queue."""

    kind: Literal["activity"]
    activity: TextTemplate
    allowed: Annotated[list[str], Field(description="Activity names a templated `activity` may take")] = []
    args: list[Template] = []
    task_queue: str | None = None
    mode: Literal["remote"] = "remote"
    start_to_close: Duration = timedelta(minutes=10)
    schedule_to_start: Duration | None = None
    heartbeat: Duration | None = None
    retry: Retry = Retry()
    effect: Effect | None = None
    usage: Template | None = None

    @property
    def declared_effect(self) -> Effect:
        """The effect, where an undeclared one counts as external."""
        return self.effect or "external"


class SetNode(Step):
    """Sets variables; all templates see the values before the node."""

    kind: Literal["set"]
    set: Annotated[dict[VariableName, Template], Field(min_length=1)]


class DecisionNode(NodeBase):
    """Chooses the next node."""

    kind: Literal["decision"]
    next: Edges
    on_error: ErrorEdges = []


class WaitNode(WaitingStep):
    """Waits for a duration or until an instant."""

    kind: Literal["wait"]
    for_: Annotated[str | None, Field(alias="for", description="A duration, or a template that gives one")] = None
    until: Annotated[str | None, Field(description="An ISO 8601 instant, or a template that gives one")] = None

    @model_validator(mode="after")
    def _one_of(self) -> WaitNode:
        if (self.for_ is None) == (self.until is None):
            raise ValueError("a wait has one of `for` and `until`")
        return self


class ReceiveNode(WaitingStep):
    """Waits for a message; the result is the message."""

    kind: Literal["receive"]
    name: Annotated[str | None, Field(description="Only messages of this name; any without it")] = None
    where: Expression | None = None


class ApprovalNode(WaitingStep):
    """Waits for a person's choice; the result is {choice, actor, reason, data, at}."""

    kind: Literal["approval"]
    prompt: TextTemplate
    choices: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1)]
    assignees: list[str] = []
    context: Template | None = None


class EndNode(NodeBase):
    """Ends the thread as completed."""

    kind: Literal["end"]
    result: Template | None = None

    leads_on: ClassVar[bool] = False


class FailNode(NodeBase):
    """Ends the thread as failed."""

    kind: Literal["fail"]
    code: Code
    message: TextTemplate | None = None
    details: Template | None = None

    leads_on: ClassVar[bool] = False


Node = Annotated[
    ActivityNode | SetNode | DecisionNode | WaitNode | ReceiveNode | ApprovalNode | EndNode | FailNode,
    Field(discriminator="kind"),
]


class ActivityDefaults(FlowModel):
    """What activity nodes take when they say nothing of their own."""

    task_queue: str | None = None
    start_to_close: Duration | None = None
    schedule_to_start: Duration | None = None
    heartbeat: Duration | None = None
    timeout: Duration | None = None
    retry: Retry | None = None
    effect: Effect | None = None


class Defaults(FlowModel):
    """Defaults by kind of node."""

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
    start: NodeId
    nodes: Annotated[dict[NodeId, Node], Field(min_length=1)]

    @property
    def label(self) -> str:
        """`name@version`, as people and the registry write it."""
        return f"{self.flow}@{self.version}"
