"""`session`: start, look at, pause, resume, configure and end sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from commands.arguments import (
    FOR,
    JSON_HELP,
    MESSAGE_ID,
    MESSAGE_NAME,
    MESSAGE_TYPE,
    MODE,
    TIMEOUT,
    UNTIL,
    WAIT,
    confirm,
    duration,
    hold_end,
    json_object,
    json_value,
)
from commands.calls import Answer, Call, command
from commands.outcome import UNAVAILABLE_CODES, warn
from commands.showing import mail
from commands.showing import sessions as showing
from commands.showing import threads as showing_threads
from domain.errors import Code, ThreadloomError

if TYPE_CHECKING:
    from threadloom.views import Broadcast, SessionAnswer

SessionStatusName: TypeAlias = Literal[
    "inactive", "active", "pausing", "paused", "closing", "closed", "terminating", "terminated"
]

app = typer.Typer(name="session", help="Sessions: start, look at, pause, resume, end.", no_args_is_help=True)

SESSION_ID = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
CONFIG = Annotated[dict[str, Any] | None, typer.Option(parser=json_object, metavar="JSON", help=JSON_HELP)]


@command(app, "start", changes=True)
async def start(
    call: Call,
    session_id: Annotated[str | None, typer.Argument(metavar="[ID]", show_default=False)] = None,
    config: CONFIG = None,
    preset: Annotated[str | None, typer.Option(metavar="P", help="unlimited (default) or interactive.")] = None,
    title: Annotated[str, typer.Option(metavar="T", help="For lists.")] = "",
) -> Answer:
    """Start a session; without an ID it gets a readable one."""
    async with call.threadloom() as loom:
        view = await loom.start_session(session_id, config=config, preset=preset, title=title, **call.told)
    if view.status == "inactive":
        warn(Code.NO_WORKER, "no worker answers yet; the session begins when one does")
    return Answer(view, lambda: showing.session(view))


@command(app, "list")
async def list_(
    call: Call,
    status: Annotated[SessionStatusName | None, typer.Option(help="Only those with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 100,
) -> Answer:
    """List sessions, the most recently changed first."""
    async with call.threadloom() as loom:
        views = await loom.sessions(status=status, limit=limit)
    document = {"sessions": [view.model_dump(mode="json") for view in views]}
    return Answer(document, lambda: showing.sessions(views))


@command(app, "show")
async def show(call: Call, session_id: SESSION_ID) -> Answer:
    """Show a session: its status, who holds it, and how its threads stand."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).describe()
    return Answer(view, lambda: showing.session(view))


@command(app, "threads")
async def threads(call: Call, session_id: SESSION_ID) -> Answer:
    """List a session's threads and what each waits for."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).threads()
    return Answer(view, lambda: showing_threads.threads(view.threads))


@command(app, "tree")
async def tree(call: Call, session_id: SESSION_ID) -> Answer:
    """Show which thread was forked or copied from which."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).tree()
    return Answer(view, lambda: showing.tree(view))


@command(app, "pause", changes=True)
async def pause(
    call: Call,
    session_id: SESSION_ID,
    *,
    until: UNTIL = None,
    for_: FOR = None,
    mode: MODE = "drain",
    wait: WAIT = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Pause every thread of a session, also those started meanwhile."""
    del mode  # there is one so far
    end = hold_end(until, for_)
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).pause(until=end, wait=wait, timeout=patience, **call.told)
    return _told(answer)


@command(app, "resume", changes=True)
async def resume(
    call: Call,
    session_id: SESSION_ID,
    *,
    hold_threads: Annotated[bool, typer.Option("--hold-threads", help="Leave each thread held by itself.")] = False,
    wait: WAIT = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Let a paused session go on."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).resume(
            hold_threads=hold_threads, wait=wait, timeout=patience, **call.told
        )
    return _told(answer)


@command(app, "close", changes=True)
async def close(call: Call, session_id: SESSION_ID, wait: WAIT = False, patience: TIMEOUT = None) -> Answer:
    """Take no new threads; the session is closed when the last one ends."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).close(wait=wait, timeout=patience, **call.told)
    return _told(answer)


@command(app, "terminate", changes=True)
async def terminate(
    call: Call,
    session_id: SESSION_ID,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    grace: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="D", help="How long threads may take to end by themselves."),
    ] = None,
    no_compensate: Annotated[
        bool, typer.Option("--no-compensate", help="Do not undo what the threads have done.")
    ] = False,
    wait: WAIT = False,
    patience: TIMEOUT = None,
) -> Answer:
    """End a session: its threads are cancelled, and after the grace ended by force."""
    if not yes:
        confirm("session", session_id)
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).terminate(
            grace=grace, compensate=not no_compensate, wait=wait, timeout=patience, **call.told
        )
    return _told(answer)


