"""A resource pool, driven as `ResourcePoolWorkflow` drives it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.codec import dump, load
from domain.errors import ThreadloomError
from domain.messages import (
    AcquireLease,
    Command,
    LeaseAnswer,
    LeasePriority,
    LeaseRelease,
    LeaseRequest,
    ThreadHolder,
)
from domain.records import Fact
from domain.resource_pool.config import make_config
from domain.resource_pool.decide import decide
from domain.resource_pool.effects import AnswerSession, FindHolders, PoolEffect, effects
from domain.resource_pool.events import PoolEvent
from domain.resource_pool.evolve import evolve
from domain.resource_pool.history import fact
from domain.resource_pool.inputs import Looked, PoolInput, Request, Tick, Told
from domain.resource_pool.policy import free, in_order
from domain.resource_pool.state import PoolState, PoolStatus
from tests.builders import NOW

POOL = "licences"
SESSION = "s"


class PoolDriver:
    """A pool; its sessions and threads are whatever the test says they are.

    Attributes:
        facts: Its history.
        effects: The effects since they were last looked at.
    """

    def __init__(self, capacity: float = 2, **config: Any) -> None:
        self.now = NOW
        self.facts: list[Fact] = []
        self.effects: list[PoolEffect] = []
        self._ids = count(1)
        self.state = PoolState(
            pool=POOL,
            status=PoolStatus.ACTIVE,
            config=make_config({"capacity": capacity, **config}),
            created_at=NOW,
            updated_at=NOW,
        )

    def take(self, input: PoolInput) -> list[PoolEvent]:
        """One input; the state survives its way to the next run."""
        events = decide(self.state, input)
        for event in events:
            before, self.state = self.state, evolve(self.state, event)
            if (told := fact(before, self.state, event)) is not None:
                self.facts.append(told)
        self.effects += effects(self.state, events)
        assert self.state.used == sum(lease.units for lease in self.state.held.values())
        assert load(PoolState, dump(self.state, exclude_defaults=True)) == self.state
        return events

    # Sessions

    def request(self, lease_id: str, **fields: Any) -> PoolDriver:
        """A session asks for a lease of the thread that is called like it."""
        asked = {"session_id": SESSION, "thread_id": lease_id, "since": self.now, **fields}
        self.take(Told(now=self.now, message=LeaseRequest(lease_id=lease_id, **asked)))
        return self

    def give_up(self, lease_id: str) -> PoolDriver:
        self.take(Told(now=self.now, message=LeaseRelease(lease_id=lease_id)))
        return self

    def prefer(self, lease_id: str, priority: Any) -> PoolDriver:
        self.take(Told(now=self.now, message=LeasePriority(lease_id=lease_id, priority=priority)))
        return self

    def told(self) -> list[tuple[str, str]]:
        """What sessions were told since the last look: (lease, `granted` or the code)."""
        answers = [LeaseAnswer.model_validate(effect.message) for effect in self._seen(AnswerSession)]
        return [(answer.lease_id, "granted" if answer.error is None else answer.error["code"]) for answer in answers]

    # People and programs

    def ask(self, model: type[Command], **fields: Any) -> Any:
        """Send a command; its result. Raises what it is refused with."""
        command = model.model_validate({"command_id": f"c{next(self._ids)}", "actor": "ann", **fields})
        self.take(Request(now=self.now, command=command))
        answer = self.state.answers[command.command_id]
        if answer.error is not None:
            raise ThreadloomError(**answer.error)
        return answer.result

    def acquire(self, lease_id: str | None, **fields: Any) -> Any:
        return self.ask(AcquireLease, **{"lease_id": lease_id, "holder": "bob", **fields})

    # Time

    def after(self, seconds: float, *, backlogged: bool = False) -> PoolDriver:
        self.now += timedelta(seconds=seconds)
        self.take(Tick(now=self.now, backlogged=backlogged))
        return self

    def sought(self) -> list[str]:
        """The threads that were to be looked for since the last look."""
        return [holder.thread_id for effect in self._seen(FindHolders) for holder in effect.holders]

    def found(self, *gone: str) -> PoolDriver:
        """The threads were looked for, and these are gone."""
        holders = tuple(ThreadHolder(session_id=SESSION, thread_id=thread_id) for thread_id in gone)
        self.take(Looked(now=self.now, gone=holders))
        return self

    # What can be seen

    @property
    def held(self) -> list[str]:
        return list(self.state.held)

    @property
    def line(self) -> list[str]:
        return [lease.lease_id for lease in in_order(self.state.line.values())]

    @property
    def free(self) -> int:
        """What is free, in billionths."""
        return free(self.state)

    def due(self, lease_id: str) -> datetime | None:
        lease = self.state.lease(lease_id)
        assert lease is not None
        return lease.due

    def _seen(self, kind: type[Any]) -> Sequence[Any]:
        seen = [effect for effect in self.effects if isinstance(effect, kind)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, kind)]
        return seen
