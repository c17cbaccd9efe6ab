from __future__ import annotations

from pathlib import Path

from domain.flow.graph import mermaid
from domain.flow.loader import load_flow

FLOW = """
flow: refund
version: "1"
start: check
nodes:
  check: {kind: decision, next: [{when: "input['a'] > 1 and \\"x\\" < 'y;'", to: ask}, pay]}
  ask:
    kind: approval
    title: 'Ask "the <boss>" #1'
    prompt: x
    choices: [yes, no]
    timeout: 1d
    next: pay
    on_timeout: late
  pay: {kind: activity, activity: pay, effect: none, next: news, on_error: [{codes: [A, B], to: late}, late]}
  news: {kind: receive, timeout: 1h, next: nap, on_error: {when: "true", to: nap}}
  nap: {kind: wait, for: 5m, next: note}
  note: {kind: set, set: {a: 1, b: 2}, next: until}
  until: {kind: wait, until: "2030-01-01", next: end}
  end: {kind: end}
  late: {kind: fail, code: LATE}
"""


def test_a_flow_is_drawn_with_its_nodes_and_ways() -> None:
    flow = load_flow(FLOW, "f.yaml").flow
    assert flow is not None
    assert mermaid(flow).splitlines() == [
        "flowchart TD",
        '    n0{"check<br/>decision"}',
        '    n1[/"Ask #34;the #60;boss#62;#34; #35;1<br/>ask<br/>approval: yes, no"/]',
        '    n2["pay<br/>activity pay"]',
        '    n3>"news<br/>receive any message"]',
        '    n4(("nap<br/>wait 5m"))',
        '    n5["note<br/>set a, b"]',
        '    n6(("until<br/>wait until 2030-01-01"))',
        '    n7(["end<br/>end"])',
        '    n8(["late<br/>fail LATE"])',
        "    start(( )) --> n0",
        "    n0 -->|\"input['a'] #62; 1 and #34;x#34; #60; 'y#59;'\"| n1",
        "    n0 --> n2",
        "    n1 --> n2",
        '    n1 -.->|"timeout"| n8',
        "    n2 --> n3",
        '    n2 -.->|"error A, B"| n8',
        '    n2 -.->|"error"| n8',
        "    n3 --> n4",
        '    n3 -.->|"error if true"| n4',
        "    n4 --> n5",
        "    n5 --> n6",
        "    n6 --> n7",
    ]


def test_long_labels_are_cut() -> None:
    condition = " or ".join(["input == 1"] * 50)
    text = FLOW.replace("input['a'] > 1", condition)
    flow = load_flow(text, "f.yaml").flow
    assert flow is not None
    assert max(map(len, mermaid(flow).splitlines())) < 120
    assert "…" in mermaid(flow)


EVERY_KIND = Path(__file__).parents[2] / "data" / "every_kind.yaml"


def test_kinds_have_shapes_of_their_own() -> None:
    flow = load_flow(EVERY_KIND.read_text(encoding="utf-8"), "f.yaml").flow
    assert flow is not None
    lines = mermaid(flow).splitlines()
    for line in (
        '    n3["near<br/>local activity echo"]',
        '    n4["within<br/>inline activity double@1"]',
        '    n5{{"each_number<br/>for each number: activity echo"}}',
        '    n6[["theirs<br/>workflow Echo"]]',
        '    n7["request<br/>POST {{ input.url }}/numbers"]',
        '    n11[["part<br/>subflow every-kind-part@1"]]',
        '    n12[/"siblings<br/>spawn every-kind-part for each number"\\]',
        '    n13[\\"gather<br/>join majority of siblings"/]',
        '    n14[\\"all_of_them<br/>join 1"/]',
        '    n15[\\"tell<br/>send note-{{ node.visit }}"\\]',
        '    n18[/"split<br/>fork for each way"\\]',
        '    n18 ==>|"branches"| n19',
        '    n2u("release")',
        '    n2 -.-|"undone by"| n2u',
    ):
        assert line in lines
    assert len(set(lines)) == len(lines)
