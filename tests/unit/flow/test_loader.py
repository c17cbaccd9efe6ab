"""Flow files with mistakes: what the reader of `flow validate` sees."""

from __future__ import annotations

import json

import pytest

from domain.flow.diagnostics import WARNINGS, Diagnostic, DiagnosticCode, Problem
from domain.flow.loader import LoadedFlow, load_flow

HEAD = 'flow: f\nversion: "1"\nstart: a\nnodes:\n'


def places(text: str, filename: str = "f.yaml") -> list[str]:
    return [f"{item.line}:{item.column} {item.code}" for item in load_flow(text, filename).problems]


def only_hint(text: str) -> str | None:
    (problem,) = load_flow(text, "f.yaml").problems
    return problem.hint


def flow_with(*nodes: str) -> str:
    return HEAD + "".join(f"  {node}\n" for node in (*nodes, "end: {kind: end}"))


def activity(fields: str) -> str:
    return flow_with(f"a: {{kind: activity, activity: x@1, {fields}, next: end}}")


MISTAKES: list[tuple[DiagnosticCode, str, list[str]]] = [
    (DiagnosticCode.SYNTAX, "flow: [a\n", ["2:1 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "", ["1:1 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "a: 1\n---\nb: 2\n", ["2:1 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "a: *b\n", ["1:4 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "a: &b [*b]\n", ["1:8 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "&a x: 1\n*a : 2\n", ["2:1 SYNTAX"]),
    (DiagnosticCode.SYNTAX, "? [a]\n: 1\n", ["1:3 SYNTAX"]),
    (
        DiagnosticCode.SYNTAX,
        flow_with("a: {kind: set, set: {x: {{ input }}}, next: end}"),
        ["5:27 SYNTAX"],
    ),
    (DiagnosticCode.SYNTAX, flow_with("a: {kind: set, set: {x: !secret y}, next: end}"), ["5:27 SYNTAX"]),
    (
        DiagnosticCode.DUPLICATE_KEY,
        flow_with("a: {kind: decision, next: end}", "a: {kind: nothing_that_counts}"),
        ["6:3 DUPLICATE_KEY"],
    ),
    (DiagnosticCode.UNKNOWN_FIELD, flow_with("a: {kind: decision, nxt: end, next: end}"), ["5:23 UNKNOWN_FIELD"]),
    (DiagnosticCode.UNKNOWN_FIELD, flow_with("a: {kind: decision, next: {to: end, wen: x}}"), ["5:39 UNKNOWN_FIELD"]),
    (
        DiagnosticCode.UNKNOWN_FIELD,
        flow_with("a: {kind: activity, activity: x, effect: none, retry: {max: 3}, next: end}"),
        ["5:58 UNKNOWN_FIELD"],
    ),
    (
        DiagnosticCode.UNKNOWN_FIELD,
        flow_with("a: {kind: http, url: 'http://x', headers: {k: {secret: K, prefx: x}}, next: end}"),
        ["5:61 UNKNOWN_FIELD"],
    ),
    (
        DiagnosticCode.UNKNOWN_FIELD,
        flow_with("a: {kind: map, as_: x, over: [], activity: x, effect: none, next: end}"),
        ["5:18 UNKNOWN_FIELD"],
    ),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: decision}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {next: end}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: wait, next: end}"), ["5:3 MISSING_FIELD"]),
    (
        DiagnosticCode.MISSING_FIELD,
        flow_with('a: {kind: activity, activity: "{{ input }}", effect: none, next: end}'),
        ["5:3 MISSING_FIELD"],
    ),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: join, timeout: 1h, next: end}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: set, next: end}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: send, name: x, next: end}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: spawn, flow: g, as: row, next: end}"), ["5:3 MISSING_FIELD"]),
    (
        DiagnosticCode.MISSING_FIELD,
        "hooks: {on_error: {nodes: [a]}}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:9 MISSING_FIELD"],
    ),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: http, next: end}"), ["5:3 MISSING_FIELD"]),
    (DiagnosticCode.MISSING_FIELD, flow_with("a: {kind: fork, next: end}"), ["5:3 MISSING_FIELD"]),
    (
        DiagnosticCode.MISSING_FIELD,
        flow_with("a: {kind: map, effect: none, activity: x, next: end}"),
        ["5:3 MISSING_FIELD"],
    ),
    (DiagnosticCode.MISSING_FIELD, "flow: f\nstart: a\nnodes: {a: {kind: end}}\n", ["1:1 MISSING_FIELD"]),
    (
        DiagnosticCode.NEVER_TAKEN,
        flow_with("a: {kind: activity, activity: x, effect: none, on_timeout: end, next: end}"),
        ["5:50 NEVER_TAKEN"],
    ),
    (
        DiagnosticCode.NEVER_TAKEN,
        flow_with("a: {kind: receive, on_timeout: end, next: end}"),
        ["5:22 NEVER_TAKEN"],
    ),
    (DiagnosticCode.WRONG_TYPE, "[]", ["1:1 WRONG_TYPE"]),
    (DiagnosticCode.WRONG_TYPE, "flow: f\nversion: 1.0\nstart: a\nnodes: {a: {kind: end}}\n", ["2:10 WRONG_TYPE"]),
    (DiagnosticCode.WRONG_TYPE, flow_with("a: {kind: set, set: {x: .nan}, next: end}"), ["5:27 WRONG_TYPE"]),
    (DiagnosticCode.WRONG_TYPE, flow_with("a: {kind: decision, next: {when: true, to: end}}"), ["5:36 WRONG_TYPE"]),
    (DiagnosticCode.WRONG_TYPE, flow_with("a: {kind: wait, for: 1s, save: [x], next: end}"), ["5:34 WRONG_TYPE"]),
    (DiagnosticCode.WRONG_TYPE, flow_with("a: {kind: spawn, flow: g, each: all, next: end}"), ["5:35 WRONG_TYPE"]),
    (
        DiagnosticCode.WRONG_TYPE,
        flow_with("a: {kind: map, over: {a: 1}, activity: x, effect: none, next: end}"),
        ["5:24 WRONG_TYPE"],
    ),
    (
        DiagnosticCode.WRONG_TYPE,
        flow_with("a: {kind: http, url: 'http://x', headers: {k: 5}, next: end}"),
        ["5:49 WRONG_TYPE"],
    ),
    (
        DiagnosticCode.WRONG_TYPE,
        flow_with("a: {kind: spawn, flow: g, requires: {cpu: x}, next: end}"),
        ["5:45 WRONG_TYPE"],
    ),
    (DiagnosticCode.WRONG_TYPE, flow_with("a: 5"), ["5:6 WRONG_TYPE"]),
    (DiagnosticCode.BAD_VALUE, flow_with("a: {kind: decision, max_visits: 0, next: end}"), ["5:35 BAD_VALUE"]),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: activity, activity: x, effect: maybe, next: end}"),
        ["5:44 BAD_VALUE"],
    ),
    (DiagnosticCode.BAD_VALUE, flow_with("a: {kind: wait, for: 1s, until: x, next: end}"), ["5:3 BAD_VALUE"]),
    (DiagnosticCode.BAD_VALUE, flow_with("a: {kind: wait, until: tomorrow, next: end}"), ["5:26 BAD_VALUE"]),
    (DiagnosticCode.BAD_VALUE, flow_with("a: {kind: decision, next: []}"), ["5:29 BAD_VALUE"]),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with(
            "a: {kind: activity, activity: x, effect: none, compensate: {activity: '{{ result }} {{ x }}'}, next: end}"
        ),
        ["5:73 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        "hooks: {after_node: {call: {activity: '{{ node.id }}'}}}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:39 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: join, threads: [], of: a, timeout: 1h, next: end}"),
        ["5:3 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: join, threads: [], need: most, timeout: 1h, next: end}"),
        ["5:38 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: join, threads: [], need: {}, timeout: 1h, next: end}"),
        ["5:38 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: set, set: {x: 1}, append: {x: [1]}, next: end}"),
        ["5:3 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: send, to: x, broadcast: true, name: n, next: end}"),
        ["5:3 BAD_VALUE"],
    ),
    (DiagnosticCode.BAD_VALUE, flow_with("a: {kind: http, url: 'ftp://x', next: end}"), ["5:24 BAD_VALUE"]),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: http, url: 'http://x', json: 1, body: x, next: end}"),
        ["5:3 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: http, url: 'http://x', query: {k: {secret: [K]}}, next: end}"),
        ["5:47 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        "error_policy: stpo\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:15 BAD_VALUE"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: spawn, flow: g, requires: {cpu: 0}, next: end}"),
        ["5:45 BAD_VALUE"],
    ),
    (DiagnosticCode.UNKNOWN_KIND, flow_with("a: {kind: activty, next: end}"), ["5:13 UNKNOWN_KIND"]),
    (DiagnosticCode.BAD_ID, flow_with("a: {kind: decision, next: end}", "b-c: {kind: end}"), ["6:3 BAD_ID"]),
    (DiagnosticCode.BAD_ID, flow_with("a: {kind: decision, next: b-c}"), ["5:29 BAD_ID"]),
    (DiagnosticCode.BAD_ID, flow_with("a: {kind: wait, for: 1s, save: {x-y: 1}, next: end}"), ["5:35 BAD_ID"]),
    (DiagnosticCode.BAD_ID, flow_with("a: {kind: subflow, flow: g@, next: end}"), ["5:28 BAD_ID"]),
    (
        DiagnosticCode.BAD_ID,
        flow_with("a: {kind: map, over: [], as: a b, activity: x, effect: none, next: end}"),
        ["5:32 BAD_ID"],
    ),
    (DiagnosticCode.BAD_ID, 'flow: a b\nversion: "1"\nstart: a\nnodes: {a: {kind: end}}\n', ["1:7 BAD_ID"]),
    (
        DiagnosticCode.BAD_DURATION,
        flow_with("a: {kind: wait, for: 1s, timeout: 5 minutes, next: end}"),
        ["5:37 BAD_DURATION"],
    ),
    (DiagnosticCode.BAD_DURATION, flow_with("a: {kind: wait, for: soon, next: end}"), ["5:24 BAD_DURATION"]),
    *(
        (DiagnosticCode.BAD_DURATION, activity(f"effect: none, {field}: 0s"), [f"5:{54 + len(field)} BAD_DURATION"])
        for field in ("start_to_close", "schedule_to_start", "heartbeat", "timeout")
    ),
    (
        DiagnosticCode.BAD_DURATION,
        flow_with("a: {kind: http, url: 'http://x', start_to_close: PT0S, next: end}"),
        ["5:52 BAD_DURATION"],
    ),
    (
        DiagnosticCode.BAD_DURATION,
        flow_with("a: {kind: approval, prompt: x, choices: [y], timeout: 1h, remind: 0m, next: end}"),
        ["5:69 BAD_DURATION"],
    ),
    (DiagnosticCode.BAD_DURATION, activity("effect: none, retry: {initial_interval: 0s}"), ["5:78 BAD_DURATION"]),
    (DiagnosticCode.BAD_DURATION, activity("effect: none, retry: {maximum_interval: 0s}"), ["5:78 BAD_DURATION"]),
    (
        DiagnosticCode.BAD_DURATION,
        activity("effect: none, retry: {maximum_interval: 1s, initial_interval: 2s}"),
        ["5:78 BAD_DURATION"],
    ),
    (DiagnosticCode.BAD_DURATION, activity("effect: none, retry: {maximum_interval: 999ms}"), ["5:78 BAD_DURATION"]),
    (
        DiagnosticCode.BAD_DURATION,
        "checkpoint: {time: 0.0001ms}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:20 BAD_DURATION"],
    ),
    (
        DiagnosticCode.BAD_DURATION,
        "defaults: {activity: {heartbeat: 0s}}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:34 BAD_DURATION"],
    ),
    (
        DiagnosticCode.BAD_VALUE,
        flow_with("a: {kind: http, url: 'http://x', retry: {maximum_attempts: 1000000001}, next: end}"),
        ["5:62 BAD_VALUE"],
    ),
    (DiagnosticCode.WRONG_TYPE, activity("effect: none, timeout: {s: 1}"), ["5:61 WRONG_TYPE"]),
    (DiagnosticCode.RESERVED_NAME, flow_with("a: {kind: set, set: {result: 1}, next: end}"), ["5:24 RESERVED_NAME"]),
    (DiagnosticCode.RESERVED_NAME, flow_with("a: {kind: wait, for: 1s, save: now, next: end}"), ["5:34 RESERVED_NAME"]),
    (
        DiagnosticCode.RESERVED_NAME,
        flow_with("a: {kind: wait, for: 1s, save: {not: 1}, next: end}"),
        ["5:35 RESERVED_NAME"],
    ),
    (
        DiagnosticCode.RESERVED_NAME,
        "variables: {input: 1}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:13 RESERVED_NAME"],
    ),
    (DiagnosticCode.RESERVED_NAME, flow_with("a: {kind: set, append: {now: [1]}, next: end}"), ["5:27 RESERVED_NAME"]),
    (
        DiagnosticCode.RESERVED_NAME,
        flow_with("a: {kind: fork, enter: end, set: {node: 1}, next: end}"),
        ["5:37 RESERVED_NAME"],
    ),
    (
        DiagnosticCode.RESERVED_NAME,
        "hooks: {before_node: {set: {node: 1}}}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:29 RESERVED_NAME"],
    ),
    (
        DiagnosticCode.RESERVED_NAME,
        flow_with("a: {kind: map, over: [], as: index, activity: x, effect: none, next: end}"),
        ["5:32 RESERVED_NAME"],
    ),
    (
        DiagnosticCode.RESERVED_NAME,
        "variables: {row: 1}\n" + flow_with("a: {kind: spawn, flow: g, each: [], as: row, next: end}"),
        ["6:43 RESERVED_NAME"],
    ),
    (
        DiagnosticCode.RESERVED_NAME,
        "variables: {item: 1}\n" + flow_with("a: {kind: fork, enter: end, each: [], next: end}"),
        ["6:3 RESERVED_NAME"],
    ),
    (DiagnosticCode.NO_START, 'flow: f\nversion: "1"\nnodes: {a: {kind: end}}\n', ["1:1 NO_START"]),
    (DiagnosticCode.NO_END, HEAD + "  a: {kind: decision, next: a}\n", ["4:1 NO_END"]),
    (DiagnosticCode.UNKNOWN_NODE, 'flow: f\nversion: "1"\nstart: b\nnodes: {a: {kind: end}}\n', ["3:8 UNKNOWN_NODE"]),
    (
        DiagnosticCode.UNKNOWN_NODE,
        flow_with('a: {kind: decision, next: [{when: "1 > 2", to: bend}, end]}'),
        ["5:50 UNKNOWN_NODE"],
    ),
    (
        DiagnosticCode.UNKNOWN_NODE,
        flow_with('a: {kind: set, set: {x: "{{ nodes.lod.result }}"}, next: end}'),
        ["5:27 UNKNOWN_NODE"],
    ),
    (DiagnosticCode.UNKNOWN_NODE, flow_with("a: {kind: fork, enter: b, next: end}"), ["5:26 UNKNOWN_NODE"]),
    (DiagnosticCode.UNKNOWN_NODE, flow_with("a: {kind: join, of: b, timeout: 1h, next: end}"), ["5:23 UNKNOWN_NODE"]),
    (
        DiagnosticCode.UNKNOWN_NODE,
        "hooks: {after_node: {set: {x: 1}, nodes: [a, b]}}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:46 UNKNOWN_NODE"],
    ),
    (
        DiagnosticCode.UNREACHABLE_NODE,
        flow_with("a: {kind: decision, next: end}", "b: {kind: end}"),
        ["6:3 UNREACHABLE_NODE"],
    ),
    (
        DiagnosticCode.DEAD_END,
        flow_with('a: {kind: decision, next: [{when: "1 > 2", to: b}, end]}', "b: {kind: decision, next: b}"),
        ["6:3 DEAD_END"],
    ),
    (DiagnosticCode.DUPLICATE_DEFAULT, flow_with("a: {kind: decision, next: [end, end]}"), ["5:35 DUPLICATE_DEFAULT"]),
    (
        DiagnosticCode.DECISION_WITHOUT_DEFAULT,
        flow_with('a: {kind: decision, next: {when: "1 > 2", to: end}}'),
        ["5:23 DECISION_WITHOUT_DEFAULT"],
    ),
    (DiagnosticCode.UNBOUNDED_WAIT, flow_with("a: {kind: receive, next: end}"), ["5:3 UNBOUNDED_WAIT"]),
    (DiagnosticCode.UNBOUNDED_WAIT, flow_with("a: {kind: join, threads: [x], next: end}"), ["5:3 UNBOUNDED_WAIT"]),
    (
        DiagnosticCode.UNPAIRED_JOIN,
        flow_with("a: {kind: wait, for: 1s, next: b}", "b: {kind: join, of: a, timeout: 1h, next: end}"),
        ["6:23 UNPAIRED_JOIN"],
    ),
    (
        DiagnosticCode.UNPAIRED_JOIN,
        flow_with("a: {kind: join, of: b, timeout: 1h, next: b}", "b: {kind: spawn, flow: g, next: end}"),
        ["5:23 UNPAIRED_JOIN"],
    ),
    (
        DiagnosticCode.EFFECT_UNDECLARED,
        flow_with("a: {kind: activity, activity: x, next: end}"),
        ["5:3 EFFECT_UNDECLARED"],
    ),
    (
        DiagnosticCode.EFFECT_UNDECLARED,
        flow_with("a: {kind: map, over: [], activity: x, next: end}"),
        ["5:3 EFFECT_UNDECLARED"],
    ),
    (
        DiagnosticCode.EFFECT_UNDECLARED,
        flow_with("a: {kind: workflow, workflow: x, next: end}"),
        ["5:3 EFFECT_UNDECLARED"],
    ),
    (DiagnosticCode.MODE_CONFLICT, activity("mode: local"), ["5:3 MODE_CONFLICT"]),
    (DiagnosticCode.MODE_CONFLICT, activity("mode: local, effect: external"), ["5:59 MODE_CONFLICT"]),
    (DiagnosticCode.MODE_CONFLICT, activity("mode: local, effect: none, heartbeat: 1s"), ["5:65 MODE_CONFLICT"]),
    (DiagnosticCode.MODE_CONFLICT, activity("mode: local, effect: none, task_queue: q"), ["5:65 MODE_CONFLICT"]),
    (DiagnosticCode.MODE_CONFLICT, activity("mode: inline, effect: none, retry: {}"), ["5:66 MODE_CONFLICT"]),
    *(
        (DiagnosticCode.MODE_CONFLICT, activity(f"mode: {mode}, effect: none, {field}"), [f"5:{column} MODE_CONFLICT"])
        for mode, column, fields in (
            ("local", 65, ("priority: low", "schedule_to_start: 1s")),
            (
                "inline",
                66,
                ("priority: low", "schedule_to_start: 1s", "start_to_close: 1s", "timeout: 1s", "on_timeout: end"),
            ),
        )
        for field in fields
    ),
    (
        DiagnosticCode.MODE_CONFLICT,
        flow_with('a: {kind: activity, activity: "{{ input }}@1", mode: inline, effect: none, next: end}'),
        ["5:33 MODE_CONFLICT"],
    ),
    (
        DiagnosticCode.MODE_CONFLICT,
        flow_with("a: {kind: map, over: [], activity: x, mode: inline, effect: none, next: end}"),
        ["5:38 MODE_CONFLICT"],
    ),
    (
        DiagnosticCode.BAD_EXPRESSION,
        flow_with('a: {kind: set, set: {x: {y: ["{{ 1 + }}"]}}, next: end}'),
        ["5:32 BAD_EXPRESSION"],
    ),
    (
        DiagnosticCode.BAD_EXPRESSION,
        flow_with('a: {kind: decision, next: [{when: "{{ 1 > 2 }}", to: end}, end]}'),
        ["5:37 BAD_EXPRESSION"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with('a: {kind: decision, next: [{when: "rows > 1", to: end}, end]}'),
        ["5:37 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        'variables: {x: "{{ now }}", y: "{{ input }}"}\n' + flow_with("a: {kind: decision, next: end}"),
        ["1:16 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with('a: {kind: wait, for: "{{ result }}", save: {x: "{{ result }}"}, next: end}'),
        ["5:24 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with('a: {kind: wait, for: 1s, save: {x: "{{ message }}"}, next: end}'),
        ["5:38 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with(
            "a: {kind: map, over: [1], as: row, activity: x, effect: none, "
            'args: ["{{ row }} {{ index }}"], usage: "{{ row }}", next: end}'
        ),
        ["5:105 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with(
            'a: {kind: spawn, flow: g, id: "{{ item }}", next: b}',
            "b: {kind: spawn, flow: g, each: [1], "
            'id: "{{ item }}{{ index }}", input: {i: "{{ item }}"}, priority: low, next: end}',
        ),
        ["5:33 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        flow_with(
            "a: {kind: activity, activity: x, effect: none, args: ['{{ result }}'], "
            "compensate: {activity: y, args: [{r: '{{ result }}'}]}, next: end}"
        ),
        ["5:57 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        'hooks: {on_error: {call: {activity: x, args: ["{{ error.code }}", "{{ result }}"]}}}\n'
        + flow_with("a: {kind: decision, next: end}"),
        ["1:67 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_VARIABLE,
        "variables: {log: []}\n" + flow_with("a: {kind: set, append: {log: [1], lgo: [1]}, next: end}"),
        ["6:37 UNKNOWN_VARIABLE"],
    ),
    (
        DiagnosticCode.UNKNOWN_INPUT,
        "inputs: {properties: {path: {}}}\n"
        + flow_with("a: {kind: set, set: {x: \"{{ input.pth }}{{ input['path'] }}\"}, next: end}"),
        ["6:27 UNKNOWN_INPUT"],
    ),
    (
        DiagnosticCode.BAD_SCHEMA,
        "inputs: {type: objct}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:16 BAD_SCHEMA"],
    ),
    (
        DiagnosticCode.BAD_SCHEMA,
        "outputs: {$ref: 'https://example.com/s.json'}\n" + flow_with("a: {kind: decision, next: end}"),
        ["1:17 BAD_SCHEMA"],
    ),
    (
        DiagnosticCode.BAD_SCHEMA,
        flow_with("a: {kind: approval, prompt: x, choices: [y], timeout: 1h, schema: {type: objct}, next: end}"),
        ["5:76 BAD_SCHEMA"],
    ),
]


@pytest.mark.parametrize(("code", "text", "expected"), MISTAKES)
def test_a_mistake_is_reported_once_at_its_place(code: DiagnosticCode, text: str, expected: list[str]) -> None:
    loaded = load_flow(text, "f.yaml")
    assert [f"{item.line}:{item.column} {item.code}" for item in loaded.problems] == expected
    assert loaded.problems[0].code == code
    assert loaded.problems[0].severity == ("warning" if code in WARNINGS else "error")
    assert all(problem.hint for problem in loaded.problems)
    assert loaded.valid == (code in WARNINGS)
    assert (loaded.flow is not None) == loaded.valid


def test_every_code_has_a_mistake_that_shows_it() -> None:
    assert {code for code, _, _ in MISTAKES} == set(DiagnosticCode)


@pytest.mark.parametrize("code", DiagnosticCode)
def test_every_code_says_what_to_do_when_nobody_says_more(code: DiagnosticCode) -> None:
    assert Problem((), code, "wrong").hint
    assert Diagnostic("f.yaml", 1, 1, code, "error", "wrong").hint == Problem((), code, "wrong").hint
    assert Problem((), code, "wrong", "do this").hint == "do this"


TWELVE = """\
flow: twelve
version: 1
varables: {}
variables: {now: 1}
start: load
nodes:
  load: {kind: activity, activity: load, effect: non, next: check}
  check:
    kind: decision
    next:
      - {when: "rows | lenght > 0", to: wiat}
      - {to: wait}
      - {to: ask}
  wait: {kind: wait, for: 5 minutes, next: ask}
  ask: {kind: approval, prompt: "{{ row }}?", timeout: 1d, choices: [a], next: [done, {when: yes, to: ask}]}
  done: {kind: edn}
  done: {kind: end}
"""


def test_twelve_mistakes_give_twelve_lines_in_one_pass() -> None:
    assert places(TWELVE) == [
        "2:10 WRONG_TYPE",
        "3:1 UNKNOWN_FIELD",
        "4:13 RESERVED_NAME",
        "7:50 BAD_VALUE",
        "11:16 BAD_EXPRESSION",
        "11:41 UNKNOWN_NODE",
        "13:9 DUPLICATE_DEFAULT",
        "14:27 BAD_DURATION",
        "15:33 UNKNOWN_VARIABLE",
        "15:94 UNKNOWN_VARIABLE",
        "16:16 UNKNOWN_KIND",
        "17:3 DUPLICATE_KEY",
    ]


def test_a_problem_prints_as_one_line_with_its_hint() -> None:
    (problem,) = load_flow(flow_with("a: {kind: decision, next: ende}"), "my flow.yaml").problems
    assert str(problem) == "my flow.yaml:5:29 UNKNOWN_NODE there is no node 'ende' (did you mean 'end'?)"


def test_a_problem_of_many_lines_prints_as_one() -> None:
    (problem,) = load_flow(flow_with('a: {kind: set, set: {x: "{{ 1 +\\n\\n 2 + }}"}, next: end}'), "f.yaml").problems
    assert len(str(problem).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (flow_with("a: {kind: decision, next: [{when: {{ x }}, to: end}, end]}"), "quote it"),
        (flow_with("a: {kind: decision, next: [{when: false, to: end}, end]}"), "put quotes around it"),
        (flow_with("a: {kind: decision, next: [{when: [x], to: end}, end]}"), "put quotes around it"),
        (flow_with('a: {kind: decision, next: [{when: "a" == x, to: end}, end]}'), "every expression"),
        (flow_with('a: {kind: decision, next: [{when: "{{ 1 > 2 }}", to: end}, end]}'), "without `{{ }}`"),
        (flow_with("a: {kind: wait, for: 1s, timeout: 30, next: end}"), 'quote it: "30s"'),
        (flow_with("a: {kind: actvity, next: end}"), "did you mean 'activity'?"),
        (flow_with("a: {kind: sleep, next: end}"), "known kinds: activity, approval, decision, end"),
        (flow_with("a: {kind: decision, next: end, max_visit: 3}"), "did you mean 'max_visits'?"),
        (flow_with("a: {kind: decision, next: end, zzz: 3}"), "known here: "),
        (flow_with('a: {kind: set, set: {x: "{{ message }}"}, next: end}'), "exists only in `where`"),
        ("limits: {max_step: 3}\n" + flow_with("a: {kind: decision, next: end}"), "'max_steps'"),
        (
            "defaults: {activity: {retries: {}}}\n" + flow_with("a: {kind: decision, next: end}"),
            "'retry'",
        ),
        (flow_with("a: {kind: map, over: [], as_: x, activity: x, effect: none, next: end}"), "did you mean 'as'?"),
        (flow_with("a: {kind: http, url: 'http://x', jsn: 1, next: end}"), "did you mean 'json'?"),
        (flow_with("a: {kind: http, url: 'http://x', retry: {status: []}, next: end}"), "did you mean 'statuses'?"),
        (
            flow_with("a: {kind: http, url: 'http://x', headers: {url: {secret: K, prefx: x}}, next: end}"),
            "did you mean 'prefix'?",
        ),
        (
            flow_with("a: {kind: activity, activity: x, effect: none, compensate: {activity: y, arg: []}, next: end}"),
            "did you mean 'args'?",
        ),
        ("hooks: {before: {set: {x: 1}}}\n" + flow_with("a: {kind: decision, next: end}"), "'before_node'"),
        (
            "hooks: {on_error: {sets: {x: 1}, call: {activity: x}}}\n" + flow_with("a: {kind: decision, next: end}"),
            "'set'",
        ),
        ("error_policy: {acton: stop}\n" + flow_with("a: {kind: decision, next: end}"), "'action'"),
        ("checkpoint: {node: 5}\n" + flow_with("a: {kind: decision, next: end}"), "'nodes'"),
        (flow_with("a: {kind: decision, next: end, on_error: {to: end, code: [X]}}"), "'codes'"),
        (flow_with("a: {kind: approval, prompt: x, choices: [y], remind: 5, timeout: 1h, next: end}"), '"5s"'),
        (
            flow_with("a: {kind: wait, for: 1s, next: b}", "b: {kind: join, of: a, timeout: 1h, next: end}"),
            "spawn or fork",
        ),
        (activity("mode: local"), "undeclared counts as external"),
        (
            "inputs: {properties: {path: {}}, additionalProperties: false}\n"
            + flow_with('a: {kind: set, set: {x: "{{ input.pth }}"}, next: end}'),
            "did you mean 'path'?",
        ),
        ("defaults: {wait: {}}\n" + flow_with("a: {kind: decision, next: end}"), "activity"),
        (flow_with("a: {kind: decision}"), "add `next: <node>`"),
        (flow_with("a: {kind: wait, next: end}"), "add one of them"),
        (flow_with("a: {kind: wait, for: 1s, until: x, next: end}"), "leave one of them out"),
        (flow_with("a: {kind: wait, for: 0.00m1, next: end}"), "write 250ms, 30s"),
        (flow_with("a: {kind: wait, for: 1s, timeout: 40000d, next: end}"), "at most 36500d"),
        (flow_with("a: {kind: wait, for: 1s, timeout: 0s, next: end}"), "a longer one"),
        (activity("effect: none, retry: {maximum_interval: 1s, initial_interval: 90s}"), "write 1m30s or more"),
        (activity("effect: idempotnt"), "did you mean 'idempotent'?"),
        (activity("effect: 7"), "write one of these"),
        (activity("effect: none, args: x"), "write `[item, item]`"),
        (flow_with("a: {kind: decision, next: [end, 5]}"), "the id of a node, or `{to: <node>}`"),
        (flow_with("a: {kind: decision, next: end, max_visits: few}"), "in digits"),
        (flow_with("a: {kind: decision, next: end, title: ~}"), "leave it out"),
        (flow_with("a: {kind: decision, next: end, max_visits: 0}"), "write 1 or more"),
        (flow_with(f"a: {{kind: decision, next: end, title: {'x' * 101}}}"), "it has 101"),
        (flow_with("a: {kind: decision, next: zzz}"), "known here: a, end"),
        (flow_with('a: {kind: set, set: {rows: "{{ zzz }}"}, next: end}'), "known here: rows, error, input"),
        ("variables: {a1: 1, b: '{{ a1 }}'}\n" + flow_with("a: {kind: decision, next: end}"), "see only `input`"),
        (flow_with("a: {kind: join, of: b, timeout: 1h, next: b}", "b: {kind: spawn, flow: g, next: end}"), "from 'b'"),
    ],
)
def test_hints_say_what_was_probably_meant(text: str, hint: str) -> None:
    assert hint in str(only_hint(text))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (f"title: {'x' * 101}", "`title` has at most 100 characters"),
        (f"tags: [{', '.join(['x'] * 21)}]", "`tags` has at most 20 items"),
        ("checkpoint: {nodes: 5000}", "`nodes` is at most 1000"),
        ("checkpoint: {time: 1}", 'quote it: "1s"'),
        ("limits: {max_steps: 0}", "`max_steps` is at least 1"),
        ("limits: {on_limit: stop}", "`on_limit` is one of 'pause' or 'fail'"),
        ("limits: {max_steps: 1.5}", "`max_steps` takes a whole number, not 1.5"),
        ("limits: {max_steps: ~}\ntags: ~", "`tags` takes a list, not nothing"),
        ("limits: [1]", "`limits` takes an object, not a list"),
        ("title: {a: 1}", "`title` takes text, not an object"),
        ("limits: {max_duration: 30}", 'quote it: "30s"'),
        ("defaults: {activity: {retry: {non_retryable: [a b]}}}", "write a letter, then letters"),
        ("defaults: {activity: {retry: {backoff_coefficient: .inf}}}", "not JSON"),
        ("defaults: {activity: {retry: {non_retryable: [no code!]}}}", "is no valid `non_retryable`"),
        ("defaults: {activity: {retry: {non_retryable: [5]}}}", "an item of `non_retryable` takes text, not 5"),
        ("tags: ['']", "an item of `tags` has at least 1 characters"),
    ],
)
def test_values_that_do_not_fit_say_what_does(field: str, said: str) -> None:
    (problem,) = load_flow(f"{field}\n" + flow_with("a: {kind: decision, next: end}"), "f.yaml").problems
    assert said in str(problem)


def test_items_of_lists_are_named_by_their_field() -> None:
    fields = "retry: {statuses: [600, 99]}, next: end, on_error: {codes: [no code!], to: end}"
    text = flow_with(f"a: {{kind: http, url: 'http://x', {fields}}}")
    assert [problem.message for problem in load_flow(text, "f.yaml").problems] == [
        "an item of `statuses` is at most 599",
        "an item of `statuses` is at least 100",
        "'no code!' is no valid `codes`",
    ]


def test_waits_may_take_no_time_and_an_inline_map_may_run_out_of_it() -> None:
    assert load_flow(flow_with("a: {kind: wait, for: 0s, next: end}"), "f.yaml").problems == []
    node = (
        "a: {kind: map, over: [], activity: x@1, mode: inline, effect: none, timeout: 1s, on_timeout: end, next: end}"
    )
    assert load_flow(flow_with(node), "f.yaml").problems == []
    for fields in ("timeout: 1s, on_timeout: end", "start_to_close: 1s"):
        assert load_flow(activity(f"mode: local, effect: none, {fields}"), "f.yaml").problems == []


def test_scalars_follow_json() -> None:
    text = flow_with(
        "a:",
        "  kind: set",
        "  set: {a: yes, b: 2030-01-31, c: 0o17, d: 1_000, e: 1e3, f: ~, g: True, h: 0x1F, i: '5', j: 1:30}",
        "  next: end",
    )
    flow = load_flow(text, "f.yaml").flow
    assert flow is not None
    assert getattr(flow.nodes["a"], "set") == {  # noqa: B009
        "a": "yes",
        "b": "2030-01-31",
        "c": 15,
        "d": "1_000",
        "e": 1000.0,
        "f": None,
        "g": True,
        "h": 31,
        "i": "5",
        "j": "1:30",
    }


def test_anchors_and_aliases_work_and_problems_name_where_they_were_written() -> None:
    text = flow_with("a: {kind: decision, next: &way [{to: end, wen: x}]}", "b: {kind: decision, next: *way}")
    assert places(text) == ["5:45 UNKNOWN_FIELD", "5:45 UNKNOWN_FIELD", "6:3 UNREACHABLE_NODE"]


def test_aliases_cannot_blow_up() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
    )
    (problem,) = load_flow(laughs, "f.yaml").problems
    assert problem.code == "SYNTAX"
    assert "more than 100,000 values" in problem.message


