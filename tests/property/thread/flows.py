"""Flows, and what may happen to the threads that execute them, at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from domain.values import JsonObject

NODES = ["a", "b", "c", "d"]
VARIABLES = ["x", "y"]

conditions = st.sampled_from(["x > 1", "y == 1", "nodes.a.visits < 2", "x < 3", "input.n == 1", "input.absent"])
templates = st.sampled_from(["{{ x }}", "{{ x + 1 }}", "{{ input.n }}", "{{ y }}", 1, [1, "{{ x }}"], "{{ now }}"])
codes = st.sampled_from(["BOOM", "NODE_TIMEOUT", "EXPRESSION_ERROR", "NO_EDGE"])


def targets() -> st.SearchStrategy[str]:
    return st.sampled_from([*NODES, "end", "end", "bad"])


def edges(*, for_errors: bool = False) -> st.SearchStrategy[Any]:
    condition: dict[str, st.SearchStrategy[Any]] = {"to": targets(), "when": conditions}
    edge = st.fixed_dictionaries(condition, optional={"priority": st.integers(-1, 1)})
    if for_errors:
        coded: dict[str, st.SearchStrategy[Any]] = {"to": targets(), "codes": st.lists(codes, min_size=1, max_size=2)}
        edge |= st.fixed_dictionaries(coded)
    default = st.lists(targets(), min_size=0 if for_errors else 1, max_size=1)
    return st.tuples(st.lists(edge, max_size=2), default).map(lambda found: found[0] + found[1] or ["end"])


saves = st.sampled_from(VARIABLES) | st.fixed_dictionaries({"y": templates})
bounded = {"max_visits": st.integers(1, 5)}
ways = {"on_error": edges(for_errors=True)}
waits = {**ways, "save": saves, "timeout": st.sampled_from(["5s", "1m"]), "on_timeout": edges()}

kinds: dict[str, st.SearchStrategy[JsonObject]] = {
    "set": st.fixed_dictionaries(
        {"set": st.dictionaries(st.sampled_from(VARIABLES), templates, min_size=1), "next": edges(), **bounded},
        optional=ways,
    ),
    "decision": st.fixed_dictionaries({"next": edges(), **bounded}, optional=ways),
    "wait": st.fixed_dictionaries(
        {"for": st.sampled_from(["0s", "10s", "{{ x }}"]), "next": edges(), **bounded}, optional=waits
    ),
    "receive": st.fixed_dictionaries(
        {"next": edges(), **bounded},
        optional={**waits, "name": st.just("n"), "where": st.sampled_from(["message.body == 1", "message.body.k > 0"])},
    ),
    "approval": st.fixed_dictionaries(
        {"prompt": st.just("ok {{ x }}?"), "choices": st.just(["yes", "no"]), "next": edges(), **bounded},
        optional=waits,
    ),
    "activity": st.fixed_dictionaries(
        {
            "activity": st.just("work"),
            "args": st.lists(templates, max_size=1),
            "effect": st.sampled_from(["none", "external"]),
            "next": edges(),
            **bounded,
        },
        optional={**waits, "usage": st.sampled_from([{"model": "m", "tokens": 1}, "{{ result }}"])},
    ),
}
nodes = st.one_of(
    [strategy.map(lambda node, kind=kind: {"kind": kind, **node}) for kind, strategy in kinds.items()]  # type: ignore[misc]
)
limits = st.fixed_dictionaries(
    {"max_duration": st.sampled_from(["30s", "1h"])},
    optional={"max_steps": st.integers(1, 10), "on_limit": st.sampled_from(["pause", "fail"])},
)


@st.composite
def flows(draw: st.DrawFn) -> JsonObject:
    """A flow of up to four nodes that lead anywhere, and of which some lead nowhere good."""
    found: JsonObject = {name: draw(nodes) for name in NODES[: draw(st.integers(1, len(NODES)))]}
    known = {*found, "end", "bad"}
    for node in found.values():
        for field in ("next", "on_error", "on_timeout"):
            for place, edge in enumerate(node.get(field, [])):
                name = edge if isinstance(edge, str) else edge["to"]
                if name not in known:
                    node[field][place] = "end" if isinstance(edge, str) else {**edge, "to": "end"}
    ends = {"end": {"kind": "end", "result": draw(templates)}, "bad": {"kind": "fail", "code": "BAD"}}
    document = {"flow": "f", "version": "1", "start": "a", "variables": {"x": 0, "y": None}, "limits": draw(limits)}
    reached = _reached(found | ends)
    if not ends.keys() & reached.keys():
        found["a"]["next"][-1] = "end"
        reached["end"] = ends["end"]
    return {**document, "nodes": reached}


def _reached(every: JsonObject) -> JsonObject:
    """The nodes that some way leads to."""
    found = ["a"]
    for name in found:
        for field in ("next", "on_error", "on_timeout"):
            for edge in every[name].get(field, []):
                to = edge if isinstance(edge, str) else edge["to"]
                if to not in found:
                    found.append(to)
    return {name: every[name] for name in found}


# What happens to a thread: (what, with what)

going_on = st.tuples(st.just("go on"), st.sampled_from([None, 1, 2, {"model": "m", "tokens": 2}]))
happenings = st.one_of(
    going_on,
    going_on,
    going_on,
    going_on,
    st.tuples(st.just("complete"), st.sampled_from([None, 1, {"model": "m", "tokens": 2}, ["x"]])),
    st.tuples(st.just("fail"), codes),
    st.tuples(st.just("time out"), st.none()),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 5.0, 60.0, 4_000.0])),
    st.tuples(st.just("pause"), st.sampled_from([None, 1.0, 90.0])),
    st.tuples(st.just("session pauses"), st.none()),
    st.tuples(st.just("backlog"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("session resumes"), st.booleans()),
    st.tuples(st.just("relieved"), st.none()),
    st.tuples(st.just("send"), st.sampled_from([1, "text", {"k": 1}])),
    st.tuples(st.just("answer"), st.sampled_from(["yes", "no", "maybe"])),
    st.tuples(st.just("archive"), st.integers(0, 5)),
    st.tuples(st.just("stale"), st.none()),
    st.tuples(st.just("cancel"), st.none()),
)
lives = st.lists(happenings, max_size=15)
