"""Loading flow files: text in, flow and problems with file, line and column out."""

from __future__ import annotations

from dataclasses import dataclass

from domain.flow.diagnostics import Diagnostic, Problem
from domain.flow.model import FlowDefinition
from domain.flow.parse import analyse
from domain.flow.reader import read_source
from domain.flow.source import Fault, Source
from domain.values import JsonObject


@dataclass(frozen=True, slots=True)
class LoadedFlow:
    """A flow file as loaded.

    Attributes:
        document: The file's content; None when it is no object.
        flow: The flow; None when the file has an error.
        problems: Errors and warnings by line and column.
    """

    document: JsonObject | None
    flow: FlowDefinition | None
    problems: list[Diagnostic]

    @property
    def valid(self) -> bool:
        """Whether no problem is an error."""
        return all(problem.severity == "warning" for problem in self.problems)


def load_flow(text: str, filename: str) -> LoadedFlow:
    """Load a flow. Never raises; every problem of the file is found in one pass.

    Args:
        text: The file's content.
        filename: Names the file in the problems; `.json` at its end makes it JSON, anything else YAML.
    """
    source = read_source(text, as_json=filename.lower().endswith(".json"))
    problems = [_from_fault(filename, fault) for fault in source.faults]
    if source.root is None:
        return LoadedFlow(None, None, problems)
    document = source.root.value
    analysis = analyse(document)
    # A text that could not be read as it was meant has one problem, not also what follows from it.
    unread = {(fault.line, fault.column) for fault in problems}
    found = (_from_problem(filename, source, problem) for problem in analysis.problems)
    problems += [problem for problem in found if (problem.line, problem.column) not in unread]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    valid = all(problem.severity == "warning" for problem in problems)
    return LoadedFlow(document if isinstance(document, dict) else None, analysis.flow if valid else None, problems)


def _from_fault(filename: str, fault: Fault) -> Diagnostic:
    place = fault.position
    return Diagnostic(filename, place.line, place.column, fault.code, "error", fault.message, fault.hint)


def _from_problem(filename: str, source: Source, problem: Problem) -> Diagnostic:
    path = problem.path
    place = source.key_position(path) if problem.at_key else source.value_position(path)
    return Diagnostic(filename, place.line, place.column, problem.code, problem.severity, problem.message, problem.hint)
