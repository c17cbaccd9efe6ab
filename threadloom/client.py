"""The client: sessions, flows, resource pools, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from domain.flow.durations import format_duration
from threadloom.backend import Backend
from threadloom.delivery import Delivery
from threadloom.flows import Flows
from threadloom.gateway import Gateway
from threadloom.names import login_name
from threadloom.pool import PoolHandle
from threadloom.pool_reading import PoolReading
from threadloom.reading import Reading
from threadloom.recovering import SessionRecovery
from threadloom.session import SessionHandle
from threadloom.settings import Settings
from threadloom.starting import create_pool, start_session
from threadloom.views import PoolView, SessionSummary, SessionView, ThreadList


class Threadloom:
    """A client of Threadloom. `threadloom.open_threadloom` makes one from the environment.

    Every method raises `ThreadloomError`, and nothing else of its own: Temporal's and the database's
    errors arrive as codes (`SERVER_UNREACHABLE`, `NO_WORKER`, `DATABASE_UNREACHABLE`, …), within ten
    seconds unless something is waited for.

    Args:
        client: A Temporal client that has the `ThreadloomPlugin`.
        backend: The database behind it.
        settings: Says on which task queue sessions run.
        actor: Who works with this client, for the history; the login name by default.

    Attributes:
        flows: Registered flows, and flows in files.
    """

    def __init__(self, client: Client, backend: Backend, settings: Settings, actor: str | None = None) -> None:
        self.client = client
        self.backend = backend
        self.settings = settings
        self.actor = actor or login_name()
        self.flows = Flows(backend.flows, self.actor)
        self._gateway = Gateway(client)
        self._reading = Reading(self._gateway, backend.records)
        self._pool_reading = PoolReading(self._gateway, backend.records)
        self._delivery = Delivery(self._gateway, backend.records)
        self._recovery = SessionRecovery(self._gateway, backend.records, self._delivery, settings.task_queue)

    def session(self, session_id: str) -> SessionHandle:
        """A session by its id; nobody is asked whether it exists.

        Raises:
            ThreadloomError: `INVALID_ID`.
        """
        return SessionHandle(
            session_id,
            reading=self._reading,
            delivery=self._delivery,
            recovery=self._recovery,
            flows=self.flows,
            actor=self.actor,
        )

    async def start_session(
        self,
        session_id: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        preset: str | None = None,
        title: str = "",
        user_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        shared: Mapping[str, Any] | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> SessionView:
        """Start a session.

        Args:
            session_id: A readable one is made when there is none.
            config: Changes to the preset, as `domain.session.config.SessionConfig`.
            preset: `unlimited` (default) or `interactive`.
            title: For lists.
            user_id: Whose it is.
            metadata: Anything to find it by.
            shared: What its threads see as `session.shared`.
            reason: Why, for the history.
            command_id: Makes it happen once: the same one again describes the session it started.
            actor: Who; the client's by default.

        Returns:
            The session; with status `inactive` when Temporal has it and no worker has taken it up yet.

        Raises:
            ThreadloomError: `SESSION_EXISTS`, `INVALID_ID`, `INVALID_ARGUMENT` (nothing was started),
                `COMMAND_ID_REUSED`.
        """
        return await start_session(
            self._gateway,
            self.backend.records,
            self._reading,
            self.settings.task_queue,
            session_id,
            command_id=command_id,
            wishes={
                "config": dict(config or {}),
                "preset": preset,
                "title": title,
                "user_id": user_id,
                "metadata": dict(metadata or {}),
                "shared": dict(shared or {}),
                "actor": actor or self.actor,
                "reason": reason,
            },
        )

    async def sessions(self, status: str | None = None, limit: int = 100) -> list[SessionSummary]:
        """Sessions from the database, the most recently changed first.

        Args:
            status: Only those with this status.
            limit: How many at most.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        return await self._reading.sessions(status=status, limit=limit)

    async def threads(
        self,
        *,
        session_id: str | None = None,
        status: str | None = None,
        flow: str | None = None,
        limit: int = 1_000,
    ) -> ThreadList:
        """Threads of all sessions, or of one, from the database, in the order of their creation.

        `SessionHandle.threads` asks the threads themselves.

        Args:
            session_id: Only those of this session.
            status: Only those with this status.
            flow: Only those that execute this `name` or `name@version`.
            limit: How many at most.

        Raises:
            ThreadloomError: `DATABASE_UNREACHABLE`.
        """
        return await self._reading.recorded_threads(session_id=session_id, status=status, flow=flow, limit=limit)

    def pool(self, name: str) -> PoolHandle:
        """A resource pool by its name; nobody is asked whether it exists.

        Raises:
            ThreadloomError: `INVALID_ID`.
        """
        return PoolHandle(name, reading=self._pool_reading, delivery=self._delivery, actor=self.actor)

    async def create_pool(
        self,
        name: str,
        capacity: float,
        *,
        lease: timedelta | float | None = None,
        title: str = "",
        config: Mapping[str, Any] | None = None,
        reason: str | None = None,
        command_id: str | None = None,
        actor: str | None = None,
    ) -> PoolView:
        """Make a resource pool: a number of one named thing, shared by all sessions.

        Args:
            name: An id. That of a pool that is closed may be used again.
            capacity: How much there is.
            lease: After so long, in seconds or as a timedelta, a thread that holds a lease is looked for; 5 minutes.
            title: For lists.
            config: What else to configure, as `domain.resource_pool.config.PoolConfig`.
            reason: Why, for the history.
            command_id: Makes it happen once: the same one again describes the pool it made.
            actor: Who; the client's by default.

        Returns:
            The pool; with status `inactive` when Temporal has it and no worker has taken it up yet.

        Raises:
            ThreadloomError: `POOL_EXISTS`, `INVALID_ID`, `INVALID_ARGUMENT` (nothing was made), `COMMAND_ID_REUSED`.
        """
        wanted = {"capacity": capacity, **(config or {})}
        if lease is not None:
            wanted["lease"] = format_duration(lease if isinstance(lease, timedelta) else timedelta(seconds=lease))
        return await create_pool(
            self._gateway,
            self._pool_reading,
            self.settings.task_queue,
            name,
            command_id=command_id,
            wishes={"config": wanted, "title": title, "actor": actor or self.actor, "reason": reason},
        )

    async def pools(self, limit: int = 100) -> list[PoolView]:
        """The resource pools that Temporal knows, the living first. Needs no database.

        Args:
            limit: How many at most.
        """
        return await self._pool_reading.pools(limit)
