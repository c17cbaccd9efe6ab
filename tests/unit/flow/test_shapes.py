"""Keys that are never there are found before a flow runs, and none that is there is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from domain.flow.loader import load_flow
from domain.flow.parse import parse_flow
from domain.flow.shapes import ERROR, NODE, SHAPES, shapes_of
from domain.values import Json
from tests.builders import activity, flow_of, set_
from threadloom.testing import Fail, Message, run_flow

FLOW = """\
flow: f
version: "1"
start: ask
nodes:
  ask:
    kind: approval
    prompt: "{prompt}"
    choices: [a]
    timeout: 1h
    save: {{x: "{save}"}}
    next: end
  end: {{kind: end}}
"""


def told(prompt: str = "?", save: str = "{{ result.choice }}") -> list[str]:
    loaded = load_flow(FLOW.format(prompt=prompt, save=save), "f.yaml")
    return [f"{each.line}:{each.column} {each.code} {each.message} ({each.hint})" for each in loaded.problems]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("node.vist", "`node` has no key 'vist' (did you mean 'visit'?)"),
        ("thread.foo", "`thread` has no key 'foo' (known here: id, origin, parent_id, root_id, usage)"),
        ("session['share']", "`session` has no key 'share' (did you mean 'shared'?)"),
        ("error.mesage", "`error` has no key 'mesage' (did you mean 'message'?)"),
        ("nodes.ask.reslt.choice", "`nodes.ask` has no key 'reslt' (did you mean 'result'?)"),
        ("nodes['ask'].error.cod | default('')", "`nodes.ask.error` has no key 'cod' (did you mean 'code'?)"),
    ],
)
def test_a_key_that_is_never_there_is_named_with_the_nearest_one(expression: str, said: str) -> None:
    assert told(prompt=f"{{{{ {expression} }}}}") == [f"7:13 UNKNOWN_VARIABLE {said}"]


def test_an_unknown_node_is_named_as_one() -> None:
    assert told("{{ nodes.aks.status }}") == ["7:13 UNKNOWN_NODE there is no node 'aks' (did you mean 'ask'?)"]


def test_a_result_that_is_always_the_same_has_its_keys_and_no_others() -> None:
    expected = "10:15 UNKNOWN_VARIABLE `result` has no key 'choise' (did you mean 'choice'?)"
    assert told(save="{{ result.choise }}") == [expected]


def test_a_key_of_a_message_is_found_too() -> None:
    text = FLOW.format(prompt="?", save="x").replace("kind: approval", 'kind: receive\n    where: "message.bdy == 1"')
    text = text.replace('    prompt: "?"\n    choices: [a]\n', "")
    assert [problem.hint for problem in load_flow(text, "f.yaml").problems] == ["did you mean 'body'?"]


@pytest.mark.parametrize(
    "expression",
    [
        "nodes[input].anything",
        "nodes[node.id].anything",
        "nodes.ask.result.anything.below",
        "thread.usage.gpt.tokens",
        "session.shared.anything",
        "error.details.anything",
        "input.anything.below",
        "nodes | items | length",
        "node['vi' ~ 'sit']",
        "(thread | combine({'foo': 1})).foo",
        "{'vist': 1}.vist",
    ],
)
def test_what_may_be_there_or_is_computed_is_no_problem(expression: str) -> None:
    assert told(prompt=f"{{{{ {expression} }}}}") == []


def keys(value: Json) -> set[str]:
    assert isinstance(value, Mapping)
    return set(value)


def test_the_keys_are_those_that_a_thread_sees() -> None:
    ask = {"kind": "approval", "prompt": "?", "choices": ["a"], "timeout": "1h"}
    hear = {"kind": "receive", "timeout": "1h"}
    flow = flow_of(
        {
            "fails": activity(next="request", on_error="request"),
            "request": {"kind": "http", "url": "https://x.example", "save": "answer", "next": "ask"},
            "ask": {**ask, "save": "choice", "next": "hear"},
            "hear": {**hear, "save": {"heard": "{{ result }}", "the_message": "{{ message }}"}, "next": "look"},
            "look": set_(
                **{f"the_{name}": f"{{{{ {name} }}}}" for name in ("nodes", *sorted(SHAPES.keys() - {"message"}))}
            ),
        }
    )
    mocks = {"fails": Fail("X", retryable=False), "request": {"status": 200}, "ask": "a"}
    run = run_flow(flow, mocks=mocks, messages=[Message(body=1)])
    assert run.status == "completed"
    found, nodes = run.variables, parse_flow(flow).nodes
    for name, shape in SHAPES.items():
        assert keys(found[f"the_{name}"]) == set(shape), name
    assert keys(found["the_nodes"]["ask"]) == set(NODE)
    assert keys(found["the_nodes"]["fails"]["error"]) == set(ERROR)
    for node, variable in (("request", "answer"), ("ask", "choice"), ("hear", "heard")):
        assert keys(found[variable]) == set(shapes_of(nodes[node])["result"]), node
    assert "result" not in shapes_of(nodes["fails"]), "an activity gives what it likes"
