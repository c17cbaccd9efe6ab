"""`thread fork`, `copy` and what one looks at before: executions, variables, snapshots."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from commands.arguments import SESSION, SET, THREAD, settings_of
from commands.calls import Answer, Call, command
from commands.showing import branches as showing
from commands.showing import threads as showing_threads

AT = Annotated[str, typer.Option("--at", metavar="POINT", help="node, node#visit or @seq; see thread executions.")]
ID = Annotated[str | None, typer.Option("--id", metavar="T", help="The new thread's id; a readable one else.")]
HOLD = Annotated[bool, typer.Option("--hold", help="Start it held; thread resume lets it go.")]
PLAN = Annotated[bool, typer.Option("--plan", help="Start nothing; tell what would happen.")]


async def fork(
    call: Call,
    session: SESSION,
    thread: THREAD,
    *,
    at: AT = "",
    strategy: Annotated[Literal["full", "partial", "minimal"], typer.Option(help="What is kept.")] = "partial",
    set: SET = [],  # noqa: B006  Typer's way to declare a list; nothing changes it
    resume: Annotated[
        Literal["at", "after"], typer.Option(help="at: execute the point again; after: go on behind it.")
    ] = "at",
    flow: Annotated[
        str | None, typer.Option(metavar="NAME@V", help="Go on with another version of the flow, or a file.")
    ] = None,
    hold: HOLD = False,
    id: ID = None,
    plan: PLAN = False,
) -> Answer:
    """Start a thread from a point that another one has passed; the source is never touched."""
    variables = settings_of(set)
    async with call.threadloom() as loom:
        branched = await loom.session(session).fork_thread(
            thread,
            at,
            thread_id=id,
            strategy=strategy,
            resume=resume,
            set=variables,
            flow=flow,
            hold=hold,
            plan=plan,
            **call.told,
        )
    return Answer(branched, lambda: showing.branched(branched))


async def copy(
    call: Call,
    session: SESSION,
    thread: THREAD,
    *,
    strategy: Annotated[Literal["full", "partial", "selective"], typer.Option(help="What is kept.")] = "full",
    node: Annotated[
        list[str], typer.Option("--node", metavar="N", help="A node that a selective copy keeps; repeatable.")
    ] = [],  # noqa: B006
    hold: HOLD = False,
    id: ID = None,
    plan: PLAN = False,
) -> Answer:
    """Start a copy of a thread, whole or in part; the source is never touched."""
    if node and strategy != "selective":
        raise typer.BadParameter(
            f"--node says what a selective copy keeps, and this one is {strategy}; add --strategy selective"
        )
    async with call.threadloom() as loom:
        branched = await loom.session(session).copy_thread(
            thread, thread_id=id, strategy=strategy, nodes=node, hold=hold, plan=plan, **call.told
        )
    return Answer(branched, lambda: showing.branched(branched))


async def snapshot(call: Call, session: SESSION, thread: THREAD, at: AT = "") -> Answer:
    """Show a thread as it is, or as it was before it executed a point."""
    async with call.threadloom() as loom:
        view = await loom.session(session).thread(thread).snapshot(at or None)
    return Answer(view, lambda: showing.snapshot(view))


async def variables(call: Call, session: SESSION, thread: THREAD) -> Answer:
    """Print all variables of a thread, whole."""
    async with call.threadloom() as loom:
        view = await loom.session(session).thread(thread).variables()
    return Answer(view, lambda: showing_threads.whole_variables(view.variables))


async def executions(call: Call, session: SESSION, thread: THREAD) -> Answer:
    """List a thread's node executions: the points it can be forked at."""
    async with call.threadloom() as loom:
        view = await loom.session(session).thread(thread).executions()
    return Answer(view, lambda: showing_threads.executions(view))


def mount(app: typer.Typer) -> None:
    """Add the commands to the group."""
    command(app, "fork", changes=True)(fork)
    command(app, "copy", changes=True)(copy)
    command(app, "snapshot")(snapshot)
    command(app, "variables")(variables)
    command(app, "executions")(executions)
