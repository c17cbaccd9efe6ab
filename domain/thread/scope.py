"""What expressions see of a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from domain.ids import execution_key
from domain.thread.journal import Checkpoint
from domain.thread.state import ThreadState
from domain.values import Json, JsonObject


class Scope(Mapping[str, Json]):
    """Variables and the reserved names, each built only when an expression reads it."""

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
        self._checkpoint = checkpoint or state.current
        identity = state.identity
        self._reserved: dict[str, Callable[[], Json]] = {
            "input": lambda: state.input,
            "nodes": lambda: visible_nodes(self._checkpoint),
            "node": lambda: {"id": node, "visit": visit, "key": execution_key(identity.thread_id, node, visit)},
            "error": lambda: self._checkpoint.error.visible() if self._checkpoint.error else None,
            "thread": lambda: {
                "id": identity.thread_id,
                "root_id": identity.root,
                "parent_id": identity.parent,
                "origin": identity.origin.value,
                "usage": {model: dict(usage) for model, usage in self._checkpoint.usage.items()},
            },
            "session": lambda: {"id": identity.session_id, "shared": state.shared},
            "now": now.isoformat,
        }
        for name, value in (extra or {}).items():
            self._reserved[name] = lambda value=value: value  # type: ignore[misc]

    def __getitem__(self, name: str) -> Json:
        build = self._reserved.get(name)
        return build() if build else self._checkpoint.variables[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._reserved
        yield from self._checkpoint.variables

    def __len__(self) -> int:
        return len(self._reserved) + len(self._checkpoint.variables)


def visible_nodes(checkpoint: Checkpoint) -> JsonObject:
    """As `nodes` in expressions: {status, result, visits, error} by node id."""
    return {
        name: {
            "status": node.status.value,
            "result": checkpoint.result(name),
            "visits": node.visits,
            "error": node.error.visible() if node.error else None,
        }
        for name, node in checkpoint.nodes.items()
    }
