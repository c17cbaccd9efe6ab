"""Many threads at once: a list of wishes, cut into commands that one workflow task can carry."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from domain.codec import invalid
from domain.errors import Code, ThreadloomError
from domain.flow.bundle import require_valid
from domain.messages import THREADS_TOGETHER, CreateThreads, FlowDocuments, NewThread
from domain.values import JsonObject, is_json
from threadloom.delivery import command
from threadloom.flows import Flows, ResolvedFlow
from threadloom.names import readable_id

COMMAND_BYTES = 512 * 1024
"""What one command carries at most; a single larger entry goes alone."""

_FIELDS = frozenset(NewThread.model_fields) - {"thread_id"} | {"id"}


class Together:
    """Starts many threads of one session.

    Args:
        flows: Where flows are found.
        send: Sends an update to the session and gives its answer.
        require_unused: Refuses an id that a thread had long ago, unless the command of this id was carried out.
    """

    def __init__(
        self,
        flows: Flows,
        send: Callable[[str, CreateThreads], Awaitable[JsonObject]],
        require_unused: Callable[[str | None, str], Awaitable[None]],
    ) -> None:
        self._flows = flows
        self._send = send
        self._require_unused = require_unused
        self._known: dict[str, FlowDocuments | ThreadloomError] = {}

    async def create(
        self, entries: Sequence[Mapping[str, Any]], *, command_id: str, actor: str, reason: str | None
    ) -> list[JsonObject]:
        """What became of each entry, in order: {thread_id, status} or {thread_id, error}."""
        results: list[JsonObject] = [{} for _ in entries]
        wishes: list[tuple[int, NewThread]] = []
        for place, entry in enumerate(entries):
            default = readable_id(f"{command_id}/{place}")
            try:
                wish = await self._wish(entry, default)
                await self._require_unused(entry.get("id"), f"{command_id}/1")
                wishes.append((place, wish))
            except ThreadloomError as error:
                named = entry.get("id") if isinstance(entry, Mapping) else None
                results[place] = {"thread_id": named, "entry": place, "error": error.visible()}
        for number, chunk in enumerate(_chunks(wishes), start=1):
            used = {wish.flow: self._known[wish.flow] for _, wish in chunk}
            sent = command(
                CreateThreads,
                f"{command_id}/{number}",
                actor,
                reason,
                flows={key: found for key, found in used.items() if isinstance(found, FlowDocuments)},
                threads=[wish for _, wish in chunk],
            )
            answer = await self._send("create_threads", sent)
            for (place, _), result in zip(chunk, answer["threads"], strict=True):
                results[place] = result if "error" not in result else {**result, "entry": place}
        return results

    async def _wish(self, entry: Mapping[str, Any], default: str) -> NewThread:
        if not isinstance(entry, Mapping) or not is_json(dict(entry)):
            raise ThreadloomError(Code.INVALID_ARGUMENT, "an entry is a JSON object")
        if unknown := sorted(set(entry) - _FIELDS):
            message = f"an entry has no {', '.join(map(repr, unknown))[:200]}; it may have {', '.join(sorted(_FIELDS))}"
            raise ThreadloomError(Code.INVALID_ARGUMENT, message, {"fields": unknown})
        if "flow" not in entry:
            raise ThreadloomError(Code.INVALID_ARGUMENT, "an entry names its `flow`")
        fields = {name: value for name, value in entry.items() if name != "id"}
        fields |= {"thread_id": entry.get("id") or default, "flow": await self._flow(entry["flow"])}
        try:
            return NewThread.model_validate(fields)
        except ValidationError as error:
            raise invalid("entry", error) from error

    async def _flow(self, source: Any) -> str:
        """The key of the flow among those of the command; each is found and examined once."""
        if not isinstance(source, str | Mapping):
            raise ThreadloomError(Code.INVALID_ARGUMENT, "`flow` is a name, a file or a flow's document")
        key = source if isinstance(source, str) else json.dumps(source, sort_keys=True)
        if key not in self._known:
            self._known[key] = await self._found(source)
        found = self._known[key]
        if isinstance(found, ThreadloomError):
            raise found
        return key

    async def _found(self, source: str | Mapping[str, Any]) -> FlowDocuments | ThreadloomError:
        try:
            resolved: ResolvedFlow = await self._flows.resolve(source)
            require_valid(resolved.document, resolved.flows)
        except ThreadloomError as error:
            if error.code in (Code.DATABASE_UNREACHABLE, Code.SCHEMA_OUTDATED):
                raise
            return error
        return FlowDocuments(flow=resolved.document, flows=resolved.flows)


def _chunks(wishes: Sequence[tuple[int, NewThread]]) -> Iterator[list[tuple[int, NewThread]]]:
    chunk: list[tuple[int, NewThread]] = []
    carried = 0
    for place, wish in wishes:
        weight = len(wish.model_dump_json())
        if chunk and (len(chunk) == THREADS_TOGETHER or carried + weight > COMMAND_BYTES):
            yield chunk
            chunk, carried = [], 0
        chunk.append((place, wish))
        carried += weight
    if chunk:
        yield chunk