@pytest.mark.parametrize("filename", ["f.yaml", "f.json"])
def test_deep_nesting_is_refused(filename: str) -> None:
    for depth in (100, 100_000):
        (problem,) = load_flow("[" * depth + "]" * depth, filename).problems
        assert problem.code == "SYNTAX"
        assert "too deeply" in problem.message or "nests deeper" in problem.message


def test_long_files_are_refused() -> None:
    (problem,) = load_flow("#" * 1_000_001, "f.yaml").problems
    assert "1,000,000 characters" in problem.message


def as_json(**changes: object) -> str:
    return json.dumps(
        {"flow": "f", "version": "1", "start": "a", "nodes": {"a": {"kind": "end"}}, **changes}, indent="\t"
    )


def test_json_has_places_too() -> None:
    assert places(as_json(), "f.json") == []
    assert places(as_json(start="b"), "f.json") == ["4:11 UNKNOWN_NODE"]
    assert places('{"flow": "f",\n "flow": "g"', "f.json") == ["2:13 SYNTAX"]
    assert places('{"flow": "f" "g"}', "f.json") == ["1:14 SYNTAX"]
    assert "1:20 DUPLICATE_KEY" in places('{"a": {"b": "c", \t "b": 1}}', "f.json")
    assert places('{"flow": NaN}', "f.json") == ["1:1 SYNTAX"]
    assert places("flow: f", "f.json") == ["1:1 SYNTAX"]


