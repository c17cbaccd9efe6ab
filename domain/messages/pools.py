"""What pools are started with and told, what they answer, and what is looked up for them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from domain.flow.model import PositiveDuration
from domain.ids import require_id
from domain.instants import as_utc
from domain.messages.base import STATE_VERSION, Command, Internal, PriorityName, Text
from domain.resources import Amount

LeaseId = Annotated[str, Field(min_length=1, max_length=300)]


SessionId = Annotated[str, AfterValidator(partial(require_id, "session"))]
ThreadId = Annotated[str, AfterValidator(partial(require_id, "thread"))]
Instant = Annotated[datetime, AfterValidator(as_utc)]


class LeaseRequest(Internal):
    """Signal `lease_request`: a session asks for a lease of one of its threads.

    Attributes:
        lease_id: Unique among all who use the pool. The same one again is answered again, and granted once.
        wait: Stand in line when there is no room, instead of being refused.
        since: When the thread began to wait: its age in the line.
    """

    lease_id: LeaseId
    session_id: SessionId
    thread_id: ThreadId
    amount: Amount = 1
    priority: PriorityName = "normal"
    wait: bool = True
    since: Instant


class LeaseRelease(Internal):
    """Signal `lease_release`: the lease is given up, or the place in the line; also before it was asked for."""

    lease_id: LeaseId


class LeasePriority(Internal):
    """Signal `lease_priority`: another priority for a request that waits."""

    lease_id: LeaseId
    priority: PriorityName


class LeaseAnswer(Internal):
    """Signal `lease_answer`: the pool tells a session what has become of a request. While it waits, nothing is told.

    Attributes:
        expires_at: Of a lease that was granted: when its thread is looked for next.
        error: {code, message, details} of one that was not granted, or that was lost later (`LEASE_LOST`).
    """

    pool: str
    lease_id: str
    granted: bool
    expires_at: datetime | None = None
    error: dict[str, Any] | None = None


class ConfigurePool(Command):
    """Change the pool's configuration, as `domain.resource_pool.config.PoolConfig`; what is not named stays."""

    operation = "configure"

    config: dict[str, Any]


class ClosePool(Command):
    """Grant nothing more; closed when the last lease is over.

    Attributes:
        force: Drop the leases that are held, now.
    """

    operation = "close"

    force: bool = False


class AcquireLease(Command):
    """A person or a program asks for a lease.

    Attributes:
        lease_id: The command's own id when there is none.
        holder: Who is to have it.
        ttl: How long it is held, once granted, without being renewed.
        wait: Stand in line when there is no room, instead of being refused.
    """

    operation = "acquire"

    lease_id: LeaseId | None = None
    holder: Annotated[str, Field(min_length=1, max_length=200)]
    amount: Amount = 1
    priority: PriorityName = "normal"
    ttl: PositiveDuration = Field(default="5m", validate_default=True)
    wait: bool = False


class RenewLease(Command):
    """Hold a lease for longer, from now on.

    Attributes:
        ttl: For how long; as long as it was granted for when there is none.
    """

    operation = "renew"

    lease_id: LeaseId
    ttl: PositiveDuration | None = None


class ReleaseLease(Command):
    """Give up a lease, or a place in the line. A thread's session is told that its lease is lost."""

    operation = "release"

    lease_id: LeaseId


class PoolStart(Internal):
    """What a pool's workflow starts with: its wishes, or the state its last run handed over.

    Attributes:
        config: As `domain.resource_pool.config.PoolConfig`.
        state: `domain.resource_pool.state.PoolState` as JSON.
    """

    version: int = STATE_VERSION
    pool: str
    config: dict[str, Any] = {}
    title: Text = ""
    actor: str = "unknown"
    reason: str | None = None
    state: dict[str, Any] | None = None
    outbox: dict[str, Any] | None = None


class ThreadHolder(Internal):
    """A thread that holds a lease, or waits for one."""

    session_id: str
    thread_id: str


class FindHoldersInput(Internal):
    """Input of the activity that looks whether threads are still there."""

    holders: list[ThreadHolder]


class FindHoldersResult(Internal):
    """Those of the threads that certainly are not."""

    gone: list[ThreadHolder]
