"""Flow files and their problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from commands.calls import Answer
from commands.showing import flows as showing
from domain.errors import Code, ThreadloomError

if TYPE_CHECKING:
    from domain.flow.diagnostics import Diagnostic


def checked(files: Sequence[Path]) -> Answer:
    """Every problem of each file; a complaint when one of them is an error."""
    problems = [problem for file in files for problem in _problems_of(file)]
    errors = [problem for problem in problems if problem.severity == "error"]
    complaint = None
    if errors:
        counts = [_counted(len(errors), "error"), _counted(len(problems) - len(errors), "warning")]
        wrong = dict.fromkeys(problem.file for problem in problems)
        message = f"{', '.join(filter(None, counts))} in {', '.join(wrong)}"
        complaint = ThreadloomError(Code.FLOW_INVALID, message)
    document = {"valid": not errors, "problems": [asdict(problem) for problem in problems]}
    return Answer(document, lambda: showing.problems(problems, [str(file) for file in files]), complaint)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _problems_of(file: Path) -> list[Diagnostic]:
    """A file that cannot be read has that one problem, and does not keep the others from being checked."""
    from domain.flow.diagnostics import Diagnostic, DiagnosticCode
    from domain.flow.loader import load_flow

    try:
        return load_flow(file.read_text(encoding="utf-8"), str(file)).problems
    except FileNotFoundError:
        why, hint = "there is no such file", "look at the path"
    except IsADirectoryError:
        why, hint = "this is a folder, not a file", "name the files in it"
    except UnicodeDecodeError:
        why, hint = "the file is not UTF-8 text", "save it as UTF-8"
    except OSError as error:
        why, hint = f"the file cannot be read: {error.strerror}", "look at the path and its permissions"
    return [Diagnostic(str(file), 1, 1, DiagnosticCode.SYNTAX, "error", why, hint)]
