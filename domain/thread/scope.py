"""What expressions see of a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.ids import execution_key
from domain.thread.checkpoint import Checkpoint
from domain.thread.state import ThreadState
from domain.values import Json, JsonObject

_RESERVED = ("input", "nodes", "node", "error", "thread", "session", "now")


class Scope(Mapping[str, Json]):
    """Variables and the reserved names, each built only when an expression reads it."""

    __slots__ = ("_checkpoint", "_extra", "_node", "_now", "_state", "_visit")

    def __init__(
        self,
        state: ThreadState,
        now: datetime,
        node: str,
        visit: int,
        *,
        checkpoint: Checkpoint | None = None,
        extra: JsonObject | None = None,
    ) -> None:
        self._state = state
        self._now = now
        self._node = node
        self._visit = visit
        self._checkpoint = checkpoint or state.current
        self._extra = extra or {}

    def __getitem__(self, name: str) -> Json:
        if name in self._extra:
            return self._extra[name]
        return self._reserved(name) if name in _RESERVED else self._checkpoint.variables[name]

    def __iter__(self) -> Iterator[str]:
        yield from {**dict.fromkeys(_RESERVED), **self._extra, **self._checkpoint.variables}

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _reserved(self, name: str) -> Json:
        state, checkpoint, identity = self._state, self._checkpoint, self._state.identity
        match name:
            case "input":
                return checkpoint.input if checkpoint.path else state.input
            case "nodes":
                return visible_nodes(checkpoint)
            case "node":
                key = execution_key(identity.thread_id, self._node, self._visit)
                return {"id": self._node.rpartition("/")[2], "visit": self._visit, "key": key}
            case "error":
                return checkpoint.error.visible() if checkpoint.error else None
            case "thread":
                return {
                    "id": identity.thread_id,
                    "root_id": identity.root,
                    "parent_id": identity.parent,
                    "origin": identity.origin.value,
                    "usage": {model: dict(usage) for model, usage in checkpoint.usage.items()},
                }
            case "session":
                return {"id": identity.session_id, "shared": state.shared}
        return self._now.isoformat()


def visible_nodes(checkpoint: Checkpoint) -> JsonObject:
    """As `nodes` in expressions: {status, result, visits, error} by node id."""
    return {
        name: {
            "status": node.status.value,
            "result": checkpoint.result(name),
            "visits": checkpoint.visits_here(name),
            "error": node.error.visible() if node.error else None,
        }
        for name, node in checkpoint.nodes.items()
    }