def test_json_texts_arrive_as_they_were_written() -> None:
    title = 'tab \t quote " slash / smile \U0001f600 brace {'
    loaded: LoadedFlow = load_flow(as_json(title=title), "f.json")
    assert loaded.flow is not None
    assert loaded.flow.title == title


def test_the_document_is_what_the_file_says() -> None:
    loaded = load_flow(as_json(), "f.json")
    assert loaded.valid
    assert loaded.document == json.loads(as_json())
    assert load_flow("[]", "f.yaml").document is None


@pytest.mark.parametrize("condition", ["x = 1", "(x = 1)", "input.n = 1 and true", "[1, x = 2] | first"])
def test_a_single_equals_sign_is_told_from_a_comparison(condition: str) -> None:
    text = flow_with(f'a: {{kind: decision, next: [{{when: "{condition}", to: end}}, end]}}')
    (problem,) = load_flow(text, "f.yaml").problems
    assert (problem.code, problem.hint) == (DiagnosticCode.BAD_EXPRESSION, "write `==` to compare")


def test_only_a_node_whose_time_can_be_over_has_a_way_out_of_that() -> None:
    text = flow_with("a: {kind: send, to: t, name: n, on_timeout: end, next: end}")
    assert only_hint(text) == "add `timeout: 1h`, or leave it out"
    other = flow_with("a: {kind: subflow, flow: g, on_timeout: end, next: end}")
    assert places(other) == [], "the other flow's `max_duration` ends it too"
    default = "defaults: {activity: {timeout: %s}}\n" + activity("effect: none, on_timeout: end")
    assert places(default % "1m") == []
    assert places(default % "soon") == ["1:32 BAD_DURATION"], "what would be given is not also missing"
    assert places(activity("effect: none, timeout: soon, on_timeout: end")) == ["5:61 BAD_DURATION"]
    both = activity("effect: none, timeout: soon, on_timeout: end").replace("x@1", '"{{ input }}"')
    assert places(both) == ["5:3 MISSING_FIELD", "5:71 BAD_DURATION"], "and hides nothing else"


def test_the_activity_of_a_hook_or_compensation_is_not_computed() -> None:
    text = activity('effect: none, compensate: {activity: "undo-{{ input }}"}')
    assert only_hint(text) == "write its name; what is to differ goes into `args`"
    assert places(activity('effect: none, compensate: {activity: undo, args: ["{{ result }}"]}')) == []
