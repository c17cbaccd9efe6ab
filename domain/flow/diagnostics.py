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
    DiagnosticCode.BAD_DURATION: "The text is no duration.",
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
    DiagnosticCode.MODE_CONFLICT: "The node's `mode` does not allow this.",
    DiagnosticCode.EFFECT_UNDECLARED: "The node does not say what running it again does; it counts as external.",
    DiagnosticCode.BAD_EXPRESSION: "An expression is malformed.",
    DiagnosticCode.UNKNOWN_VARIABLE: "An expression uses a name that nothing sets, or that does not exist there.",
    DiagnosticCode.UNKNOWN_INPUT: "An expression reads a part of the input that `inputs` does not declare.",
    DiagnosticCode.BAD_SCHEMA: "`inputs`, `outputs` or `schema` is no JSON Schema that can be checked safely.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and the part of the document it is about.

    Attributes:
        at_key: Whether the key at the end of the path is meant, rather than the value under it.
    """

    path: Path
    code: DiagnosticCode
    message: str
    hint: str | None = None
    at_key: bool = False

    @property
    def severity(self) -> Severity:
        """Whether it makes the flow invalid."""
        return "warning" if self.code in WARNINGS else "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem and its place in a file. Lines and columns count from 1; as text it is one line."""

    file: str
    line: int
    column: int
    code: DiagnosticCode
    severity: Severity
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {' '.join(f'{self.message}{hint}'.split())}"
