"""`thread`: start, look at, pause, resume, cancel, answer and address threads."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from rich.console import RenderableType

from commands import branching, talking
from commands.arguments import (
    FOR,
    JSON_HELP,
    MODE,
    SESSION,
    THREAD,
    TIMEOUT,
    UNTIL,
    WAIT,
    confirm,
    hold_end,
    json_object,
    json_value,
)
from commands.calls import Answer, Call, command
from commands.outcome import warn
from commands.showing import threads as showing
from domain.errors import Code, ThreadloomError

if TYPE_CHECKING:
    from threadloom.client import Threadloom
    from threadloom.thread import ThreadHandle
    from threadloom.views import FlowExecution, ThreadAnswer, ThreadResult, ThreadSummary

ThreadStatusName: TypeAlias = Literal["pending", "running", "pausing", "paused", "completed", "failed", "cancelled"]
Action: TypeAlias = Literal["pause", "resume", "cancel", "close"]

app = typer.Typer(name="thread", help="Threads: start, look at, pause, fork, copy, answer.", no_args_is_help=True)
branching.mount(app)
talking.mount(app)

THREADS = Annotated[list[str], typer.Argument(metavar="THREAD...", show_default=False)]
FLOW = Annotated[str, typer.Argument(metavar="FLOW", help="name, name@version, or a file.", show_default=False)]
ID = Annotated[str | None, typer.Option("--id", metavar="T", help="The thread's id; a readable one else.")]
INPUT = Annotated[Any, typer.Option(parser=json_value, metavar="JSON", help=JSON_HELP)]
CONTEXT = Annotated[Any, typer.Option(parser=json_value, metavar="JSON", help="Carried along. " + JSON_HELP)]
PRIORITY = Annotated[
    Literal["low", "normal", "high", "urgent"], typer.Option(help="Which starts first where threads queue.")
]
HOLD = Annotated[bool, typer.Option("--hold", help="Start it held; thread resume lets it go.")]
TITLE = Annotated[str, typer.Option(metavar="T", help="For lists.")]


@command(app, "start", changes=True)
async def start(
    call: Call,
    session: SESSION,
    flow: FLOW,
    *,
    id: ID = None,
    input: INPUT = None,
    context: CONTEXT = None,
    priority: PRIORITY = "normal",
    hold: HOLD = False,
    title: TITLE = "",
    requires: Annotated[
        dict[str, Any] | None,
        typer.Option(parser=json_object, metavar="JSON", help="What it needs first: {resource or pool/NAME: amount}."),
    ] = None,
    if_free: Annotated[bool, typer.Option("--if-free", help="Refuse it where it would wait for resources.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit 0 only when it completed.")] = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Start a thread that executes a flow."""
    async with call.threadloom() as loom:
        handle = loom.session(session)
        started = await handle.create_thread(
            flow,
            thread_id=id,
            input=input,
            context=context,
            priority=priority,
            hold=hold,
            title=title,
            requires=requires,
            wait_for_resources=not if_free,
            **call.told,
        )
        if not wait:
            return Answer(started, lambda: showing.answer(started.thread_id, started.status))
        ended = await handle.thread(started.thread_id).result(wait=True, timeout=patience)
    return _outcome(started.thread_id, ended, {"thread_id": started.thread_id})


@command(app, "create", changes=True)
async def create(
    call: Call,
    session: SESSION,
    *,
    id: ID = None,
    context: CONTEXT = None,
    priority: PRIORITY = "normal",
    hold: HOLD = False,
    title: TITLE = "",
) -> Answer:
    """Start a thread without a flow of its own; `thread execute` gives it one after the other."""
    async with call.threadloom() as loom:
        started = await loom.session(session).create_thread(
            thread_id=id, context=context, priority=priority, hold=hold, title=title, **call.told
        )
    return Answer(started, lambda: showing.answer(started.thread_id, started.status))


@command(app, "execute", changes=True)
async def execute(
    call: Call,
    session: SESSION,
    thread: THREAD,
    flow: FLOW,
    *,
    input: INPUT = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the flow's end; exit 0 only when it completed.")
    ] = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Give a thread without a flow of its own one to execute, behind those it has, in the same context."""
    async with call.threadloom() as loom:
        handle = loom.session(session).thread(thread)
        accepted = await handle.execute(flow, input=input, **call.told)
        if not wait:
            if accepted.status == "requested":
                warn(Code.NO_WORKER, "the thread has not answered yet; it executes the flow when its turn comes")
            return Answer(accepted, lambda: showing.accepted(accepted))
        ended = await handle.execution(accepted.command_id, wait=True, timeout=patience)
    return _outcome(f"{thread}, execution {ended.number}", ended, {"thread_id": thread})


@command(app, "close", changes=True)
async def close(
    call: Call, session: SESSION, threads: THREADS, *, wait: WAIT = False, patience: TIMEOUT = None
) -> Answer:
    """Let threads without a flow of their own take no more; each completes when it has executed those in line."""
    return await _act(call, "close", session, threads, wait=wait, patience=patience)


@command(app, "show")
async def show(call: Call, session: SESSION, thread: THREAD) -> Answer:
    """Show a thread: where it stands, what it waits for, what is in flight, its variables."""
    async with call.threadloom() as loom:
        view = await loom.session(session).thread(thread).describe()
    return Answer(view, lambda: showing.thread(view))


@command(app, "list")
async def list_(
    call: Call,
    session: Annotated[str | None, typer.Argument(metavar="[SESSION]", show_default=False)] = None,
    flow: Annotated[str | None, typer.Option(metavar="NAME[@V]", help="Only those of this flow.")] = None,
    status: Annotated[ThreadStatusName | None, typer.Option(help="Only those with this status.")] = None,
    waiting: Annotated[
        Literal["timer", "approval", "message", "join", "activity", "flow", "hold", "queue", "pool"] | None,
        typer.Option(help="Only those that wait for this."),
    ] = None,
) -> Answer:
    """List threads: a session's as they stand, or all sessions' as recorded."""
    async with call.threadloom() as loom:
        found = await _find(loom, session, flow, status)
    kept = [view for view in found if waiting is None or (view.waiting is not None and view.waiting.kind == waiting)]
    document = {"threads": [view.model_dump(mode="json") for view in kept]}
    return Answer(document, lambda: showing.threads(kept, with_session=session is None))


@command(app, "pause", changes=True)
async def pause(
    call: Call,
    session: SESSION,
    threads: THREADS,
    *,
    until: UNTIL = None,
    for_: FOR = None,
    mode: MODE = "drain",
    wait: WAIT = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Pause threads: what is in flight ends, nothing new begins."""
    del mode  # there is one so far
    return await _act(call, "pause", session, threads, wait=wait, patience=patience, until=hold_end(until, for_))


