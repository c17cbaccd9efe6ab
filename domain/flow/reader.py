"""Reading YAML and JSON into JSON data that knows the line and column of every key and value.

The text is read event by event and the data are built here rather than by the YAML library: scalars
follow YAML 1.2's core schema (`yes` and dates are text), every duplicate key is reported, nothing
recurses, and aliases cannot blow up.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

from domain.flow.diagnostics import DiagnosticCode
from domain.flow.source import Fault, Located, Position, Source
from domain.flow.yaml_hints import yaml_hint
from domain.values import Json

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 100_000
"""Values of a document, those under aliases counted each time."""
MAX_DEPTH = 60

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}\Z|0o[0-7]{1,300}\Z|0x[0-9a-fA-F]{1,300}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,9})?\Z")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_TEXT_TAGS = frozenset({"!", "!!str", "tag:yaml.org,2002:str"})


class _UnreadableError(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def read_source(text: str, *, as_json: bool) -> Source:
    """Read a document. Never raises: what is wrong with the text is in `faults`."""
    if len(text) > MAX_CHARACTERS:
        message, hint = f"the file has more than {MAX_CHARACTERS:,} characters", "move parts into subflows"
        return Source(None, [Fault(Position(1, 1), DiagnosticCode.SYNTAX, message, hint)])
    if as_json:
        if fault := _json_fault(text):
            return Source(None, [fault])
        # JSON is YAML, but for tabs between its tokens; inside its texts there are none.
        text = text.replace("\t", " ")
    builder = _Builder(text)
    try:
        root = builder.build(YAML(typ="safe", pure=True).parse(text))
    except _UnreadableError as error:
        return Source(None, [*builder.faults, error.fault])
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        said = " ".join(filter(None, (error.context, error.problem)))
        hint = yaml_hint(error, text, builder.last)
        return Source(None, [*builder.faults, Fault(place, DiagnosticCode.SYNTAX, said, hint)])
    except Exception as error:  # odd texts end in odd places of the YAML library
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        return Source(None, [*builder.faults, Fault(Position(1, 1), DiagnosticCode.SYNTAX, said)])
    return Source(root, builder.faults)


def _json_fault(text: str) -> Fault | None:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_constant=refuse, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        hint = "write commas between members, none behind the last, and close every quote, bracket and brace"
        return Fault(Position(error.lineno, error.colno), DiagnosticCode.SYNTAX, error.msg, hint)
    except (ValueError, RecursionError) as error:
        said = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        return Fault(Position(1, 1), DiagnosticCode.SYNTAX, said)
    return None


@dataclass(slots=True)
class _Open:
    """A list or object whose end has not come yet."""

    located: Located
    anchor: str | None
    start: int
    is_object: bool
    key: str | None = None
    key_position: Position | None = None
    skip_value: bool = False
    """Whether the value that comes belongs to a key that was a duplicate."""
    replaced: bool = False
    """Whether a key was an object or list: `{{ x }}` without quotes reads so."""


class _Builder:
    """Builds data from YAML events, with a stack instead of recursion."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self.last: Any = None
        """The event before the one that could not be read."""
        self._text = text
        self._stack: list[_Open] = []
        self._anchors: dict[str, Located] = {}
        self._root: Located | None = None

    def build(self, stream: Iterator[Any]) -> Located:
        documents = 0
        for event in stream:
            self.last = event
            if isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._failure(event, "the file holds more than one document", "a flow has its own file")
            elif isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
                self._open(event)
            elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
                self._close(event)
            elif isinstance(event, events.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, events.AliasEvent):
                self._alias(event)
        if self._root is None:
            hint = "begin with `flow: <name>`"
            raise _UnreadableError(Fault(Position(1, 1), DiagnosticCode.SYNTAX, "the file is empty", hint))
        return self._root

    def _open(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._failure(event, f"it nests deeper than {MAX_DEPTH}", "make it flatter")
        is_object = isinstance(event, events.MappingStartEvent)
        self._refuse_tag(event)
        located = Located({} if is_object else [], _position(event))
        self._stack.append(_Open(located, event.anchor, event.start_mark.index, is_object))

    def _close(self, event: Any) -> None:
        closed = self._stack.pop()
        located = closed.located
        if closed.replaced:
            written = self._text[closed.start : event.end_mark.index]
            located = Located(written, located.position)
            hint = "quote it" if written.startswith("{{") else "keys are plain texts"
            self._fault(
                event, f"an object cannot be a key: {' '.join(written.split())[:60]}", hint, position=located.position
            )
        if closed.anchor:
            self._anchors[closed.anchor] = located
        holder = self._stack[-1] if self._stack else None
        if holder and holder.is_object and holder.key is None:
            if not self._text.startswith("{", holder.start):
                said, hint = "an object or list cannot be a key", "keys are plain texts"
                raise _UnreadableError(Fault(located.position, DiagnosticCode.SYNTAX, said, hint))
            holder.replaced = True
            holder.key, holder.key_position, holder.skip_value = "", located.position, True
            return
        self._add(located, event)

    def _scalar(self, event: Any) -> None:
        holder = self._stack[-1] if self._stack else None
        text = _joined_surrogates(event.value)
        if holder and holder.is_object and holder.key is None:
            holder.key, holder.key_position = text, _position(event)
            holder.skip_value = text in holder.located.parts
            if holder.skip_value:
                first = holder.located.keys[text]
                self._fault(
                    event,
                    f"the key {text[:60]!r} is here twice",
                    f"the first is in line {first.line}",
                    code=DiagnosticCode.DUPLICATE_KEY,
                )
            return
        plain = event.implicit[0] and event.style is None
        if event.tag is not None and str(event.tag) not in _TEXT_TAGS:
            self._refuse_tag(event)
        located = Located(self._resolved(text, event) if plain else text, _position(event))
        if event.anchor:
            self._anchors[event.anchor] = located
        self._add(located, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            message = f"the alias *{event.anchor} stands for nothing, or for what it is in"
            raise self._failure(event, message, f"name the value before: `&{event.anchor} value`; or quote it")
        holder = self._stack[-1] if self._stack else None
        if holder and holder.is_object and holder.key is None:
            raise self._failure(event, "an alias cannot be a key", "keys are plain texts")
        self._add(self._anchors[event.anchor], event)

    def _add(self, located: Located, event: Any) -> None:
        if not self._stack:
            self._root = located
            return
        holder = self._stack[-1]
        holder.located.size += located.size
        if holder.located.size > MAX_VALUES:
            message = f"it holds more than {MAX_VALUES:,} values, those under aliases included"
            raise self._failure(event, message, "move parts into subflows")
        if not holder.is_object:
            holder.located.parts[len(holder.located.value)] = located
            holder.located.value.append(located.value)
            return
        if not holder.skip_value and holder.key is not None and holder.key_position is not None:
            holder.located.value[holder.key] = located.value
            holder.located.parts[holder.key] = located
            holder.located.keys[holder.key] = holder.key_position
        holder.key, holder.skip_value = None, False

    def _resolved(self, text: str, event: Any) -> Json:
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INTEGER.match(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.match(text) and math.isfinite(number := float(text)):
            return number
        if _FLOAT.match(text) or _NOT_JSON.match(text):
            self._fault(event, f"{text} is not JSON", "quote it if text is meant", code=DiagnosticCode.WRONG_TYPE)
        return text

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None and str(event.tag) not in ("!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self._fault(event, f"tags such as {str(event.tag)[:60]} are not supported", "quote it if text is meant")

    def _fault(
        self,
        event: Any,
        message: str,
        hint: str | None = None,
        *,
        code: DiagnosticCode = DiagnosticCode.SYNTAX,
        position: Position | None = None,
    ) -> None:
        self.faults.append(Fault(position or _position(event), code, message, hint))

    def _failure(self, event: Any, message: str, hint: str) -> _UnreadableError:
        return _UnreadableError(Fault(_position(event), DiagnosticCode.SYNTAX, message, hint))


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _joined_surrogates(text: str) -> str:
    """JSON writes characters beyond U+FFFF as two escapes, which YAML reads as two characters."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
