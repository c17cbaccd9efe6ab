"""The example flows, driven by the interpreter with their own activities: no server, no worker."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.flow.loader import load_flow
from domain.flow.model import FlowDefinition
from domain.thread import inputs
from domain.thread.decide import apply, decide
from domain.thread.effects import RunActivity, effects
from domain.thread.journal import Failure
from domain.thread.program import Program
from domain.thread.snapshot import first_seed, restore
from domain.thread.state import Identity, Outcome, ThreadState, ThreadStatus

Call = Callable[..., Any]
START = datetime(2001, 1, 1, tzinfo=UTC)
EXAMPLES = [
    ("first_flow", "my_tasks.py", {"greet"}),
    (
        "licence_audit",
        "tasks.py",
        {"list_distributions", "read_distributions", "classify_licences", "write_licence_report"},
    ),
    (
        "airline_delays",
        "tasks.py",
        {
            "load_flights",
            "validate_flights",
            "summarise_delays",
            "rank_airports",
            "name_airports",
            "write_delays_report",
        },
    ),
]


def load_flow_file(path: Path) -> FlowDefinition:
    loaded = load_flow(path.read_text(encoding="utf-8"), str(path))
    assert not loaded.problems, "\n".join(map(str, loaded.problems))
    assert loaded.flow is not None
    return loaded.flow


def load_tasks(path: Path) -> ModuleType:
    """Load a file the barest way there is: by its path, known to nobody."""
    spec = importlib.util.spec_from_file_location("somewhere_else", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def activities_of(module: ModuleType) -> dict[str, Callable[..., Any]]:
    functions = [one for one in vars(module).values() if hasattr(one, "__temporal_activity_definition")]
    return {function.__temporal_activity_definition.name: function for function in functions}


class Run:
    """A thread in memory: activities run at once, and time passes only when it waits."""

    def __init__(self, example: Path, tasks: str, call: Call, input: Any) -> None:
        self.flow = load_flow_file(example / "flow.yaml")
        self.activities = activities_of(load_tasks(example / tasks))
        self.call = call
        self.now = START
        self.calls: list[str] = []
        identity = Identity(session_id="s", thread_id="t", created_at=START, root="t")
        self.state: ThreadState = restore(first_seed(self.flow, identity, input=input), START)
        self.feed(inputs.Advance(now=START))

    def feed(self, input: inputs.ThreadInput) -> None:
        """Take the input, then go on until the thread ends or waits."""
        pending: list[inputs.ThreadInput] = [input]
        while pending:
            events = decide(Program(self.flow), self.state, pending.pop(0))
            self.state = apply(self.state, events)
            pending += [self.run(effect) for effect in effects(events) if isinstance(effect, RunActivity)]
            if events and not pending and not self.state.outcome:
                pending.append(inputs.Advance(now=self.now))

    def run(self, effect: RunActivity) -> inputs.ThreadInput:
        call = effect.call
        self.calls.append(call.activity)
        try:
            result = self.call(self.activities[call.activity], *json.loads(json.dumps(call.args)))
        except ApplicationError as error:
            failure = Failure(code=error.type or "", message=error.message)
            return inputs.ActivityFailed(now=self.now, key=call.key, failure=failure)
        return inputs.ActivityCompleted(now=self.now, key=call.key, result=result)

    def answer(self, node: str, choice: str) -> Outcome:
        self.feed(inputs.Answer(now=self.now, node=node, choice=choice, actor="ada", reason="because"))
        return self.outcome

    def later(self, after: timedelta) -> Outcome:
        self.now += after
        self.feed(inputs.Advance(now=self.now))
        return self.outcome

    @property
    def waits_at(self) -> str:
        assert self.state.active is not None
        return self.state.active.node

    @property
    def outcome(self) -> Outcome:
        assert self.state.outcome is not None
        return self.state.outcome


# --- every example ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "tasks", "names"), EXAMPLES)
def test_a_file_of_activities_stands_alone(examples: Path, folder: str, tasks: str, names: set[str]) -> None:
    path = examples / folder / tasks
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names, "temporalio"}
    assert set(activities_of(load_tasks(path))) == names


def test_one_worker_can_run_all_examples() -> None:
    names = [name for _, _, names in EXAMPLES for name in names]

    assert len(names) == len(set(names))


def test_the_first_flow_has_about_ten_lines_and_greets(examples: Path, call: Call) -> None:
    run = Run(examples / "first_flow", "my_tasks.py", call, {"name": "Ada"})

    assert run.waits_at == "linger"
    assert run.later(timedelta(seconds=10)).result == {"greeting": "Hello, Ada!"}
    assert len((examples / "first_flow" / "flow.yaml").read_text().splitlines()) <= 10


# --- licence audit ----------------------------------------------------------------------------------


@pytest.fixture
def audit(examples: Path, call: Call, tmp_path: Path) -> Callable[..., Run]:
    def run(**input: Any) -> Run:
        return Run(examples / "licence_audit", "tasks.py", call, {"folder": str(tmp_path)} | input)

    return run


def test_a_clean_audit_asks_nobody(audit: Callable[..., Run]) -> None:
    run = audit(names=["temporalio", "Jinja2", "typer"], batch_size=2)

    assert run.outcome.status is ThreadStatus.COMPLETED
    assert run.outcome.result["verdict"] == "clean"
    assert run.outcome.result["counts"] == {"allowed": 3, "denied": 0, "review": 0}
    assert run.calls.count("read_distributions") == 2
    assert Path(run.outcome.result["report"]).name == "licence-audit-t@s.md"


@pytest.mark.parametrize(("choice", "verdict"), [("accept", "accepted"), ("reject", "rejected")])
def test_an_audit_with_offenders_waits_for_a_person(audit: Callable[..., Run], choice: str, verdict: str) -> None:
    run = audit(names=["temporalio", "Jinja2"], policy={"allowed": ["MIT"], "unknown": "deny"})
    assert run.waits_at == "review"

    result = run.answer("review", choice).result

    assert result["verdict"] == verdict
    assert [one["name"] for one in result["offenders"]] == ["Jinja2"]
    assert f"Verdict: **{verdict}**\nDecided by ada: because" in Path(result["report"]).read_text(encoding="utf-8")


def test_an_audit_that_nobody_answers_still_writes_its_report(audit: Callable[..., Run]) -> None:
    result = audit(names=["Jinja2"], policy={"unknown": "deny"}).later(timedelta(days=14)).result

    assert result["verdict"] == "unanswered"
    assert "Verdict: **unanswered**\n\n" in Path(result["report"]).read_text(encoding="utf-8")


def test_a_policy_that_is_none_fails_the_audit_with_its_code(audit: Callable[..., Run]) -> None:
    outcome = audit(names=["temporalio"], policy={"allowed": "MIT"}).outcome

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (ThreadStatus.FAILED, "BAD_POLICY")


def test_nothing_to_audit_is_clean(audit: Callable[..., Run]) -> None:
    assert audit(names=[]).outcome.result["counts"] == {"allowed": 0, "denied": 0, "review": 0}


# --- airline delays ---------------------------------------------------------------------------------


@pytest.fixture
def delays(examples: Path, call: Call, tmp_path: Path) -> Callable[..., Run]:
    def run(rows: Any, **input: Any) -> Run:
        path = tmp_path / "flights.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        given = {"path": str(path), "report": str(tmp_path / "reports")} | input
        return Run(examples / "airline_delays", "tasks.py", call, given)

    return run


ROWS: list[Any] = [
    {"origin": "AAA", "delay": 30},
    {"origin": "AAA", "delay": 10},
    {"origin": "BBB", "delay": 5},
    {"origin": "BBB", "delay": 6},
    {"origin": "BBB"},
]


def test_delays_are_published_with_the_airports_names(delays: Callable[..., Run], tmp_path: Path) -> None:
    airports = tmp_path / "airports.csv"
    airports.write_text("iata,name\nAAA,North Field\n")
    run = delays(ROWS, airports=str(airports), worst=1)
    assert run.waits_at == "review"

    result = run.answer("review", "publish").result

    (worst,) = result["ranking"]["worst"]
    assert (worst["airport"], worst["name"], worst["mean_delay"], worst["late_share"]) == (
        "AAA",
        "North Field",
        20.0,
        0.5,
    )
    assert (result["verdict"], result["flights"], result["airports"]) == ("publish", 4, 2)
    assert result["invalid"]["reasons"] == {"delay missing": 1}
    assert "North Field" in Path(result["report"]).read_text(encoding="utf-8")


def test_dropped_or_unanswered_delays_leave_no_report(delays: Callable[..., Run], tmp_path: Path) -> None:
    dropped = delays(ROWS).answer("review", "drop")
    unanswered = delays(ROWS).later(timedelta(days=2))

    assert (dropped.result["verdict"], dropped.result["report"]) == ("drop", None)
    assert (unanswered.result["verdict"], unanswered.result["report"]) == ("timeout", None)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("rows", [[], [{}], ["x", {"origin": "AAA"}]])
def test_a_file_without_a_valid_flight_ends_empty(delays: Callable[..., Run], rows: list[Any]) -> None:
    result = delays(rows).outcome.result

    assert (result["verdict"], result["flights"], result["invalid"]["count"]) == ("empty", 0, len(rows))


def test_a_missing_or_bad_file_fails_the_thread_with_its_code(delays: Callable[..., Run], tmp_path: Path) -> None:
    missing = delays(ROWS, path=str(tmp_path / "none.json")).outcome
    bad = delays({"no": "array"}).outcome

    assert [one.error.code for one in (missing, bad) if one.error] == ["FILE_NOT_FOUND", "BAD_FILE"]
