"""What can be wrong with a flow: codes that stay, and where each problem is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices that lead from the document to a value."""


class DiagnosticCode(StrEnum):
    """Every kind of problem that a flow can have."""

    SYNTAX = "SYNTAX"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    MISSING_FIELD = "MISSING_FIELD"
    WRONG_TYPE = "WRONG_TYPE"
    BAD_VALUE = "BAD_VALUE"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    BAD_ID = "BAD_ID"
    BAD_DURATION = "BAD_DURATION"
    RESERVED_NAME = "RESERVED_NAME"
    NO_START = "NO_START"
    NO_END = "NO_END"
    UNKNOWN_NODE = "UNKNOWN_NODE"
    UNREACHABLE_NODE = "UNREACHABLE_NODE"
    DEAD_END = "DEAD_END"
    DUPLICATE_DEFAULT = "DUPLICATE_DEFAULT"
    DECISION_WITHOUT_DEFAULT = "DECISION_WITHOUT_DEFAULT"
    UNPAIRED_JOIN = "UNPAIRED_JOIN"
    UNBOUNDED_WAIT = "UNBOUNDED_WAIT"
    NEVER_TAKEN = "NEVER_TAKEN"
    MODE_CONFLICT = "MODE_CONFLICT"
    EFFECT_UNDECLARED = "EFFECT_UNDECLARED"
    BAD_EXPRESSION = "BAD_EXPRESSION"
    UNKNOWN_VARIABLE = "UNKNOWN_VARIABLE"
    UNKNOWN_INPUT = "UNKNOWN_INPUT"
    BAD_SCHEMA = "BAD_SCHEMA"


WARNINGS = frozenset(
    {
        DiagnosticCode.DECISION_WITHOUT_DEFAULT,
        DiagnosticCode.UNBOUNDED_WAIT,
        DiagnosticCode.NEVER_TAKEN,
        DiagnosticCode.EFFECT_UNDECLARED,
        DiagnosticCode.UNKNOWN_INPUT,
    }
)
"""Codes that do not make a flow invalid."""

EXPLANATIONS: Mapping[DiagnosticCode, str] = {
    DiagnosticCode.SYNTAX: "The text is not YAML, or not JSON in a `.json` file; or the file cannot be read.",
    DiagnosticCode.DUPLICATE_KEY: "An object has the same key twice.",
    DiagnosticCode.UNKNOWN_FIELD: "There is no such field here.",
    DiagnosticCode.MISSING_FIELD: "A required field is missing.",
    DiagnosticCode.WRONG_TYPE: "The value is of another type than the field takes.",
    DiagnosticCode.BAD_VALUE: "The value has the right type and is not one the field takes.",
    DiagnosticCode.UNKNOWN_KIND: "There is no such kind of node.",
    DiagnosticCode.BAD_ID: "A name, id or error code has characters or a length that it must not have.",
    DiagnosticCode.BAD_DURATION: "The text is no duration, or none that the field takes.",
    DiagnosticCode.RESERVED_NAME: "A node, variable or item has a name that expressions use for something else.",
    DiagnosticCode.NO_START: "The flow does not say where it starts.",
    DiagnosticCode.NO_END: "The flow has no `end` and no `fail` node.",
    DiagnosticCode.UNKNOWN_NODE: "There is no node of this name.",
    DiagnosticCode.UNREACHABLE_NODE: "No way leads from the start to the node.",
    DiagnosticCode.DEAD_END: "No way leads from the node to an `end` or `fail`.",
    DiagnosticCode.DUPLICATE_DEFAULT: "A second edge without a condition can never be taken.",
    DiagnosticCode.DECISION_WITHOUT_DEFAULT: "If no edge's condition holds, the thread fails with `NO_EDGE`.",
    DiagnosticCode.UNPAIRED_JOIN: "A join is of a node that starts no threads, or that never comes before it.",
    DiagnosticCode.UNBOUNDED_WAIT: "Nothing ends the wait if nobody answers.",
    DiagnosticCode.NEVER_TAKEN: "An edge of `on_timeout`, where nothing runs out: the node has no `timeout`.",
    DiagnosticCode.MODE_CONFLICT: "The node's `mode` does not allow this.",
    DiagnosticCode.EFFECT_UNDECLARED: "The node does not say what running it again does; it counts as external.",
    DiagnosticCode.BAD_EXPRESSION: "An expression is malformed.",
    DiagnosticCode.UNKNOWN_VARIABLE: "An expression uses a name or key that nothing sets or that does not exist there.",
    DiagnosticCode.UNKNOWN_INPUT: "An expression reads a part of the input that `inputs` does not declare.",
    DiagnosticCode.BAD_SCHEMA: "`inputs`, `outputs` or `schema` is no JSON Schema that can be checked safely.",
}

