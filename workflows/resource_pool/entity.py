"""A resource pool as an entity: its pure core, and the performing of its effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from temporalio import workflow

from domain.answers import Answered, refused
from domain.codec import dump, load
from domain.errors import Code, ThreadloomError
from domain.ids import pool_workflow_id, require_id
from domain.messages import (
    STATE_VERSION,
    Command,
    LeasePriority,
    LeaseRelease,
    LeaseRequest,
    PoolStart,
    body,
)
from domain.outbox import Outbox
from domain.records import Fact, RecordBatch
from domain.resource_pool.config import make_config
from domain.resource_pool.decide import decide
from domain.resource_pool.effects import PoolEffect, effects
from domain.resource_pool.events import CommandAnswered, PoolCreated, PoolEvent
from domain.resource_pool.evolve import evolve
from domain.resource_pool.history import fact
from domain.resource_pool.inputs import PoolInput, Request, Tick, Told
from domain.resource_pool.policy import AT_ONCE
from domain.resource_pool.state import PoolState, PoolStatus, wake_at
from domain.resource_pool.views import details
from domain.values import JsonObject
from workflows.entity import Entity
from workflows.failures import defect
from workflows.lengths import COMPUTED_PER_TASK
from workflows.resource_pool.sessions import Sessions


class PoolEntity(Entity[PoolState, PoolInput, PoolEvent, PoolEffect]):
    """One pool. Its records stand under its workflow's id, which is no id of a session.

    Raises:
        ThreadloomError: The start input is of no pool.
    """

    def __init__(self, start: PoolStart) -> None:
        info = workflow.info()
        require_id("pool", start.pool)
        if pool_workflow_id(start.pool) != info.workflow_id:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"{info.workflow_id} is no workflow id of {start.pool}")
        if start.version > STATE_VERSION:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"state of version {start.version} is newer than this program")
        self.start = start.model_copy(update={"state": None, "outbox": None})
        self.state = load(PoolState, start.state) if start.state is not None else _first_state(start, workflow.now())
        outbox = Outbox.take_over(info.workflow_id, info.workflow_id, start.outbox)
        super().__init__(outbox, self.state.config.continue_as_new_after)
        self._sessions = Sessions(self.trace, self.post)
        if start.state is None:
            self._note(PoolCreated(actor=start.actor, reason=start.reason, at=workflow.now()))

    @property
    def answers(self) -> Mapping[str, Answered]:
        return self.state.answers

    @property
    def ended(self) -> bool:
        return self.state.status is PoolStatus.CLOSED

    @property
    def busy(self) -> bool:
        return self._sessions.busy

    def decide(self, input: PoolInput) -> Sequence[PoolEvent]:
        return decide(self.state, input)

    def evolve(self, state: PoolState, event: PoolEvent) -> tuple[PoolState, Fact | None]:
        after = evolve(state, event)
        return after, fact(state, after, event)

    def effects(self, state: PoolState, events: Sequence[PoolEvent]) -> Sequence[PoolEffect]:
        return effects(state, events)

    def perform(self, effects: Sequence[PoolEffect]) -> bool:
        self._limit = self.state.config.continue_as_new_after
        spoke = [self._sessions.perform(effect) for effect in effects]
        return any(spoke)

    def details(self) -> str:
        try:
            return details(self.state)
        except Exception as error:
            return str(defect(error))

    def tell(self, facts: Sequence[Fact]) -> None:
        super().tell(facts)
        self._computed += len(facts) * COMPUTED_PER_TASK // AT_ONCE

    def _note(self, event: PoolEvent) -> None:
        state, facts = self.follow([event])
        self.tell(facts)
        self.state = state

    def taken(self, command_id: str) -> str | None:
        answer = self.state.answers.get(command_id)
        return answer.digest if answer is not None else None

    def answer(self, command: Command, error: ThreadloomError | None) -> None:
        """Answers are events of the core; only a refusal at its turn has none."""
        if error is not None:
            self._note(
                CommandAnswered(command_id=command.command_id, answer=refused(command, error), at=workflow.now())
            )

    def input_for(self, command: Command, now: datetime) -> PoolInput:
        return Request(now=now, command=command)

    def advance(self, now: datetime) -> PoolInput:
        return Tick(now=now, backlogged=self._backlogged())

    def _backlogged(self) -> bool:
        """Whether the database is away and too much waits for it; it is over when the database has caught up."""
        outbox = self.recorder.outbox
        if self.state.backlogged:
            return outbox.failing or not outbox.relieved
        return outbox.failing and (outbox.backlogged or self.crowded)

    def wake_at(self) -> tuple[datetime | None, str]:
        return wake_at(self.state), "leases"

    def sealed_batch(self) -> RecordBatch:
        return self.recorder.outbox.next_batch()

    def acknowledged(self, entry: int) -> None:
        # A pool that the backlog holds looks whether it is over.
        if self.state.backlogged:
            self.post(Tick(now=workflow.now(), backlogged=self._backlogged()))

    def told(self, message: LeaseRequest | LeaseRelease | LeasePriority) -> None:
        """A session tells of a lease of one of its threads."""
        self.post(Told(now=workflow.now(), message=message))

    def next_run(self) -> JsonObject:
        """What the next run starts with."""
        carried = {"state": dump(self.state, exclude_defaults=True), "outbox": self.recorder.outbox.carry()}
        return body(self.start.model_copy(update=carried))


def _first_state(start: PoolStart, now: datetime) -> PoolState:
    return PoolState(
        pool=start.pool,
        status=PoolStatus.ACTIVE,
        config=make_config(start.config),
        title=start.title,
        created_at=now,
        updated_at=now,
    )
