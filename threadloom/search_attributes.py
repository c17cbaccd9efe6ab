"""Registers the search attributes with a Temporal server, where it may."""

from __future__ import annotations

import logging
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.searching import TYPES

NAMES = list(TYPES)

_logger = logging.getLogger("threadloom")
_RPC_TIMEOUT = timedelta(seconds=5)
_VALUE_TYPES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
}


async def missing(client: Client) -> list[str] | None:
    """The names that the namespace does not have; None where the server does not tell."""
    try:
        found = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_RPC_TIMEOUT
        )
    except RPCError:
        return None
    return [name for name in TYPES if name not in found.custom_attributes]


async def register(client: Client) -> bool:
    """Add those that are missing; whether all are there now. Where it may not, the log says how to."""
    absent = await missing(client)
    if not absent:
        return absent is not None
    wanted = {name: _VALUE_TYPES[TYPES[name]] for name in absent}
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=wanted), timeout=_RPC_TIMEOUT
        )
    except RPCError as error:
        _logger.warning("search attributes could not be registered (%s); to do so: %s", error.message, how_to(absent))
        return False
    return True


def how_to(names: list[str]) -> str:
    """The command that registers them by hand."""
    return "temporal operator search-attribute create " + " ".join(
        f"--name {name} --type {TYPES[name]}" for name in names
    )