@command(app, "create-threads", changes=True)
async def create_threads(
    call: Call,
    session_id: SESSION_ID,
    threads: Annotated[
        Any, typer.Argument(parser=json_value, metavar="JSON", help="[{id, flow, input, priority}, …]. " + JSON_HELP)
    ],
) -> Answer:
    """Start many threads; each is admitted or refused by itself.

    Of an entry only `flow` is required; it may also have context, metadata, title, description, hold, requires and
    wait_for_resources.
    """
    if not isinstance(threads, list):
        raise ThreadloomError(Code.INVALID_ARGUMENT, "a list of entries is wanted: [{id, flow, input, priority}, …]")
    async with call.threadloom() as loom:
        created = await loom.session(session_id).create_threads(threads, **call.told)
    bad = [entry for entry in created.threads if "error" in entry]
    complaint = None
    if bad:
        first = bad[0]["error"]
        message = f"{len(bad)} of {len(created.threads)} threads were refused, the first with: {first['message']}"
        complaint = ThreadloomError(first["code"], message, {"refused": [entry["entry"] for entry in bad]})
    return Answer(created, lambda: showing.created_together(created), complaint)


@command(app, "cancel-flow", changes=True)
async def cancel_flow(
    call: Call,
    session_id: SESSION_ID,
    flow: Annotated[str, typer.Argument(metavar="NAME[@V]", show_default=False)],
) -> Answer:
    """Cancel all threads of a flow, those that wait for their turn and those that run."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).cancel_flow(flow, **call.told)
    told = f"{len(answer.threads)} threads of {flow} are told to end"
    return Answer(answer, lambda: told)


@command(app, "sync", changes=True)
async def sync(call: Call, session_id: SESSION_ID) -> Answer:
    """Compare the session's threads with what Temporal knows of them, now."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).sync(**call.told)
    return Answer(answer, lambda: f"session {session_id}: asked to look at its threads")


@command(app, "recover", changes=True)
async def recover(call: Call, session_id: SESSION_ID, wait: WAIT = False, patience: TIMEOUT = None) -> Answer:
    """Start a session again whose workflow was lost, and adopt its threads that live."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).recover(wait=wait, timeout=patience, **call.told)
    if answer.status == "requested":
        warn(Code.NO_WORKER, "nobody has answered yet; the session is recovered when a worker does it")
    return Answer(answer, lambda: showing.recovered(answer))


@command(app, "configure", changes=True)
async def configure(
    call: Call,
    session_id: SESSION_ID,
    changes: Annotated[dict[str, Any], typer.Argument(parser=json_object, metavar="JSON", help=JSON_HELP)],
) -> Answer:
    """Change a session's configuration; what is not named stays."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).configure(changes, **call.told)
    return Answer(answer, lambda: showing.config(answer.config))


