"""What a command prints and with which status it exits, whatever it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from commands.calls import Answer, Call, command
from domain.errors import Code, ThreadloomError
from domain.explanations import EXPLANATIONS


@dataclass
class Ended:
    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run() -> Run:
    """Run a program whose one command does what is given, and answers with it."""

    def run(outcome: Answer | Exception, *arguments: str) -> Ended:
        app = typer.Typer(rich_markup_mode=None)

        async def act(call: Call, *, number: Annotated[int, typer.Option()] = 1) -> Answer:
            """Act."""
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        command(app, "act", changes=True)(act)
        ended = CliRunner().invoke(app, arguments, terminal_width=200)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run


def answer(document: Any, **more: Any) -> Answer:
    return Answer(document, lambda: Text("for people"), **more)


def test_an_answer_for_people(run: Run) -> None:
    assert run(answer({"a": 1})) == Ended(0, "for people\n", "")


def test_an_answer_for_programs_is_one_document(run: Run) -> None:
    ended = run(answer({"a": "许可"}), "--json")
    assert (ended.status, json.loads(ended.out), ended.err) == (0, {"a": "许可"}, "")


def test_an_answer_from_the_records_says_so_and_succeeds(run: Run) -> None:
    ended = run(answer({"status": "active", "as_of": "2030-01-01T00:00:00Z"}), "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["as_of"] == "2030-01-01T00:00:00Z"
    assert ended.err.startswith("warning: NO_WORKER: ")


def test_what_never_changes_needs_no_worker_to_be_true(run: Run) -> None:
    assert run(answer({"status": "closed", "as_of": "2030-01-01T00:00:00Z"})).err == ""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.SESSION_NOT_ACTIVE, 1),
        (Code.TIMED_OUT, 1),
        (Code.SERVER_UNREACHABLE, 3),
        (Code.DATABASE_UNREACHABLE, 3),
        (Code.NO_WORKER, 3),
        ("A_FLOWS_OWN_CODE", 1),
    ],
)
def test_a_refusal_has_its_code_everywhere(run: Run, code: str, status: int) -> None:
    ended = run(ThreadloomError(code, "why", {"more": 1}), "--json")
    assert ended.status == status
    assert json.loads(ended.out) == {"error": {"code": str(code), "message": "why", "details": {"more": 1}}}
    assert ended.err.splitlines()[0] == f"error: {code}: why"


def test_a_refusal_for_people_says_what_to_do_and_leaves_stdout_empty(run: Run) -> None:
    ended = run(ThreadloomError(Code.SESSION_NOT_FOUND, "there is no session x"))
    assert ended.out == ""
    hint = EXPLANATIONS[Code.SESSION_NOT_FOUND].remedy
    assert ended.err == f"error: SESSION_NOT_FOUND: there is no session x\nhint: {hint}\n"


def test_a_refusal_that_knows_better_what_to_do_says_that(run: Run) -> None:
    ended = run(ThreadloomError(Code.FLOW_NOT_FOUND, "no", {"hint": "give its file"}))
    assert ended.err == "error: FLOW_NOT_FOUND: no\nhint: give its file\n"


def test_every_problem_of_a_flow_has_its_line(run: Run) -> None:
    problem = {"file": "f.yaml", "line": 2, "column": 3, "code": "NO_END", "message": "no end", "hint": "add one"}
    ended = run(ThreadloomError(Code.FLOW_INVALID, "f.yaml", {"problems": [problem, problem]}))
    assert ended.err.count("  f.yaml:2:3 NO_END no end (add one)\n") == 2


def test_a_warning_among_the_problems_of_a_flow_says_so(run: Run) -> None:
    problem = {"code": "UNBOUNDED_WAIT", "severity": "warning", "message": "it waits", "hint": "add `timeout`"}
    of_file, of_document = {**problem, "file": "f.yaml", "line": 2, "column": 3}, {**problem, "path": "$.nodes.a"}
    ended = run(ThreadloomError(Code.FLOW_INVALID, "f.yaml", {"problems": [of_file, of_document]}))
    assert "  f.yaml:2:3 warning UNBOUNDED_WAIT it waits (add `timeout`)\n" in ended.err
    assert "  $.nodes.a: warning UNBOUNDED_WAIT it waits (add `timeout`)\n" in ended.err


@pytest.mark.parametrize("place", ["path", "at"])
def test_every_problem_of_an_input_or_a_message_has_its_place(run: Run, place: str) -> None:
    problem = {place: "max_threads", "message": "Input should be greater than 0"}
    ended = run(ThreadloomError(Code.INVALID_ARGUMENT, "config", {"problems": [problem]}))
    assert "  max_threads: Input should be greater than 0\n" in ended.err


def test_an_answer_about_a_failure_fails_and_stays_one_document(run: Run) -> None:
    failed = answer({"status": "failed"}, complaint=ThreadloomError("BROKEN", "it broke"))
    ended = run(failed, "--json")
    assert (ended.status, json.loads(ended.out)) == (1, {"status": "failed"})
    assert ended.err == "error: BROKEN: it broke\n"


def test_a_defect_is_told_as_one(run: Run) -> None:
    ended = run(RuntimeError("oh"), "--json")
    assert ended.status == 1
    assert json.loads(ended.out)["error"]["code"] == "INTERNAL"
    assert "Traceback" in ended.err


@pytest.mark.parametrize("wrong", [["--bogus"], ["--number", "x"], ["surplus"]])
def test_wrong_usage(run: Run, wrong: list[str]) -> None:
    ended = run(answer({}), *wrong)
    assert (ended.status, ended.out) == (2, "")


def test_text_is_shown_as_it_is(run: Run) -> None:
    ended = run(Answer(None, lambda: "[red]" + "x" * 300))
    assert ended.out == "[red]" + "x" * 300 + "\n"
