"""Makes `docs/errors.md` from `domain.errors`: `python -m tests.architecture.error_page`."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from commands.outcome import UNAVAILABLE_CODES
from domain import errors
from domain.errors import Code
from domain.explanations import EXPLANATIONS

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

_INTRODUCTION = """\
# Failure codes

Every refusal and every failure of Threadloom carries one of these codes. Codes stay the same from version to version;
messages do not, so a script looks at the code. The command line prints `error: CODE: message` to stderr and exits with
the status in the table; with `--json` it also prints `{"error": {"code", "message", "details"}}` to stdout. In Python
it is `ThreadloomError.code`; in Temporal, the type of the application failure.

A thread's error may have other codes: a flow names its own in `fail` nodes, and the type of an activity's application
error becomes the code of the node's failure. The codes of `flow validate` are in [Flow files](flows.md#problems).

This page is made from `domain/errors.py` by `python -m tests.architecture.error_page`.
"""


def render() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for heading, codes in _groups():
        rows = "\n".join(_row(code) for code in codes)
        parts.append(f"## {heading}\n\n| code | exit | what happened | what to do |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(code: Code) -> str:
    explanation = EXPLANATIONS[code]
    status = 3 if code in UNAVAILABLE_CODES else 1
    return f"| `{code}` | {status} | {explanation.meaning} | {explanation.remedy} |"


def _groups() -> list[tuple[str, list[Code]]]:
    """Codes under the comments that group them in the source."""
    groups: list[tuple[str, list[Code]]] = []
    for line in inspect.getsource(errors.Code).splitlines():
        if heading := re.match(r" +# (.+)", line):
            groups.append((heading[1].capitalize(), []))
        elif member := re.match(r" +([A-Z_]+) = ", line):
            groups[-1][1].append(Code[member[1]])
    return groups


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
