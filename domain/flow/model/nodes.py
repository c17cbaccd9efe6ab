"""The nodes of a flow, kind by kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from domain.flow.model.fields import (
    Attempts,
    Call,
    Code,
    Edges,
    Effect,
    ErrorEdges,
    Expression,
    FlowModel,
    FlowReference,
    MessageType,
    Mode,
    NodeId,
    PositiveDuration,
    PriorityName,
    Retry,
    Save,
    Template,
    TextTemplate,
    VariableName,
)
from domain.resources import Requirements
from domain.values import Json


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
    timeout: Annotated[PositiveDuration | None, Field(description="For the whole node, retries included")] = None
    on_timeout: Edges = []


class Compensation(Call):
    """The activity that undoes what a node did. Its templates see that visit's result and variables."""


class Effectful(WaitingStep):
    """A step that does something outside the thread."""

    effect: Effect | None = None
    compensate: Compensation | None = None

    @property
    def declared_effect(self) -> Effect:
        """The effect, where an undeclared one counts as external."""
        return self.effect or "external"


class ActivityCalling(Effectful):
    """A step that calls an activity: the fields that `activity` and `map` share."""

    activity: TextTemplate
    allowed: Annotated[list[str], Field(description="Activity names a templated `activity` may take")] = []
    args: list[Template] = []
    task_queue: str | None = None
    mode: Annotated[Mode, Field(description="Where it runs; local and inline are for short work")] = "remote"
    start_to_close: PositiveDuration = timedelta(minutes=10)
    schedule_to_start: PositiveDuration | None = None
    heartbeat: PositiveDuration | None = None
    retry: Retry = Retry()
    priority: PriorityName | None = None
    usage: Template | None = None


class ActivityNode(ActivityCalling):
    """Calls an activity by name on a task queue."""

    kind: Literal["activity"]


class MapNode(ActivityCalling):
    """Calls an activity for each item of a list; the result is the list of results, in order."""

    kind: Literal["map"]
    over: Template
    as_: Annotated[VariableName, Field(alias="as", description="The name of the item in expressions")] = "item"
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 10
    on_item_error: Literal["fail", "collect"] = "fail"


class WorkflowNode(Effectful):
    """Runs another team's workflow by name and waits for its result."""

    kind: Literal["workflow"]
    workflow: TextTemplate
    args: list[Template] = []
    id: TextTemplate | None = None
    task_queue: str | None = None
    retry: Retry | None = None
    on_cancel: Literal["cancel", "terminate", "abandon"] = "cancel"


class Secret(FlowModel):
    """A value that only the activity sees, by the name under which the worker has it."""

    secret: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    prefix: str = ""


class HttpRetry(Retry):
    """When a request is tried again: besides failures to connect, on these statuses."""

    maximum_attempts: Attempts = 5
    statuses: list[Annotated[int, Field(ge=100, le=599)]] = [429, 502, 503, 504]


class HttpNode(Effectful):
    """Sends one HTTP request; the result is {status, headers, body}."""

    kind: Literal["http"]
    url: TextTemplate
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    query: dict[str, Secret | Template] = {}
    headers: dict[str, Secret | TextTemplate] = {}
    json_: Annotated[Template | None, Field(alias="json", description="Sent as JSON")] = None
    body: Annotated[Template | None, Field(description="Sent as text")] = None
    start_to_close: PositiveDuration = timedelta(seconds=30)
    retry: HttpRetry = HttpRetry()
    max_bytes: Annotated[int, Field(ge=0, le=16 * 1024 * 1024)] = 1024 * 1024

    @model_validator(mode="after")
    def _one_body(self) -> HttpNode:
        if self.json_ is not None and self.body is not None:
            raise ValueError("a request has one of `json` and `body`")
        return self

    @property
    def declared_effect(self) -> Effect:
        """The effect, where undeclared a request that only reads has none."""
        return self.effect or ("none" if self.method in ("GET", "HEAD", "OPTIONS") else "external")


