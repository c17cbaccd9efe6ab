"""`thread decide`, `send` and `messages`: what people say to threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.arguments import (
    JSON_HELP,
    MESSAGE_ID,
    MESSAGE_NAME,
    MESSAGE_TYPE,
    SESSION,
    THREAD,
    json_value,
)
from commands.calls import Answer, Call, command
from commands.outcome import warn
from commands.showing import mail
from commands.showing import threads as showing
from domain.errors import Code

if TYPE_CHECKING:
    from threadloom.views import ThreadAnswer


async def decide(
    call: Call,
    session: SESSION,
    thread: THREAD,
    node: Annotated[str, typer.Argument(metavar="NODE", show_default=False)],
    choice: Annotated[str, typer.Argument(metavar="CHOICE", show_default=False)],
    *,
    visit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Which one; the one that waits.")] = None,
    data: Annotated[Any, typer.Option(parser=json_value, metavar="JSON", help="Anything more. " + JSON_HELP)] = None,
) -> Answer:
    """Answer an approval; the first answer wins."""
    async with call.threadloom() as loom:
        answer = await loom.session(session).thread(thread).decide(node, choice, visit=visit, data=data, **call.told)
    return told(answer)


async def send(
    call: Call,
    session: SESSION,
    thread: THREAD,
    body: Annotated[Any, typer.Argument(parser=json_value, metavar="JSON", help=JSON_HELP, show_default=False)],
    *,
    name: MESSAGE_NAME = None,
    type: MESSAGE_TYPE = "data",
    id: MESSAGE_ID = None,
) -> Answer:
    """Put a message into a thread's mailbox."""
    async with call.threadloom() as loom:
        handle = loom.session(session).thread(thread)
        answer = await handle.send(body, name=name, type=type, message_id=id, **call.told)
    return told(answer)


async def messages(call: Call, session: SESSION, thread: THREAD) -> Answer:
    """List what is in a thread's mailbox, the oldest first."""
    async with call.threadloom() as loom:
        view = await loom.session(session).thread(thread).messages()
    return Answer(view, lambda: mail.messages(view))


def warn_if_requested(answers: list[ThreadAnswer]) -> None:
    """Say so where nobody has answered yet."""
    if any(answer.status == "requested" for answer in answers):
        warn(Code.NO_WORKER, "no worker answers yet; the command takes effect when one does")


def told(answer: ThreadAnswer) -> Answer:
    """The answer to a command to one thread."""
    warn_if_requested([answer])
    return Answer(answer, lambda: showing.answer(answer.thread_id, answer.status))


def mount(app: typer.Typer) -> None:
    """Add the commands to the group."""
    command(app, "decide", changes=True)(decide)
    command(app, "send", changes=True)(send)
    command(app, "messages")(messages)
