"""`pool`: make, look at, resize and close resource pools, and lease from them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from commands.arguments import JSON_HELP, TIMEOUT, confirm, duration, json_object
from commands.calls import Answer, Call, command
from commands.outcome import warn
from commands.showing import pools as showing
from commands.showing.sessions import answer as shown_answer
from domain.errors import Code

if TYPE_CHECKING:
    from threadloom.views import LeaseView

app = typer.Typer(
    name="pool", help="Resource pools, which sessions share: make, look at, lease from.", no_args_is_help=True
)

NAME = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
LEASE_ID = Annotated[str, typer.Argument(metavar="LEASE", show_default=False)]
CAPACITY = Annotated[float, typer.Argument(metavar="N", show_default=False)]
TITLE = Annotated[str, typer.Option(metavar="T", help="For lists.")]
LIMIT = Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")]


@command(app, "create", changes=True)
async def create(
    call: Call,
    name: NAME,
    *,
    capacity: Annotated[float, typer.Option(metavar="N", show_default=False, help="How much there is.")],
    lease: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="D", help="After so long a thread with a lease is looked for (5m)."),
    ] = None,
    title: TITLE = "",
) -> Answer:
    """Make a pool. The name of one that is closed may be used again."""
    async with call.threadloom() as loom:
        view = await loom.create_pool(name, capacity, lease=lease, title=title, **call.told)
    if view.status == "inactive":
        warn(Code.NO_WORKER, "no worker answers yet; the pool begins when one does")
    return Answer(view, lambda: showing.pool(view))


@command(app, "list")
async def list_(call: Call, limit: LIMIT = 100) -> Answer:
    """List the pools that Temporal knows, the living first."""
    async with call.threadloom() as loom:
        views = await loom.pools(limit)
    return Answer({"pools": [view.model_dump(mode="json") for view in views]}, lambda: showing.pools(views))


@command(app, "show")
async def show(call: Call, name: NAME) -> Answer:
    """Show a pool: what it has, who holds how much of it, and who waits."""
    async with call.threadloom() as loom:
        view = await loom.pool(name).leases()
    return Answer(view, lambda: showing.leases(view))


@command(app, "resize", changes=True)
async def resize(call: Call, name: NAME, capacity: CAPACITY) -> Answer:
    """Change a pool's capacity.

    More lets in who waits, at once. Less throws nobody out: nobody gets in until there is room.
    """
    async with call.threadloom() as loom:
        answer = await loom.pool(name).configure({"capacity": capacity}, **call.told)
    return Answer(answer, lambda: showing.config(answer.config))


@command(app, "configure", changes=True)
async def configure(
    call: Call,
    name: NAME,
    changes: Annotated[dict[str, Any], typer.Argument(parser=json_object, metavar="JSON", help=JSON_HELP)],
) -> Answer:
    """Change a pool's configuration; what is not named stays."""
    async with call.threadloom() as loom:
        answer = await loom.pool(name).configure(changes, **call.told)
    return Answer(answer, lambda: showing.config(answer.config))


@command(app, "acquire", changes=True)
async def acquire(
    call: Call,
    name: NAME,
    *,
    amount: Annotated[float, typer.Option(metavar="N", help="How much.")] = 1,
    holder: Annotated[str | None, typer.Option(metavar="WHO", help="Who is to have it; the actor by default.")] = None,
    priority: Annotated[Literal["low", "normal", "high", "urgent"], typer.Option(help="Who gets in first.")] = "normal",
    ttl: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="D", help="How long it is held without being renewed (5m)."),
    ] = None,
    line: Annotated[bool, typer.Option("--line", help="Stand in line when there is no room.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stand in line, and wait until it is granted.")] = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Lease from a pool; refused when there is no room, unless told to stand in line."""
    async with call.threadloom() as loom:
        answer = await loom.pool(name).acquire(
            holder=holder,
            amount=amount,
            priority=priority,
            ttl=ttl,
            line=line,
            wait=wait,
            timeout=patience,
            **call.told,
        )
    return _standing(answer)


@command(app, "renew", changes=True)
async def renew(
    call: Call,
    name: NAME,
    lease_id: LEASE_ID,
    ttl: Annotated[
        timedelta | None, typer.Option(parser=duration, metavar="D", help="For how long; as before by default.")
    ] = None,
) -> Answer:
    """Hold a lease for longer, from now on."""
    async with call.threadloom() as loom:
        answer = await loom.pool(name).renew(lease_id, ttl=ttl, **call.told)
    return _standing(answer)


@command(app, "release", changes=True)
async def release(call: Call, name: NAME, lease_id: LEASE_ID) -> Answer:
    """Give up a lease, or a place in the line; a thread's may be taken away like this."""
    async with call.threadloom() as loom:
        answer = await loom.pool(name).release(lease_id, **call.told)
    return Answer(answer, lambda: f"lease {lease_id} of pool {name}: released")


@command(app, "history")
async def history(
    call: Call,
    name: NAME,
    *,
    type: Annotated[str | None, typer.Option(metavar="T", help="Only records of this type.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="T", help="Only records of threads with this id.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="A", help="Only what this actor did.")] = None,
    after: Annotated[int, typer.Option(min=0, metavar="SEQ", help="Only records with a higher number.")] = 0,
    limit: LIMIT = 100,
) -> Answer:
    """Show what happened in a pool, in order; each record says how much was in use after it."""
    async with call.threadloom() as loom:
        view = await loom.pool(name).history(type=type, thread=thread, actor=actor, after=after, limit=limit)
    return Answer(view, lambda: showing.history(view, limit=limit))


@command(app, "close", changes=True)
async def close(
    call: Call,
    name: NAME,
    *,
    force: Annotated[bool, typer.Option("--force", help="Drop all leases now.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Grant nothing more and refuse who waits; the pool is closed when its last lease is over."""
    if not yes:
        confirm("pool", name)
    async with call.threadloom() as loom:
        answer = await loom.pool(name).close(force=force, **call.told)
    if answer.status == "requested":
        warn(Code.NO_WORKER, "no worker answers yet; the command takes effect when one does")
    return Answer(answer, lambda: shown_answer(f"pool {name}", answer.status))


def _standing(answer: LeaseView) -> Answer:
    return Answer(answer, lambda: showing.lease(answer))