class SetNode(Step):
    """Sets variables; all templates see the values before the node."""

    kind: Literal["set"]
    set: dict[VariableName, Template] = {}
    append: Annotated[
        dict[VariableName, list[Template]], Field(description="Items added to lists; costs what is added")
    ] = {}

    @model_validator(mode="after")
    def _anything(self) -> SetNode:
        if not self.set and not self.append:
            raise ValueError("a set has `set`, `append` or both")
        if twice := self.set.keys() & self.append.keys():
            raise ValueError(f"{min(twice)} is both set and appended to")
        return self


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
    schema_: Annotated[
        dict[str, Json] | None, Field(alias="schema", description="JSON Schema of the answer's `data`")
    ] = None
    remind: Annotated[
        PositiveDuration | None, Field(description="How often the history is told that nobody answered")
    ] = None


class SendNode(WaitingStep):
    """Sends a message to threads; the result is the ids of those that took it."""

    kind: Literal["send"]
    to: Annotated[Template | None, Field(description="A thread's id, or a list of them")] = None
    broadcast: bool = False
    session: TextTemplate | None = None
    name: TextTemplate
    type: MessageType = "data"
    body: Template | None = None

    @model_validator(mode="after")
    def _one_of(self) -> SendNode:
        if (self.to is None) != self.broadcast:
            raise ValueError("a send has one of `to` and `broadcast: true`")
        return self


class SpawnNode(WaitingStep):
    """Starts threads beside this one; the result is their ids."""

    kind: Literal["spawn"]
    flow: FlowReference
    each: Annotated[Template | None, Field(description="A list: one thread for each item")] = None
    as_: Annotated[VariableName, Field(alias="as", description="The name of the item in expressions")] = "item"
    id: TextTemplate | None = None
    input: Template = {}
    priority: PriorityName | None = None
    requires: Requirements = {}
    on_parent_end: Literal["cancel", "leave"] = "cancel"


class JoinNode(WaitingStep):
    """Waits for threads to end; the result is [{thread_id, status, result, error}]."""

    kind: Literal["join"]
    of: Annotated[NodeId | None, Field(description="The spawn or fork whose threads are meant")] = None
    threads: Annotated[Template | None, Field(description="A list of thread ids")] = None
    need: Literal["all", "any", "majority"] | Annotated[int, Field(ge=1)] = "all"
    rest: Literal["leave", "cancel"] = "leave"
    on_failed: Literal["fail", "collect"] = "fail"

    @model_validator(mode="after")
    def _one_of(self) -> JoinNode:
        if (self.of is None) == (self.threads is None):
            raise ValueError("a join has one of `of` and `threads`")
        return self


class SubflowNode(WaitingStep):
    """Executes another flow inside this thread, with variables of its own; the result is its end's."""

    kind: Literal["subflow"]
    flow: FlowReference
    input: Template = {}


class ForkNode(WaitingStep):
    """Starts branches of this thread at another node; the result is their ids."""

    kind: Literal["fork"]
    enter: Annotated[NodeId, Field(description="The node where the branches start")]
    each: Annotated[Template | None, Field(description="A list: one branch for each item")] = None
    as_: Annotated[VariableName, Field(alias="as", description="The name of the item in expressions")] = "item"
    id: TextTemplate | None = None
    set: dict[VariableName, Template] = {}
    strategy: Literal["full", "partial", "minimal"] = "partial"
    flow: FlowReference | None = None
    hold: bool = False


class EndNode(NodeBase):
    """Ends the thread as completed."""

    kind: Literal["end"]
    result: Template | None = None
    compensate: Annotated[bool, Field(description="Undo what the thread did")] = False

    leads_on: ClassVar[bool] = False


class FailNode(NodeBase):
    """Ends the thread as failed."""

    kind: Literal["fail"]
    code: Code
    message: TextTemplate | None = None
    details: Template | None = None
    compensate: Annotated[bool, Field(description="Undo what the thread did")] = True

    leads_on: ClassVar[bool] = False


Node = Annotated[
    ActivityNode
    | WorkflowNode
    | SetNode
    | DecisionNode
    | WaitNode
    | ReceiveNode
    | ApprovalNode
    | SendNode
    | SpawnNode
    | JoinNode
    | SubflowNode
    | MapNode
    | HttpNode
    | ForkNode
    | EndNode
    | FailNode,
    Field(discriminator="kind"),
]
