"""The tour: what the product does, shown on the packages installed in this very environment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from commands.showing import sessions as show_sessions
from commands.showing import threads as show_threads
from commands.showing.style import plain, status, table
from domain.errors import Code, ThreadloomError
from threadloom.client import Threadloom
from threadloom.session import SessionHandle
from threadloom.views import ThreadView

T = TypeVar("T")
Seen: TypeAlias = list[ThreadView]

MPL_TOO = {
    "allowed": ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "PSF-2.0", "Unlicense"],
    "denied": ["AGPL-*"],
    "unknown": "allow",
}
STRICT = {"allowed": ["MIT", "Apache-2.0", "BSD-3-Clause"], "denied": ["GPL-*", "AGPL-*", "LGPL-*"], "unknown": "deny"}
THREADS: dict[str, dict[str, Any]] = {
    "everything": {"batch_size": 1},
    "lenient": {"batch_size": 2, "policy": MPL_TOO},
    "a-to-f": {"batch_size": 1, "group": "a-f"},
}
"""The tour's threads and their inputs."""

BETWEEN_LOOKS = 0.1
PATIENCE = 120.0
TOLD = ("session_", "thread_", "approval_")
"""Beginnings of the types of records that the tour prints; the nodes' own would be hundreds."""


class Tour:
    """Walks through a session and tells what happens, on a terminal or into a file.

    Args:
        loom: The client; a worker with the example's activities runs.
        console: Where to tell.
        flow: The flow `licence-audit`.
        folder: Where the reports go.
        ui: URL of Temporal's own web page.
    """

    def __init__(self, loom: Threadloom, console: Console, flow: Path, folder: Path, ui: str) -> None:
        self._loom = loom
        self._console = console
        self._flow = flow
        self._folder = folder
        self._ui = ui
        self._began = time.monotonic()
        self._steps = 0

    async def run(self) -> None:
        """The whole tour."""
        self._say(
            "Threadloom runs sessions of threads as Temporal workflows. This tour starts a Temporal server of its"
            " own, with SQLite beside it, and audits the licences of the Python packages installed right here."
        )
        self._say(f"Temporal's own view of what follows: {self._ui}")
        session = await self._start()
        await self._pause(session)
        await self._resume(session)
        await self._fork_and_copy(session)
        await self._decide(session)
        await self._compare(session)
        await self._end(session)

    async def _start(self) -> SessionHandle:
        self._step("Start a session with three threads, each a child workflow with a policy or a subset of its own")
        session = self._loom.session((await self._loom.start_session("audit", title="Licences")).session_id)
        for thread_id, given in THREADS.items():
            await session.create_thread(
                str(self._flow), thread_id=thread_id, input=given | {"folder": str(self._folder)}
            )
        await self._watch(session, _reading)
        return session

    async def _pause(self, session: SessionHandle) -> None:
        self._step("Pause the session in mid-run, by a signal")
        await session.pause(reason="let me look at this")
        seen = await self._watch(session, lambda seen: all(view.status == "paused" or view.ended for view in seen))
        shown = await self._until(session.describe, lambda view: view.status == "paused")
        flying = sum(len(view.in_flight) for view in seen)
        self._console.print(show_sessions.session(shown))
        self._say(
            f"The session is {shown.status}, and {flying or 'nothing'} is in flight. It would stay so for months."
        )

    async def _resume(self, session: SessionHandle) -> None:
        self._step("Resume: every thread goes on where it stood")
        await session.resume(reason="seen enough")
        await self._watch(session, _settled)
        self._console.print(show_threads.threads((await session.threads()).threads))

    async def _fork_and_copy(self, session: SessionHandle) -> None:
        self._step("Fork `everything` at the classification, with a stricter policy; the source is not touched")
        fork = await session.fork_thread(
            "everything", "classify", thread_id="strict", set={"policy": STRICT}, reason="what if we were strict?"
        )
        kept = len(fork.relationship_mapping or {}) - 1
        self._say(f"`strict` keeps {kept} node executions of its source and reads no package again.")
        self._step("Copy `everything` selectively: keep what was read, decide anew")
        copy = await session.copy_thread(
            "everything", thread_id="again", strategy="selective", nodes=["prepare", "list", "more", "read"]
        )
        variables = ", ".join((copy.scope or {}).get("variables", []))
        self._say(f"`again` keeps the variables {variables} and goes on at the classification.")
        await self._watch(session, _settled)
        self._console.print(show_threads.threads((await session.threads()).threads))

    async def _decide(self, session: SessionHandle) -> None:
        self._step("Answer the approvals: a person decides, the history keeps who and why")
        answers = {"everything": "accept", "strict": "reject", "again": "accept"}
        for view in await _look(session):
            if _asks(view):
                choice = answers.get(view.thread_id, "accept")
                await session.thread(view.thread_id).decide("review", choice, reason="decided on the tour")
                self._say(f"{view.thread_id}: {choice}")
        await self._watch(session, lambda seen: all(view.ended for view in seen))

    async def _compare(self, session: SessionHandle) -> None:
        self._step("Compare the source and its fork")
        everything, strict = session.thread("everything"), session.thread("strict")
        results = [(await thread.result(wait=True, timeout=PATIENCE)).result for thread in (everything, strict)]
        inherited = [
            sum(1 for execution in (await thread.executions()).executions if execution.inherited)
            for thread in (everything, strict)
        ]
        policies = [(await thread.variables()).variables["policy"] for thread in (everything, strict)]
        made = table("", "everything", "strict (fork)")
        for name, values in {
            "verdict": [result["verdict"] for result in results],
            "licences allowed": [len(policy["allowed"]) for policy in policies],
            "packages allowed": [result["counts"]["allowed"] for result in results],
            "packages not allowed": [len(result["offenders"]) for result in results],
            "for example": [", ".join(offender["name"] for offender in result["offenders"][:3]) for result in results],
            "executions inherited": inherited,
        }.items():
            made.add_row(name, *(plain(value) for value in values))
        self._console.print(made)
        self._step("Where every thread comes from, and what the session has counted")
        self._console.print(show_sessions.tree(await session.tree()))
        self._console.print()
        self._console.print(show_sessions.statistics(await session.statistics()))
        self._step("The history: what happened, by whom and why (nodes left out here)")
        history = await session.history(limit=1_000)
        told = [record for record in history.records if record.type.startswith(TOLD)]
        self._console.print(show_sessions.history(history.model_copy(update={"records": told})))
        self._say(f"{len(history.records) - len(told)} more records tell of each node; SQL holds them all.")

    async def _end(self, session: SessionHandle) -> None:
        self._step("End the session")
        await session.close(reason="the tour is over")
        closed = await self._until(session.describe, lambda seen: seen.status == "closed")
        seconds = time.monotonic() - self._began
        self._say(f"Session {closed.session_id} is {closed.status}. The tour took {seconds:.0f} s.")
        self._say("Next: examples/first_flow, then `python starter.py dev --help`.")

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=not self._console.is_terminal)

    def _step(self, title: str) -> None:
        self._steps += 1
        self._console.print()
        self._console.print(Text(f"{self._steps}. {title}", style="bold cyan"))

    async def _watch(self, session: SessionHandle, done: Callable[[Seen], bool]) -> Seen:
        """Show the threads until they are where they should be."""
        if not self._console.is_terminal:
            seen = await self._until(lambda: _look(session), done)
            self._console.print(_lines(seen))
            return seen
        with Live(console=self._console, auto_refresh=False) as live:

            async def look() -> Seen:
                seen = await _look(session)
                live.update(_lines(seen), refresh=True)
                return seen

            return await self._until(look, done)

    async def _until(self, look: Callable[[], Awaitable[T]], done: Callable[[T], bool]) -> T:
        deadline = time.monotonic() + PATIENCE
        while not done(seen := await look()):
            if time.monotonic() > deadline:
                raise ThreadloomError(Code.TIMED_OUT, f"this step took more than {PATIENCE:.0f} s")
            await asyncio.sleep(BETWEEN_LOOKS)
        return seen


async def _look(session: SessionHandle) -> Seen:
    return [await session.thread(view.thread_id).describe() for view in (await session.threads()).threads]


def _lines(seen: Seen) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    for view in seen:
        done, total = view.variables.get("position", 0), len(view.variables.get("batches", []))
        bar = ProgressBar(total=total or 1, completed=done, width=24)
        where = f"at {view.current_node}" if view.current_node else ""
        lines.add_row(
            Text(f"  {view.thread_id}", style="bold"), status(view.status), bar, f"{done}/{total} read", where
        )
    return lines


def _reading(seen: Seen) -> bool:
    """Whether every thread is in the middle of its work, as far as it has a middle."""
    progress = [(view.variables.get("position", 0), len(view.variables.get("batches", []))) for view in seen]
    return all(total and done >= min(3, total) for done, total in progress)


def _settled(seen: Seen) -> bool:
    return all(view.ended or _asks(view) for view in seen)


def _asks(view: ThreadView) -> bool:
    return view.waiting is not None and view.waiting.kind == "approval"