HINTS: Mapping[DiagnosticCode, str] = {
    DiagnosticCode.SYNTAX: "write YAML 1.2, or JSON in a `.json` file",
    DiagnosticCode.DUPLICATE_KEY: "keep one of them",
    DiagnosticCode.UNKNOWN_FIELD: "take it out",
    DiagnosticCode.MISSING_FIELD: "add it",
    DiagnosticCode.WRONG_TYPE: "`flow schema` says what each field takes",
    DiagnosticCode.BAD_VALUE: "`flow schema` says what each field takes",
    DiagnosticCode.UNKNOWN_KIND: "`flow schema` has every kind",
    DiagnosticCode.BAD_ID: "write a letter or underscore, then letters, digits and underscores, at most 64",
    DiagnosticCode.BAD_DURATION: "write 250ms, 30s, 5m, 2h, 7d, 1h30m or ISO 8601 such as PT5M",
    DiagnosticCode.RESERVED_NAME: "choose another",
    DiagnosticCode.NO_START: "add `start: <node>`",
    DiagnosticCode.NO_END: "add a node of kind `end`",
    DiagnosticCode.UNKNOWN_NODE: "name a node of this flow",
    DiagnosticCode.UNREACHABLE_NODE: "lead an edge to it, or take it out",
    DiagnosticCode.DEAD_END: "lead an edge from it, or from a node behind it, to an `end` or `fail`",
    DiagnosticCode.DUPLICATE_DEFAULT: "give it a `when`",
    DiagnosticCode.DECISION_WITHOUT_DEFAULT: "add an edge without `when`",
    DiagnosticCode.UNPAIRED_JOIN: "name a spawn or fork",
    DiagnosticCode.UNBOUNDED_WAIT: "add `timeout`, or `limits.max_duration`",
    DiagnosticCode.NEVER_TAKEN: "add `timeout: 1h`, or leave it out",
    DiagnosticCode.MODE_CONFLICT: "leave it out",
    DiagnosticCode.EFFECT_UNDECLARED: "add `effect: none`, `idempotent` or `external`",
    DiagnosticCode.BAD_EXPRESSION: "docs/flows.md lists what an expression may hold",
    DiagnosticCode.UNKNOWN_VARIABLE: "give it a first value in `variables`, or set it in a node",
    DiagnosticCode.UNKNOWN_INPUT: "declare it in `inputs`",
    DiagnosticCode.BAD_SCHEMA: "write JSON Schema 2020-12, within the bounds that docs/flows.md names",
}
"""What to do about a problem of which nothing more can be said."""


class HintedError(ValueError):
    """A value that a flow cannot have, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}; {hint}")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and the part of the document it is about.

    Attributes:
        hint: What to do about it; by default what its code says.
        at_key: Whether the key at the end of the path is meant, rather than the value under it.
    """

    path: Path
    code: DiagnosticCode
    message: str
    hint: str | None = None
    at_key: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "hint", self.hint or HINTS[self.code])

    @property
    def severity(self) -> Severity:
        """Whether it makes the flow invalid."""
        return "warning" if self.code in WARNINGS else "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem and its place in a file. Lines and columns count from 1; as text it is one line.

    Attributes:
        hint: As of a `Problem`.
    """

    file: str
    line: int
    column: int
    code: DiagnosticCode
    severity: Severity
    message: str
    hint: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "hint", self.hint or HINTS[self.code])

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.code} {' '.join(f'{self.message} ({self.hint})'.split())}"
