"""Resource pools and their leases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from threadloom.views.base import Sparse, View


class PoolView(View):
    """A resource pool. Numbers are null when no worker has answered for it.

    Attributes:
        status: `active`, `closing` or `closed`; `terminated` when somebody ended it in Temporal; `inactive` when it is
            in Temporal and no worker has taken it up yet.
        free: Nothing, when the capacity was lowered below what is in use.
        held: How many leases are granted.
        waiting: How many requests wait.
        backlogged: The database is away and too many records wait for it: nothing is granted until it is back.
        config: As `domain.resource_pool.config.PoolConfig`.
    """

    pool: str
    status: str
    title: str = ""
    capacity: int | float | None = None
    in_use: int | float | None = None
    free: int | float | None = None
    held: int | None = None
    waiting: int | None = None
    backlogged: bool = False
    config: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None


class LeaseSummary(View):
    """A lease, or a request that waits for one.

    Attributes:
        holder: Of a thread `session/thread`.
        since: When its holder began to wait for it.
        expires_at: When it ends unless it is renewed; a thread's is renewed as long as the thread lives.
        place: In the line, from 1.
    """

    lease_id: str
    holder: str
    session_id: str | None = None
    thread_id: str | None = None
    amount: int | float
    priority: str
    since: datetime
    granted_at: datetime | None = None
    expires_at: datetime | None = None
    place: Annotated[int | None, Sparse] = None


class PoolLeases(PoolView):
    """A pool with all its leases, the oldest grant first, and its line, the head first."""

    holders: list[LeaseSummary]
    line: list[LeaseSummary]


class LeaseView(View):
    """How a lease stands.

    Attributes:
        expires_at: Of one that is granted.
        place: Of one that waits, from 1.
        over: It was released, has expired, or was refused.
        error: {code, message, details}: why it is over, unless its holder has given it up.
    """

    pool: str
    lease_id: str
    granted: bool
    expires_at: Annotated[datetime | None, Sparse] = None
    place: Annotated[int | None, Sparse] = None
    over: bool = False
    error: Annotated[dict[str, Any] | None, Sparse] = None


class LeaseReleased(View):
    """A lease, or a place in the line, was given up."""

    pool: str
    lease_id: str
    released: bool


class PoolAnswer(View):
    """The answer to a command to a pool; `status` as in `SessionAnswer`."""

    pool: str
    status: str


class PoolConfigChanged(View):
    """The configuration from now on, as `domain.resource_pool.config.PoolConfig`."""

    pool: str
    config: dict[str, Any]
