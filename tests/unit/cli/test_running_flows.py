"""`flow run`: a flow in the process, as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from commands.flow import app

EXAMPLES = Path(__file__).parents[3] / "examples"
FIRST = str(EXAMPLES / "first_flow" / "flow.yaml")

ORDER = """\
flow: order
version: "1"
start: pay
nodes:
  pay: {kind: subflow, flow: payment, input: "{{ input }}", next: ask, on_error: [{codes: [DECLINED], to: broken}]}
  ask: {kind: approval, prompt: Ship?, choices: [ship, wait], save: {verdict: "{{ result.choice }}"}, next: again}
  again: {kind: decision, next: [{when: "verdict == 'wait'", to: ask}, {to: done}]}
  done: {kind: end, result: "{{ verdict }}"}
  broken: {kind: fail, code: UNPAID, message: "{{ error.message }}"}
"""
PAYMENT = """\
flow: payment
version: "1"
start: charge
nodes:
  charge: {kind: activity, activity: charge, args: ["{{ input }}"], effect: external, next: done}
  done: {kind: end}
"""


@pytest.fixture
def order(tmp_path: Path) -> list[str]:
    """The arguments for a flow with a subflow."""
    (tmp_path / "order.yaml").write_text(ORDER)
    (tmp_path / "payment.yaml").write_text(PAYMENT)
    return [str(tmp_path / "order.yaml"), "--flow", str(tmp_path / "payment.yaml"), "--input", "7"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["run", *arguments])


def document(*arguments: str) -> tuple[int, dict[str, Any]]:
    ended = run(*arguments, "--json")
    return ended.exit_code, json.loads(ended.stdout)


def test_people_see_each_step_as_it_ends_and_then_the_result(order: list[str]) -> None:
    ended = run(*order, "--mock", "charge=null", "--mock", "ask=wait", "--mock", 'ask="ship"')
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    steps = [line.split()[1] for line in lines if line.startswith("2026-")]
    assert steps == ["charge#1", "done#1", "pay#1", "ask#1", "again#1", "ask#2", "again#2", "done#1"]
    assert lines[-1] == '"ship"'


def test_scripts_get_one_document(order: list[str]) -> None:
    status, found = document(*order, "--mock", "pay/charge={}", "--mock", 'ask={"choice": "ship", "actor": "ann"}')
    assert status == 0
    assert (found["status"], found["result"], found["error"], found["waiting"]) == ("completed", "ship", None, None)
    assert found["variables"] == {"verdict": "ship"}
    assert [each["node"] for each in found["executions"]][:3] == ["pay/charge", "pay/done", "pay"]


def test_the_real_functions_can_be_used() -> None:
    tasks = str(EXAMPLES / "first_flow" / "my_tasks.py")
    status, found = document(FIRST, "--input", '{"name": "Ada"}', "--tasks", tasks)
    assert (status, found["result"]) == (0, {"greeting": "Hello, Ada!"})


def test_a_flow_that_fails_says_with_what(order: list[str]) -> None:
    ended = run(*order, "--fail", "charge=DECLINED")
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[0].startswith("error: UNPAID: ")
    assert document(*order, "--fail", "charge=DECLINED")[1]["status"] == "failed"


def test_a_flow_that_waits_says_for_what(order: list[str]) -> None:
    ended = run(*order, "--mock", "charge=1")
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[0] == "error: STILL_WAITING: the flow waits for an approval at ask (ship, wait)"
    status, found = document(*order, "--mock", "charge=1")
    assert (status, found["status"], found["waiting"]["choices"]) == (1, "waiting", ["ship", "wait"])


def test_a_missing_mock_is_named(order: list[str]) -> None:
    ended = run(*order)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: MOCK_MISSING: pay/charge (activity charge) has no mock")
    assert document(*order)[1]["error"]["details"]["args"] == [7]


def test_a_missing_flow_is_to_be_given_by_its_file(order: list[str]) -> None:
    ended = run(order[0])
    assert ended.exit_code == 1
    said, hint = ended.stderr.splitlines()
    assert said == "error: FLOW_NOT_FOUND: order@1 needs the flow payment: give its file too"
    assert hint == "hint: `--flow FILE` gives the file of payment; no registered flow is looked at."


def test_a_mock_for_a_node_that_is_not_there_names_those_that_are(order: list[str]) -> None:
    far, near = run(*order, "--mock", "nosuch=1"), run(*order, "--fail", "chrage=X")
    assert (far.exit_code, near.exit_code) == (1, 1)
    assert far.stderr.splitlines()[0].endswith("no node nosuch for the mock nosuch; these take one: ask, charge")
    assert near.stderr.splitlines()[0].endswith("no node chrage for the mock chrage; did you mean 'charge'?")


def test_an_invalid_flow_gives_what_validate_gives(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(PAYMENT.replace("start: charge", "start: nowhere"))
    ended, validated = run(str(file)), CliRunner().invoke(app, ["validate", str(file)])
    assert ended.exit_code == 1
    assert (ended.stdout, ended.stderr) == (validated.stdout, validated.stderr)
    assert document(str(file))[1]["valid"] is False


def test_a_refusal_names_its_code_once(tmp_path: Path) -> None:
    file = tmp_path / "inline.yaml"
    file.write_text(
        PAYMENT.replace("activity: charge,", "activity: nobody@1, mode: inline,").replace("external", "none")
    )
    assert run(str(file)).stderr.startswith("error: FUNCTION_NOT_FOUND: no inline function is registered as nobody@1")


def test_an_input_that_does_not_fit_is_refused() -> None:
    ended = run(FIRST, "--input", "{}")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: INPUT_INVALID: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mock", "greet"],
        ["--mock", "greet={"],
        ["--mock", "=1"],
        ["--fail", "greet="],
        ["--mock", "greet=1", "--fail", "greet=X"],
    ],
)
def test_a_malformed_mock_is_wrong_usage(arguments: list[str]) -> None:
    assert run(FIRST, *arguments).exit_code == 2
