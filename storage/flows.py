"""Registered flows in SQL."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Code, ThreadloomError
from domain.records import StoredFlow
from storage.connection import Connector
from storage.schema import flows
from storage.statements import insert_new

_BEFORE = {
    "active": ("draft", "active", "inactive"),
    "inactive": ("active", "inactive"),
    "archived": ("draft", "active", "inactive", "archived"),
}
"""From which status each may be set. None leads to `draft`: it is how a version may begin."""


class SqlFlowStore:
    """`domain.ports.FlowStore` over SQLAlchemy."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def register(
        self, document: dict[str, Any], digest: str, *, actor: str | None, at: datetime, draft: bool = False
    ) -> StoredFlow:
        """Register as active or as a draft. A draft is replaced; of others the same content again is no change.

        Args:
            document: A valid flow document; `flow`, `version`, `title` and `description` are read from it.
            digest: Of the document.
            actor: Who registers it.
            at: When.
            draft: Whether it is a draft from now on, if it was nothing else before.

        Raises:
            ThreadloomError: `FLOW_VERSION_EXISTS` when the version is no draft and has another digest.
        """
        new = StoredFlow(
            flow=document["flow"],
            version=document["version"],
            digest=digest,
            status="draft" if draft else "active",
            title=document.get("title", ""),
            description=document.get("description", ""),
            document=document,
            registered_at=at,
            registered_by=actor,
        )
        async with self._connector.writing() as connection:
            # Both leave alone what is more than a draft, so of two registrations at once none changes what may run.
            await connection.execute(insert_new(connection, flows), new.model_dump())
            await connection.execute(
                update(flows).where(_is(new.flow, new.version), flows.c.status == "draft").values(new.model_dump())
            )
            stored = await _find(connection, new.flow, new.version)
        if stored is None or stored.digest != digest:
            raise ThreadloomError(
                Code.FLOW_VERSION_EXISTS,
                f"{new.flow}@{new.version} is registered with another content",
                {"flow": new.flow, "version": new.version},
            )
        return stored

    async def find(self, flow: str, version: str | None = None) -> StoredFlow | None:
        """The version, whatever its status; without one the newest active version, by registration."""
        async with self._connector.reading() as connection:
            return await _find(connection, flow, version)

    async def list(self) -> builtins.list[StoredFlow]:
        """All versions, by name, newest first."""
        query = select(flows).order_by(flows.c.flow, flows.c.id.desc())
        async with self._connector.reading() as connection:
            return [StoredFlow.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def set_status(self, flow: str, version: str, status: str) -> StoredFlow:
        """Set `active`, `inactive` or `archived`.

        Raises:
            ThreadloomError: `FLOW_NOT_FOUND`; `ILLEGAL_TRANSITION` from archived, which is final, and from draft to
                inactive; `INVALID_ARGUMENT` for another status.
        """
        if status not in _BEFORE:
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"a flow is made one of {', '.join(_BEFORE)}")
        allowed = flows.c.status.in_(_BEFORE[status])
        async with self._connector.writing() as connection:
            # One statement decides and changes, so two commands at once cannot bring an archived flow back.
            await connection.execute(update(flows).where(_is(flow, version), allowed).values(status=status))
            stored = await _find(connection, flow, version)
        details = {"flow": flow, "version": version}
        if stored is None:
            raise ThreadloomError(Code.FLOW_NOT_FOUND, f"no flow {flow}@{version} is registered", details)
        if stored.status != status:
            why = "a draft, which is activated or archived" if stored.status == "draft" else "archived, which is final"
            raise ThreadloomError(Code.ILLEGAL_TRANSITION, f"{flow}@{version} is {why}", details)
        return stored


def _is(flow: str, version: str) -> ColumnElement[bool]:
    return (flows.c.flow == flow) & (flows.c.version == version)


async def _find(connection: AsyncConnection, flow: str, version: str | None) -> StoredFlow | None:
    chosen = (flows.c.flow == flow) & (flows.c.status == "active") if version is None else _is(flow, version)
    query = select(flows).where(chosen).order_by(flows.c.id.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return StoredFlow.model_validate(dict(row)) if row else None
