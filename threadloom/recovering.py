"""Starts the workflow of a session again that was lost."""

from __future__ import annotations

from typing import Any

from domain.errors import Code, ThreadloomError
from domain.messages import RecoverSession, Recovery, SessionStart, body
from domain.ports import RecordStore
from domain.records import SessionRow
from domain.values import JsonObject
from threadloom.delivery import ANSWER_SECONDS, Delivery
from threadloom.gateway import Gateway, Sighting
from threadloom.starting import STARTED_BY
from threadloom.targets import Target, recorded, why_not
from threadloom.waiting import Timeout, within

_RECOVERED_BY = "threadloom_recovery"
"""The workflow's memo that tells which command recovered it: {id, digest}. It stays across runs."""


class SessionRecovery:
    """Recovers sessions. The new workflow gathers by itself what is left of the lost one; see docs/adr/0025.

    Args:
        gateway: To Temporal.
        records: Knows sessions that Temporal has forgotten.
        delivery: Brings back the answer.
        task_queue: Where a session runs of which Temporal does not tell where it ran.
    """

    def __init__(self, gateway: Gateway, records: RecordStore, delivery: Delivery, task_queue: str) -> None:
        self._gateway = gateway
        self._records = records
        self._delivery = delivery
        self._task_queue = task_queue

    async def recover(self, session_id: str, sent: RecoverSession, *, wait: bool, timeout: Timeout) -> JsonObject:
        """Start the session's workflow again, once.

        Returns:
            {session_id, status, source, adopted, ended, lost}, or {status: "requested"} when nobody has taken it up
            within five seconds, or it takes longer than that.

        Raises:
            ThreadloomError: `SESSION_NOT_FOUND`; `ILLEGAL_TRANSITION` when the session runs, or has ended properly;
                `FORBIDDEN`; with `wait` also `NO_WORKER` and `TIMED_OUT`.
        """
        target = Target(session_id)
        seen = await self._gateway.look(target.workflow_id)
        if not await self._is_of(sent, seen) and not await self._start(target, sent, seen):
            again = await self._gateway.look(target.workflow_id)
            if not await self._is_of(sent, again):
                raise _runs(session_id)
        try:
            return await self._answered(target, sent, ANSWER_SECONDS)
        except ThreadloomError as error:
            if error.code != Code.TIMED_OUT:
                raise
        if not wait:
            return {"status": "requested"}
        if not await self._delivery.attended(target):
            raise self._delivery.nobody_answers(target)
        return await self._answered(target, sent, timeout)

    async def _is_of(self, sent: RecoverSession, seen: Sighting | None) -> bool:
        """Whether this command has started the workflow; whoever recovers it by another one is another."""
        first = await self._gateway.noted(seen, _RECOVERED_BY) if seen is not None else None
        if not isinstance(first, dict) or first.get("id") != sent.command_id:
            return False
        if first != _told_in_memo(sent):
            message = f"command id {sent.command_id} came before with other arguments"
            raise ThreadloomError(Code.COMMAND_ID_REUSED, message)
        return True

    async def _start(self, target: Target, sent: RecoverSession, seen: Sighting | None) -> bool:
        """Start the workflow; false when another one was faster."""
        await self._require_lost(target, seen)
        memo: dict[str, Any] = {_RECOVERED_BY: _told_in_memo(sent)}
        first = await self._gateway.noted(seen, STARTED_BY) if seen is not None else None
        if first is not None:
            memo[STARTED_BY] = first
        start = SessionStart(
            session_id=target.session_id,
            actor=sent.actor,
            reason=sent.reason,
            searchable=await self._gateway.searchable(),
            recover=Recovery(command=body(sent), run_id=seen.run_id if seen is not None else None),
        )
        return await self._gateway.start(
            "SessionWorkflow",
            body(start),
            workflow_id=target.workflow_id,
            task_queue=seen.task_queue if seen is not None else self._task_queue,
            memo=memo,
            again=True,
        )

    async def _require_lost(self, target: Target, seen: Sighting | None) -> None:
        """Refuse to recover what was never lost."""
        if seen is not None and seen.running:
            raise _runs(target.session_id)
        row: SessionRow | None
        if seen is None:
            # Nobody else tells whether there was one. If there is neither, its threads may still live.
            row = await self._records.session(target.session_id)
        else:
            row = await recorded(self._records.session(target.session_id))
        if row is not None and row.ended_at is not None:
            raise _ended(target.session_id, row.status)
        if seen is not None and not seen.cut_off:
            raise _ended(target.session_id, "closed")
        if row is None and seen is None and not await self._gateway.has_threads(target.session_id):
            raise await why_not(self._gateway, self._records, target, None)

    async def _answered(self, target: Target, sent: RecoverSession, timeout: Timeout) -> JsonObject:
        async def look() -> JsonObject | None:
            answer = await self._delivery.known_answer(target, sent)
            if answer is not None:
                return answer
            seen = await self._gateway.look(target.workflow_id)
            if seen is None or not seen.running:
                refusal = await self._gateway.refusal(target.workflow_id)
                raise refusal or await why_not(self._gateway, self._records, target, seen)
            return None

        late = f"session {target.session_id} is not recovered yet; the command stands"
        answer = await within(timeout, look, lambda answer: answer is not None, late)
        assert answer is not None
        return answer


def _told_in_memo(sent: RecoverSession) -> JsonObject:
    return {"id": sent.command_id, "digest": sent.digest()}


def _runs(session_id: str) -> ThreadloomError:
    message = f"session {session_id} runs: it is not lost"
    details = {"session": session_id, "hint": "`session sync` compares its threads with what Temporal knows of them."}
    return ThreadloomError(Code.ILLEGAL_TRANSITION, message, details)


def _ended(session_id: str, status: str) -> ThreadloomError:
    message = f"session {session_id} is {status}: there is nothing to recover"
    return ThreadloomError(Code.ILLEGAL_TRANSITION, message, {"session": session_id, "status": status})