@command(app, "resume", changes=True)
async def resume(
    call: Call, session: SESSION, threads: THREADS, *, wait: WAIT = False, patience: TIMEOUT = None
) -> Answer:
    """Let paused threads go on; they stay paused while their session is."""
    return await _act(call, "resume", session, threads, wait=wait, patience=patience)


@command(app, "cancel", changes=True)
async def cancel(
    call: Call, session: SESSION, threads: THREADS, *, wait: WAIT = False, patience: TIMEOUT = None
) -> Answer:
    """Cancel threads, held or not."""
    return await _act(call, "cancel", session, threads, wait=wait, patience=patience)


@command(app, "priority", changes=True)
async def priority(
    call: Call,
    session: SESSION,
    thread: THREAD,
    priority: Annotated[
        Literal["low", "normal", "high", "urgent"], typer.Argument(metavar="PRIORITY", show_default=False)
    ],
) -> Answer:
    """Change the priority of a thread that waits for its turn to start: low, normal, high or urgent."""
    async with call.threadloom() as loom:
        answer = await loom.session(session).prioritise_thread(thread, priority, **call.told)
    return Answer(answer, lambda: f"thread {answer.thread_id}: priority {answer.priority}")


@command(app, "destroy", changes=True)
async def destroy(
    call: Call,
    session: SESSION,
    thread: THREAD,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Take an ended thread off the lists; its history stays."""
    if not yes:
        confirm("thread", thread)
    async with call.threadloom() as loom:
        answer = await loom.session(session).destroy_thread(thread, **call.told)
    return Answer(answer, lambda: f"thread {answer.thread_id}: destroyed; its history stays")


@command(app, "result")
async def result(
    call: Call,
    session: SESSION,
    thread: THREAD,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end.")] = False,
    patience: TIMEOUT = None,
) -> Answer:
    """Print a thread's result; exit 0 only when it completed, or has not ended yet."""
    async with call.threadloom() as loom:
        found = await loom.session(session).thread(thread).result(wait=wait, timeout=patience)
    return _outcome(thread, found, {})


async def _find(loom: Threadloom, session: str | None, flow: str | None, status: str | None) -> list[ThreadSummary]:
    if session is None:
        return (await loom.threads(status=status, flow=flow)).threads
    name, separator, version = (flow or "").partition("@")
    return [
        view
        for view in (await loom.session(session).threads()).threads
        if (status is None or view.status == status)
        and (not name or view.flow == name)
        and (not separator or view.version == version)
    ]


async def _act(
    call: Call,
    action: Action,
    session: str,
    threads: list[str],
    *,
    wait: bool,
    patience: timedelta | None,
    **more: datetime | None,
) -> Answer:
    """Do the same to one or more threads; for several, each answers for itself."""
    async with call.threadloom() as loom:
        handles = [loom.session(session).thread(thread) for thread in threads]

        async def act(handle: ThreadHandle) -> ThreadAnswer:
            told = dict(call.told)
            if told["command_id"] is not None and len(handles) > 1:
                told["command_id"] = f"{told['command_id']}/{handle.thread_id}"
            answer: ThreadAnswer = await getattr(handle, action)(wait=wait, timeout=patience, **more, **told)
            return answer

        if len(handles) == 1:
            return talking.told(await act(handles[0]))
        answers = await asyncio.gather(*(act(handle) for handle in handles), return_exceptions=True)
    return _told_by_many(threads, answers)


def _told_by_many(threads: list[str], answers: list[ThreadAnswer | BaseException]) -> Answer:
    lines: list[dict[str, Any]] = []
    refusals: list[ThreadloomError] = []
    for thread, answer in zip(threads, answers, strict=True):
        if isinstance(answer, ThreadloomError):
            refusals.append(answer)
            lines.append({"thread_id": thread, "error": answer.visible()})
        elif isinstance(answer, BaseException):
            raise answer
        else:
            lines.append(answer.model_dump(mode="json"))
    talking.warn_if_requested([answer for answer in answers if not isinstance(answer, BaseException)])

    def shown() -> RenderableType:
        return showing.answers(lines)

    return Answer({"threads": lines}, shown, complaint=refusals[0] if refusals else None)


def _outcome(thread: str, found: ThreadResult | FlowExecution, more: dict[str, Any]) -> Answer:
    """How a thread, or a flow, ended. One that failed or was cancelled makes the command fail."""
    complaint = None
    if found.status in ("failed", "cancelled"):
        error = found.error
        complaint = (
            ThreadloomError(error.code, error.message, error.details)
            if error is not None
            else ThreadloomError(Code.CANCELLED, f"thread {thread} was cancelled")
        )
    return Answer({**more, **found.model_dump(mode="json")}, lambda: showing.result(thread, found), complaint)
