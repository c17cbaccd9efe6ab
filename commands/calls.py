"""How commands are declared and called.

A command is an async function whose first parameter is the `Call`; it returns an `Answer`. One that
computes and waits for nothing is a plain function, so that Ctrl-C stops it where it is: a coroutine would
hear of it when it next waits. What all commands share is here once: their common options, the client, and
the way from answer to exit status.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from pydantic import BaseModel
from rich.console import RenderableType

from commands.environment import read_settings
from commands.outcome import complain, print_answer, status_of, warn
from domain.errors import Code, ThreadloomError
from domain.values import Json

if TYPE_CHECKING:
    from threadloom.client import Threadloom
    from threadloom.flows import Flows

DONE = 0


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a command: on whose behalf, and why.

    Attributes:
        json: Whether the answer is to be JSON.
        actor: By default the login name.
        command_id: Makes the command happen once, however often it is called; by default each call is another.
    """

    json: bool = False
    actor: str | None = None
    reason: str | None = None
    command_id: str | None = None

    @asynccontextmanager
    async def threadloom(self) -> AsyncIterator[Threadloom]:
        """The client, connected as the environment says, for the length of the block."""
        # Late: Temporal's client and SQLAlchemy take a second to import, which `--help` need not wait for.
        from threadloom.composition import open_threadloom

        async with open_threadloom(read_settings(), actor=self.actor) as client:
            yield client

    @asynccontextmanager
    async def flows(self) -> AsyncIterator[Flows]:
        """The registered flows: they need the database, and no Temporal server."""
        from threadloom.composition import make_backend
        from threadloom.flows import Flows
        from threadloom.names import login_name

        backend = make_backend(read_settings().database())
        try:
            yield Flows(backend.flows, self.actor or login_name())
        finally:
            await backend.close()

    @property
    def told(self) -> dict[str, Any]:
        """What reaches the history, as the client's methods take it."""
        return {"reason": self.reason, "command_id": self.command_id}


@dataclass(frozen=True)
class Answer:
    """What a command answers.

    Attributes:
        document: The answer for programs: a view of the client, or JSON.
        shown: Makes the answer for people.
        complaint: What the answer tells of went wrong; it makes the exit status.
    """

    document: BaseModel | Json
    shown: Callable[[], RenderableType]
    complaint: ThreadloomError | None = None

    def json(self) -> Json:
        """The document as JSON."""
        return self.document.model_dump(mode="json") if isinstance(self.document, BaseModel) else self.document


_FINAL = frozenset({"closed", "terminated", "completed", "failed", "cancelled"})
"""Statuses that never change: what the records say of them needs no worker to be true."""

Body: TypeAlias = Callable[..., Coroutine[Any, Any, Answer]] | Callable[..., Answer]

_ALL: dict[str, Any] = {
    "json": Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")],
}
_CHANGING: dict[str, Any] = {
    "actor": Annotated[str | None, typer.Option(help="On whose behalf; the history tells. Default: the login name.")],
    "reason": Annotated[str | None, typer.Option(help="Why; the history tells.")],
    "command_id": Annotated[str | None, typer.Option(help="Makes it happen once, however often it is sent.")],
}


def command(app: typer.Typer, name: str, *, changes: bool = False) -> Callable[[Body], Body]:
    """Register a command.

    Args:
        app: The group that gets it.
        name: What it is called there.
        changes: Whether it changes something, and so takes `--actor`, `--reason` and `--command-id`.
    """
    shared = {**(_CHANGING if changes else {}), **_ALL}

    def register(body: Body) -> Body:
        def run(**arguments: Any) -> None:
            given = {option: arguments.pop(option) for option in shared}
            raise typer.Exit(execute(body, Call(**given), arguments))

        # Typer reads a command's options off its signature: the body's own, and those that all share.
        signature = inspect.signature(body, eval_str=True)
        parameters = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()][1:]
        for option, annotation in shared.items():
            default = False if option == "json" else None
            parameters.append(Parameter(option, Parameter.KEYWORD_ONLY, annotation=annotation, default=default))
        run.__dict__["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(name, help=inspect.getdoc(body))(run)
        return body

    return register


def execute(body: Body, call: Call, arguments: dict[str, Any]) -> int:
    """Carry out the command, print its answer or its refusal, and return the exit status."""

    def work() -> int:
        made = body(call, **arguments)
        answer = made if isinstance(made, Answer) else asyncio.run(made)
        document = answer.json()
        if isinstance(document, dict) and document.get("as_of") and document.get("status") not in _FINAL:
            warn(Code.NO_WORKER, f"no worker answers; this is what the records said at {document['as_of']}")
        print_answer(document, answer.shown, as_json=call.json)
        return complain(answer.complaint) if answer.complaint else DONE

    return status_of(work, as_json=call.json)
