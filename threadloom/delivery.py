"""Brings commands to sessions, threads and pools, each once, and brings back their answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pydantic import ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.messages import Command, ManageThread, body
from domain.ports import RecordStore
from domain.values import JsonObject, is_json
from threadloom.gateway import Gateway, MissingError, UnansweredError
from threadloom.names import new_command_id
from threadloom.targets import AnyTarget, Target, unstarted, why_not

C = TypeVar("C", bound=Command)

ANSWER_SECONDS = 5.0
"""How long the answer to a signal is waited for before it is called requested."""

ATTENDED_SECONDS = 3.0
"""How long the workflow has to show that somebody works on it."""

BUSY_SECONDS = 30.0
"""How long a session that is about to begin a new run is asked again."""

IN_FLIGHT = 8
"""Updates of one workflow that are under way at once. Temporal takes ten; the SDK lets the eleventh wait for
many seconds without a word, which looks as if nobody answered."""

_POLL_SECONDS = 0.05

_ON_WAITING = ("pause", "resume", "cancel")
"""What can be done to a thread that waits to start."""

_FREE = frozenset({"body", "config", "context", "data", "flow", "input", "metadata", "set"})
"""Fields that take any JSON."""


def command(model: type[C], command_id: str | None, actor: str, reason: str | None, **fields: Any) -> C:
    """The command, with an id of its own if it was given none.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, naming each field that is wrong; `INVALID_ID`.
    """
    require_json(model.__name__, {name: value for name, value in fields.items() if name in _FREE})
    try:
        return model.model_validate(
            {"command_id": command_id or new_command_id(), "actor": actor, "reason": reason, **fields}
        )
    except ValidationError as error:
        raise invalid(model.__name__, error) from error


def require_json(what: str, values: JsonObject) -> None:
    """Refuse values that are no JSON: on their way they would silently become something else.

    Raises:
        ThreadloomError: `INVALID_ARGUMENT`, naming the first one.
    """
    for name, value in values.items():
        if not is_json(value):
            raise ThreadloomError(Code.INVALID_ARGUMENT, f"{what}: {name} is no JSON", {"at": name})


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Lane:
    """The way to one workflow, for as long as somebody is on it.

    Attributes:
        places: One for each update that may be under way.
        deserted_at: When it was last found that nobody answers, in the event loop's time.
    """

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    deserted_at: float = -inf


class Delivery:
    """Sends commands.

    Args:
        gateway: To Temporal.
        records: What is known of those whom Temporal has forgotten.
    """

    def __init__(self, gateway: Gateway, records: RecordStore) -> None:
        self._gateway = gateway
        self._records = records
        self._lanes: WeakValueDictionary[str, _Lane] = WeakValueDictionary()

    async def signal(self, target: AnyTarget, name: str, sent: Command) -> JsonObject:
        """Send a command as a signal: it is kept even while no worker runs.

        Returns:
            The answer, or {status: "requested"} when nobody has answered within five seconds.

        Raises:
            ThreadloomError: The refusal, by its code.
        """
        try:
            await self._gateway.signal(target.workflow_id, name, body(sent))
        except MissingError:
            if (through := await self._through_session(target, sent)) is not None:
                return through
            return await self._told_before(target, sent)
        return await self.answered(target, sent)

    async def answered(self, target: AnyTarget, sent: Command) -> JsonObject:
        """The answer to a command that is on its way, or {status: "requested"} when there is none within five seconds.

        Raises:
            ThreadloomError: The refusal, by its code.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    answer = await self.known_answer(target, sent)
                    if answer is not None:
                        return answer
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return {"status": "requested"}

    async def _through_session(self, target: AnyTarget, sent: Command) -> JsonObject | None:
        """The answer of the session, where a thread waits for its turn and has no workflow yet."""
        if not isinstance(target, Target) or target.thread_id is None or sent.operation not in _ON_WAITING:
            return None
        session = Target(target.session_id)
        told = await unstarted(self._gateway, target)
        if told is None or told["status"] != "pending":
            return None
        if getattr(sent, "until", None) is not None:
            message = f"{target} waits to start: pause it without an end, or when it runs"
            raise ThreadloomError(Code.THREAD_NOT_STARTED, message, {"thread": target.thread_id})
        managed = command(
            ManageThread,
            sent.command_id,
            sent.actor,
            sent.reason,
            thread_id=target.thread_id,
            action=sent.operation,
        )
        return await self.update(session, "manage_thread", managed)

    async def update(self, target: AnyTarget, name: str, sent: Command) -> JsonObject:
        """Send a command as an update and wait for its answer.

        Many at once go out in turn, in the order of their calls; no time limit runs before a command's turn.

        Raises:
            ThreadloomError: The refusal, by its code; `NO_WORKER` within ten seconds.
        """
        lane = self._lanes.setdefault(target.workflow_id, _Lane())
        now = asyncio.get_running_loop().time
        called_at = now()
        async with lane.places:
            # What those ahead have found out since holds for all: else each would find it out in turn, for minutes.
            if lane.deserted_at >= called_at:
                raise self.nobody_answers(target, sent)
            try:
                return await self._update(target, name, sent)
            except UnansweredError as error:
                lane.deserted_at = now()
                raise self.nobody_answers(target, sent) from error

    async def _update(self, target: AnyTarget, name: str, sent: Command) -> JsonObject:
        message, busy_until = body(sent), asyncio.get_running_loop().time() + BUSY_SECONDS
        # Temporal answers an update id that it knows without asking the workflow, whatever the arguments:
        # with the digest in it, another command under the same id still reaches the workflow and is refused.
        update_id = f"{sent.command_id}/{sent.digest()[:16]}"
        while True:
            try:
                return await self._gateway.update(target.workflow_id, name, message, update_id=update_id)
            except MissingError:
                return await self._told_before(target, sent)
            except UnansweredError:
                # Reading a source for a fork may take longer than one call: whoever works on it answers queries.
                if not await self.attended(target):
                    raise
            except ThreadloomError as error:
                if error.code != Code.SESSION_BUSY or asyncio.get_running_loop().time() > busy_until:
                    raise
                await asyncio.sleep(_POLL_SECONDS)

    def nobody_answers(self, target: AnyTarget, sent: Command | None = None) -> ThreadloomError:
        """The `NO_WORKER` that says what has become of the command."""
        if sent is None:
            return ThreadloomError(Code.NO_WORKER, f"no worker answers for {target}; the command stands")
        message = f"no worker answers for {target}; whether the command is carried out, its id tells when sent again"
        return ThreadloomError(Code.NO_WORKER, message, {"command_id": sent.command_id})

    async def attended(self, target: AnyTarget) -> bool:
        """Whether somebody works on the target: it answers, or at least gets on.

        That its task queue was polled of late would prove nothing: the server remembers the pollers of a
        worker that has died for minutes, and `NO_WORKER` is promised within ten seconds.
        """
        seen = await self._gateway.look(target.workflow_id)
        if seen is None or not seen.running:
            return True
        try:
            await self._gateway.query(target.workflow_id, "outbox", seconds=ATTENDED_SECONDS)
        except UnansweredError:
            later = await self._gateway.look(target.workflow_id)
            return later is None or (later.run_id, later.history_length) != (seen.run_id, seen.history_length)
        except MissingError:
            return True
        return True

    async def known_answer(self, target: AnyTarget, sent: Command) -> JsonObject | None:
        """The answer that the target has given the command; None while it has none, or nobody answers.

        Raises:
            ThreadloomError: The refusal, by its code; `COMMAND_ID_REUSED`.
        """
        try:
            answer = await self._gateway.query(target.workflow_id, "answer", sent.command_id)
        except (UnansweredError, MissingError):
            return None
        if answer is None:
            return None
        if answer["digest"] != sent.digest():
            message = f"command id {sent.command_id} came before with other arguments"
            raise ThreadloomError(Code.COMMAND_ID_REUSED, message)
        if answer["error"]:
            raise ThreadloomError(**answer["error"])
        result: JsonObject = answer["result"] or {}
        return result

    async def _told_before(self, target: AnyTarget, sent: Command) -> JsonObject:
        """The first answer to a command that comes again after the end; otherwise why it comes too late."""
        seen = await self._gateway.look(target.workflow_id)
        answer = await self.known_answer(target, sent) if seen is not None else None
        if answer is not None:
            return answer
        raise await why_not(self._gateway, self._records, target, seen)
