"""Flows of all kinds, with the flows that they name, and what may happen to the threads that execute them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from domain.values import JsonObject
from tests.property.thread.flows import NODES, bounded, codes, edges, kinds, templates, waits

_calls: dict[str, st.SearchStrategy[Any]] = {
    "activity": st.just("work"),
    "effect": st.just("none"),
    "next": edges(),
    **bounded,
}
_undone = {"compensate": st.fixed_dictionaries({"activity": st.just("undo"), "args": st.lists(templates, max_size=1)})}
_lists = st.sampled_from([[], [1], [1, 2, 3], "{{ [x, y] }}", "{{ x }}"])

more_kinds: dict[str, st.SearchStrategy[JsonObject]] = {
    **kinds,
    "set": st.fixed_dictionaries(
        {"append": st.fixed_dictionaries({"log": st.lists(templates, max_size=2)}), "next": edges(), **bounded},
        optional={"set": st.fixed_dictionaries({"x": templates})},
    ),
    "activity": st.fixed_dictionaries(
        {**_calls, "mode": st.sampled_from(["remote", "local", "local"])}, optional={**waits, **_undone}
    ),
    "map": st.fixed_dictionaries(
        {**_calls, "over": _lists, "concurrency": st.integers(1, 3), "args": st.just(["{{ item }}", "{{ index }}"])},
        optional={**waits, **_undone, "on_item_error": st.sampled_from(["fail", "collect"])},
    ),
    "workflow": st.fixed_dictionaries(
        {"workflow": st.just("Theirs"), "args": st.lists(templates, max_size=1), "next": edges(), **bounded},
        optional={**waits, **_undone},
    ),
    "http": st.fixed_dictionaries(
        {"url": st.just("http://127.0.0.1/{{ x }}"), "next": edges(), **bounded}, optional={**waits, **_undone}
    ),
    "send": st.fixed_dictionaries(
        {"to": st.sampled_from(["b", ["b", "c"], "{{ x }}"]), "name": st.just("n"), "next": edges(), **bounded},
        optional=waits,
    ),
    "spawn": st.fixed_dictionaries(
        {"flow": st.just("g"), "next": edges(), **bounded}, optional={**waits, "each": _lists}
    ),
    "fork": st.fixed_dictionaries(
        {"enter": st.sampled_from(NODES), "next": edges(), **bounded}, optional={**waits, "each": _lists}
    ),
    "join": st.fixed_dictionaries(
        {"threads": st.sampled_from([[], ["p", "q"], ["p", "q", "r"], "{{ y }}"]), "next": edges(), **bounded},
        optional={
            **waits,
            "need": st.sampled_from(["all", "any", "majority", 2]),
            "rest": st.sampled_from(["leave", "cancel"]),
            "on_failed": st.sampled_from(["fail", "collect"]),
        },
    ),
    "subflow": st.fixed_dictionaries(
        {"flow": st.sampled_from(["g", "h"]), "input": st.just({"n": "{{ x }}"}), "next": edges(), **bounded},
        optional=waits,
    ),
}
nodes = st.one_of(
    [strategy.map(lambda node, kind=kind: {"kind": kind, **node}) for kind, strategy in more_kinds.items()]  # type: ignore[misc]
)
_hook = st.sampled_from(
    [
        {"set": {"seen": "{{ node.id }}"}},
        {"call": {"activity": "hook", "args": ["{{ node.key }}"]}},
        {"call": {"activity": "hook"}, "nodes": ["a"]},
        {"set": {"seen": "{{ input.absent }}"}},
    ]
)
_policies = st.sampled_from(
    [
        "stop",
        *["continue"] * 4,
        "skip",
        {"action": "retry", "maximum_attempts": 2, "interval": "1s"},
        {"action": "retry", "interval": "0s"},
    ]
)
_of_flow = st.fixed_dictionaries(
    {"error_policy": _policies},
    optional={
        "hooks": st.dictionaries(st.sampled_from(["before_node", "after_node", "on_error"]), _hook, max_size=3),
        "checkpoint": st.just({"nodes": 3}),
    },
)


@dataclass(frozen=True)
class Named:
    """A flow and those that it names."""

    document: JsonObject
    flows: dict[str, JsonObject]


@st.composite
def _flow(draw: st.DrawFn, name: str, *, local: bool = False) -> JsonObject:
    found: JsonObject = {node: draw(nodes) for node in NODES}
    if local:
        near = more_kinds["activity"].map(lambda node: {"kind": "activity", **node, "mode": "local"})
        found["a"] = draw(near)
        found["c"] = draw(near)
    known = {*found, "end", "bad"}
    for node in found.values():
        if node["kind"] == "fork" and node["enter"] not in known:
            node["enter"] = "end"
        for field in ("next", "on_error", "on_timeout"):
            for place, edge in enumerate(node.get(field, [])):
                to = edge if isinstance(edge, str) else edge["to"]
                if to not in known:
                    node[field][place] = "end" if isinstance(edge, str) else {**edge, "to": "end"}
        # Without a way on that always holds the flow would not be valid; most lead to another node.
        default = draw(st.sampled_from([*NODES, *NODES, "end"]))
        node["next"] = [*[edge for edge in node["next"] if isinstance(edge, dict)], default]
    ends = {
        "end": {"kind": "end", "result": draw(templates), "compensate": draw(st.booleans())},
        "bad": {"kind": "fail", "code": "BAD", "compensate": draw(st.booleans())},
    }
    reached = _reached(found | ends)
    if "end" not in reached and "bad" not in reached:
        found["a"]["next"] = ["end"]
        reached = _reached(found | ends)
    limits = {"max_duration": draw(st.sampled_from(["30s", "1h"])), "max_steps": 40}
    variables = {"x": draw(st.sampled_from([0, 1, 1, 2, [1, 2]])), "y": ["p"], "log": [], "seen": None}
    return {
        "flow": name,
        "version": "1",
        "start": "a",
        "variables": variables,
        "limits": limits,
        **draw(_of_flow),
        "nodes": reached,
    }


def _reached(every: JsonObject) -> JsonObject:
    found = ["a"]
    for name in found:
        node = every[name]
        ways = [edge for field in ("next", "on_error", "on_timeout") for edge in node.get(field, [])]
        for edge in [*ways, *([node["enter"]] if node["kind"] == "fork" else [])]:
            to = edge if isinstance(edge, str) else edge["to"]
            if to not in found:
                found.append(to)
    return {name: every[name] for name in found}


@st.composite
def programs(draw: st.DrawFn, *, local: bool = False) -> Named:
    """A flow of four nodes of any kinds, and the two that it and they may name, themselves included.

    Args:
        draw: Hypothesis's.
        local: Begin with a local activity, and have another.
    """
    return Named(draw(_flow("f", local=local)), {name: draw(_flow(name, local=local)) for name in ("g", "h")})


values = st.sampled_from([None, 1, 2, ["x"], {"model": "m", "tokens": 2}])
_on = st.tuples(st.just("go on"), values)
events = st.one_of(
    *[_on] * 8,
    st.tuples(st.just("fail"), codes),
    st.tuples(st.just("time out"), st.none()),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 5.0, 60.0, 4_000.0])),
    st.tuples(st.just("pause"), st.sampled_from([None, 1.0, 90.0])),
    st.tuples(st.just("lost session"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("send"), st.sampled_from([1, "text", {"k": 1}])),
    st.tuples(st.just("archive"), st.integers(0, 5)),
    st.tuples(st.just("cancel"), st.booleans()),
)
lives = st.lists(events, min_size=3, max_size=30)
