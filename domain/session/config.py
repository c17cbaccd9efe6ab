"""A session's configuration. Unlimited unless said otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.flow.model import Duration
from domain.ids import NAME_PATTERN
from domain.registry import Registry
from domain.resources import Amount
from domain.session.strategies import require_strategy
from domain.thread.mailbox import MAILBOX_LIMIT
from domain.values import JsonObject


class SessionConfig(BaseModel):
    """Limits and habits of one session; changeable while it is active.

    Attributes:
        max_threads: Threads that are not destroyed, whatever their status.
        max_running: Threads that run at once; what is created beyond waits by priority, then age. A thread
            that waits for something (a join, a timer, a message, a person) or is held is not counted.
        parallel_strategy: Which waiting threads start next: `sequential`, `parallel` or `hybrid`, or one that is
            registered as `name@version`; see `domain.session.strategies`.
        authoriser: Who may do what: a function that is registered as `name@version`; see `domain.authorising`.
            It does not change in a session's life.
        quotas: How much there is of the session's own resources, by name; of what is not named there is enough.
        max_execution_time: What threads may run together, in seconds of those that have ended; then no other starts.
        allocation_ttl: After which what was allocated is free for others, also while its thread lives.
        max_depth: Forks and copies between a thread and its oldest ancestor.
        max_mailbox: Unread messages that a thread keeps; of threads that start from now on.
        max_messages: Messages that its threads take before it is paused; see `domain.session.counting`.
        max_duration: Age at which the session expires.
        idle_timeout: Time without activity after which it expires; waiting for a person is no idleness.
        on_expiry: What expiry does.
        grace: How long `terminate` lets threads end by themselves.
        reconcile_every: How often living threads are compared with what Temporal knows of them.
        continue_as_new_after: Events of a run's history after which session and threads continue as new.
        shared_task_queues: Other task queues whose workers share the payload store, so that large
            arguments may go to them by reference.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_threads: Annotated[int | None, Field(gt=0)] = None
    max_running: Annotated[int | None, Field(gt=0)] = None
    parallel_strategy: str = "hybrid"
    authoriser: str | None = None
    quotas: dict[Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$", max_length=64)], Amount] = {}
    max_execution_time: Duration | None = None
    allocation_ttl: Duration | None = None
    max_depth: Annotated[int | None, Field(gt=0)] = None
    max_mailbox: Annotated[int, Field(gt=0)] = MAILBOX_LIMIT
    max_messages: Annotated[int | None, Field(gt=0)] = None
    max_duration: Duration | None = None
    idle_timeout: Duration | None = None
    on_expiry: Literal["pause", "terminate"] = "pause"
    grace: Duration = Field(default="30s", validate_default=True)
    reconcile_every: Duration = Field(default="5m", validate_default=True)
    continue_as_new_after: Annotated[int, Field(ge=50, le=20_000)] = 2_000
    shared_task_queues: list[str] = []


_DURATIONS = ("max_duration", "idle_timeout", "grace", "reconcile_every", "max_execution_time", "allocation_ttl")

PRESETS: dict[str, JsonObject] = {
    "unlimited": {},
    "interactive": {"max_duration": "60m", "idle_timeout": "30m", "max_threads": 10, "max_messages": 1_000},
}
"""Named starting points; `interactive` has the figures of the system this one descends from."""


def make_config(changes: object, *, preset: str | None = None, base: SessionConfig | None = None) -> SessionConfig:
    """The configuration that follows from a preset or an existing one, and changes to it.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, naming each field that is wrong.
    """
    if preset is not None and preset not in PRESETS:
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"no preset {preset!r}; there are {', '.join(PRESETS)}")
    if not isinstance(changes, dict):
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a session's configuration is a JSON object")
    start = base.model_dump(mode="json") if base else PRESETS[preset or "unlimited"]
    try:
        config = SessionConfig.model_validate({**start, **changes})
    except ValidationError as error:
        raise invalid("config", error) from error
    zero = [name for name in _DURATIONS if not _positive(config, name)]
    if zero:
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"config: {', '.join(zero)} must be more than zero")
    if config.authoriser is not None and not Registry.is_name(config.authoriser):
        raise ThreadloomError(Code.INVALID_ARGUMENT, f"config: {config.authoriser[:80]!r} is no `name@version`")
    if base is not None and config.authoriser != base.authoriser:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "config: a session keeps the authoriser that it began with")
    require_strategy(config.parallel_strategy)
    if config.idle_timeout and config.max_duration and config.idle_timeout > config.max_duration:
        raise ThreadloomError(Code.INVALID_ARGUMENT, "config: idle_timeout must not be longer than max_duration")
    return config


def _positive(config: SessionConfig, name: str) -> bool:
    value = getattr(config, name)
    return value is None or value.total_seconds() > 0