@command(app, "history")
async def history(
    call: Call,
    session_id: SESSION_ID,
    *,
    type: Annotated[str | None, typer.Option(metavar="T", help="Only records of this type.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="T", help="Only records of this thread.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="A", help="Only what this actor did.")] = None,
    after: Annotated[int, typer.Option(min=0, metavar="SEQ", help="Only records with a higher number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 100,
) -> Answer:
    """Show what happened in a session, in the order of seq.

    seq is the order in which the database heard of things, which is not always that of their times.
    """
    async with call.threadloom() as loom:
        view = await loom.session(session_id).history(type=type, thread=thread, actor=actor, after=after, limit=limit)
    return Answer(view, lambda: showing.history(view, limit=limit))


@command(app, "resources")
async def resources(call: Call, session_id: SESSION_ID) -> Answer:
    """Show what is taken of a session's resources, by whom, and what its threads have at pools."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).resources()
    return Answer(view, lambda: showing.resources(view))


@command(app, "allocate", changes=True)
async def allocate(
    call: Call,
    session_id: SESSION_ID,
    resources: Annotated[dict[str, Any], typer.Argument(parser=json_object, metavar="JSON", help=JSON_HELP)],
    *,
    id: Annotated[str | None, typer.Option("--id", metavar="A", help="The allocation's id.")] = None,
    holder: Annotated[str | None, typer.Option(metavar="H", help="For whom; the actor by default.")] = None,
    for_: Annotated[
        timedelta | None, typer.Option("--for", parser=duration, metavar="D", help="Free again after this.")
    ] = None,
) -> Answer:
    """Take resources of a session by hand, {name: amount}: all of them or none."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).allocate(
            resources, allocation_id=id, holder=holder, duration=for_, **call.told
        )
    return Answer(answer, lambda: f"allocated as {answer.allocation['id']}")


@command(app, "release", changes=True)
async def release(
    call: Call, session_id: SESSION_ID, allocation: Annotated[str, typer.Argument(metavar="A", show_default=False)]
) -> Answer:
    """Free what was allocated, by hand or to a thread."""
    async with call.threadloom() as loom:
        answer = await loom.session(session_id).release(allocation, **call.told)
    return Answer(answer, lambda: f"{answer.allocation} is free again")


@command(app, "stats")
async def stats(call: Call, session_id: SESSION_ID) -> Answer:
    """Show what a session has counted: operations, times, usage, resources."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).statistics()
    return Answer(view, lambda: showing.statistics(view))


@command(app, "broadcast", changes=True)
async def broadcast(
    call: Call,
    session_id: SESSION_ID,
    body: Annotated[Any, typer.Argument(parser=json_value, metavar="JSON", help=JSON_HELP, show_default=False)],
    *,
    name: MESSAGE_NAME = None,
    type: MESSAGE_TYPE = "data",
    id: MESSAGE_ID = None,
) -> Answer:
    """Put a message into the mailbox of every thread that lives and has started."""
    async with call.threadloom() as loom:
        view = await loom.session(session_id).broadcast(body, name=name, type=type, message_id=id, **call.told)
    return Answer(view, lambda: mail.broadcast(view), complaint=_refused(view))


def _refused(view: Broadcast) -> ThreadloomError | None:
    """What to say of the threads that did not take it, by the code that is no matter of waiting, if there is one."""
    if not view.refused:
        return None
    final = [code for code in view.refused.values() if code not in UNAVAILABLE_CODES]
    named = ", ".join(f"{thread} {code}" for thread, code in list(view.refused.items())[:5])
    rest = f" and {len(view.refused) - 5} more" if len(view.refused) > 5 else ""
    message = f"not taken by {len(view.refused)} of {len(view.refused) + len(view.delivered)} threads: {named}{rest}"
    details = {"refused": view.refused, "command_id": view.command_id}
    return ThreadloomError((final or list(view.refused.values()))[0], message, details)


def _told(answer: SessionAnswer) -> Answer:
    if answer.status == "requested":
        warn(Code.NO_WORKER, "no worker answers yet; the command takes effect when one does")
    return Answer(answer, lambda: showing.answer(f"session {answer.session_id}", answer.status))
