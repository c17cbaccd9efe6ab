"""`doctor`: is all there that a session needs, and what to do where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from commands.calls import Answer, Call, command
from commands.environment import read_settings
from commands.outcome import UNAVAILABLE_CODES
from commands.showing import doctor as showing
from domain.errors import Code, ThreadloomError
from domain.explanations import EXPLANATIONS

if TYPE_CHECKING:
    from temporalio.client import Client

    from domain.records import StoredFlow
    from threadloom.backend import Backend
    from threadloom.settings import Settings

_RPC_SECONDS = 5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        found: What was found, for people.
        code: What is wrong; None when nothing is.
        remedy: What to do about it; without a code, what would make a good thing better.
    """

    name: str
    found: str
    code: str | None = None
    remedy: str | None = None


def mount(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "doctor")(doctor)


async def doctor(call: Call) -> Answer:
    """Look at server, namespace, database, payload store and workers; tell what to do."""
    from threadloom.composition import make_backend

    settings = read_settings()
    backend, other = make_backend(settings.database()), make_backend(settings.database())
    try:
        in_database, in_server = await asyncio.gather(_of_database(backend, other), _of_server(backend, settings))
    finally:
        await backend.close()
        await other.close()
    checks = [*in_server, *in_database]
    wrong = [check for check in checks if check.code is not None]
    complaint = None
    if wrong:
        gravest = next((check for check in wrong if check.code in UNAVAILABLE_CODES), wrong[0])
        complaint = ThreadloomError(gravest.code or "", "; ".join(check.found for check in wrong))
    document = {"healthy": not wrong, "checks": [{"ok": check.code is None, **asdict(check)} for check in checks]}
    return Answer(document, lambda: showing.checks(checks), complaint)


async def _of_server(backend: Backend, settings: Settings) -> list[Check]:
    from threadloom.composition import connect

    try:
        client = await connect(backend, settings)
    except ThreadloomError as error:
        return [_wrong("server", error)]
    server, namespace = await asyncio.gather(_server(client), _namespace(client))
    if namespace.code is not None:
        return [server, namespace]
    queues = [settings.task_queue, *await _other_queues(backend, settings.task_queue)]
    polled = asyncio.gather(*(_queue(client, queue, settings) for queue in queues))
    return [server, namespace, await _search_attributes(client), *await polled]


async def _server(client: Client) -> Check:
    from datetime import timedelta

    from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
    from temporalio.service import RPCError

    address = client.service_client.config.target_host
    try:
        answer = await client.workflow_service.get_system_info(
            GetSystemInfoRequest(), timeout=timedelta(seconds=_RPC_SECONDS)
        )
    except RPCError as error:
        return _wrong("server", ThreadloomError(Code.SERVER_UNREACHABLE, f"{address}: {error.message}"))
    return Check("server", f"Temporal {answer.server_version} at {address}")


async def _namespace(client: Client) -> Check:
    from datetime import timedelta

    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError

    try:
        answer = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=timedelta(seconds=_RPC_SECONDS)
        )
    except RPCError as error:
        message = f"namespace {client.namespace}: {error.message}"
        return Check("namespace", message, Code.SERVER_UNREACHABLE, "Create the namespace, or set TEMPORAL_NAMESPACE.")
    kept = answer.config.workflow_execution_retention_ttl.ToTimedelta()
    return Check("namespace", f"{client.namespace}, ended workflows are kept for {kept.total_seconds() / 3600:.0f} h")


async def _search_attributes(client: Client) -> Check:
    """Nothing needs them but Temporal's own lists, so their absence is no fault."""
    from threadloom.search_attributes import NAMES, how_to, missing

    absent = await missing(client)
    if absent == []:
        return Check("search attributes", "all registered")
    found = "the server does not tell" if absent is None else f"missing: {', '.join(absent)}"
    found += "; Temporal's own lists do not show sessions by session, status, flow and hold"
    remedy = f"Let a worker start with the right to register them, or: {how_to(absent or NAMES)}"
    return Check("search attributes", found, remedy=remedy)


async def _queue(client: Client, task_queue: str, settings: Settings) -> Check:
    from threadloom.pollers import RECENT, find_pollers

    name = f"task queue {task_queue}"
    ours = task_queue == settings.task_queue
    try:
        pollers = await find_pollers(client, task_queue)
    except ThreadloomError as error:
        return _wrong(name, error)
    present = pollers.workflows if ours else pollers.activities
    if present:
        workers = f"{len(present)} worker{'s' if len(present) > 1 else ''} in the last {RECENT.seconds} s"
        return Check(name, f"{workers}: {', '.join(present[:3])}")
    remedy = "Start `python worker.py`." if ours else "Start the team's worker for this task queue."
    return Check(name, f"nobody polls {task_queue}", Code.NO_WORKER, remedy)


async def _other_queues(backend: Backend, own: str) -> list[str]:
    """Task queues that the active flows name; none when the database does not tell."""
    try:
        flows: Sequence[StoredFlow] = await backend.flows.list()
    except ThreadloomError:
        return []
    queues = {queue for flow in flows if flow.status == "active" for queue in _named_queues(flow.document)}
    return sorted(queues - {own})


def _named_queues(value: Any) -> set[str]:
    """Task queues that a flow's document names; one made by an expression is not known before it runs."""
    if not isinstance(value, dict):
        return set()
    found = {value["task_queue"]} if isinstance(value.get("task_queue"), str) else set()
    found |= {queue for member in value.values() for queue in _named_queues(member)}
    return {queue for queue in found if "{{" not in queue}


async def _of_database(backend: Backend, other: Backend) -> list[Check]:
    try:
        await backend.check()
    except ThreadloomError as error:
        return [_wrong("database", error)]
    return [Check("database", f"{backend.address}, schema of this version"), await _payloads(backend, other)]


async def _payloads(backend: Backend, other: Backend) -> Check:
    """Store a value and read it through another backend, whose cache has not seen it: progress depends on it."""
    from temporalio.api.common.v1 import Payload
    from temporalio.converter import StorageDriverRetrieveContext, StorageDriverStoreContext

    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'"doctor"')
    try:
        claims = await backend.payload_driver.store(StorageDriverStoreContext(), [payload])
        found = await other.payload_driver.retrieve(StorageDriverRetrieveContext(), claims)
    except ThreadloomError as error:
        return _wrong("payload store", error)
    if list(found) != [payload]:
        return Check("payload store", "a value came back changed", Code.DATABASE_UNREACHABLE, "Look at the database.")
    return Check("payload store", "a value was stored and read again")


def _wrong(name: str, error: ThreadloomError) -> Check:
    remedy = EXPLANATIONS[Code(error.code)].remedy if error.code in Code.__members__ else None
    return Check(name, error.message, error.code, remedy)
