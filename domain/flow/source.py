"""A document as read from a text: its data, and the line and column of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.flow.diagnostics import DiagnosticCode, Path
from domain.values import Json


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the text itself."""

    position: Position
    code: DiagnosticCode
    message: str
    hint: str | None = None


@dataclass(slots=True)
class Located:
    """A value with its place and its parts'.

    Attributes:
        keys: Where each key of an object stands.
        size: The count of values in it, itself included.
    """

    value: Json
    position: Position
    keys: dict[str, Position] = field(default_factory=dict)
    parts: dict[str | int, Located] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A text as read. `root` is None when it could not be read at all."""

    root: Located | None
    faults: list[Fault]

    def value_position(self, path: Path) -> Position:
        """Where the value stands, or the nearest thing around it that exists."""
        return self._walk(path)[0].position

    def key_position(self, path: Path) -> Position:
        """Where the key at the end of the path stands, or the nearest thing around it that exists."""
        holder, key = self._walk(path)
        return holder.position if key is None else key

    def _walk(self, path: Path) -> tuple[Located, Position | None]:
        if self.root is None:
            return Located(None, Position(1, 1)), None
        node, key = self.root, None
        for part in path:
            if part not in node.parts:
                break
            key = node.keys.get(part, node.parts[part].position) if isinstance(part, str) else None
            node = node.parts[part]
        return node, key
